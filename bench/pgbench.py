"""The same reads and writes of the database by pgbench, PostgreSQL's own load generator.

Its transaction is that of `update_session` without the thinking: the statement that loads, and the
call of `save_session` with a document and parameters of the same sizes, prepared, four updates to
one close. What a session is found by comes from its index, and what the load has read (ids,
version) goes into the save.
"""

import os
import re
import resource
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench import carts
from bench.load import CLOSES_ONE_IN
from bench.measuring import Load
from bench.rows import Documents, Share
from habitue.store import sessions
from habitue.store.embedded import Endpoint

_KEY = "md5('s' || :session::text)::uuid"
_CODES = f"ARRAY['SAVE-' || lpad((:session % {carts.COUPONS})::text, 6, '0')]"
_COUPON_IDS = f"ARRAY[{carts.FIRST_COUPON_ID} + :session % {carts.COUPONS}]::bigint[]"
_LOADED: Mapping[str, str] = {
    "$1": _KEY,
    "$2": ":application",
    "$3": "md5('c' || :session::text)::uuid",
    "$4": "false",
    "$5": _CODES,
    "$6": "NULL::uuid",
    "$7": ":since",
    "$8": "NULL::jsonb",
    "$9": "NULL::jsonb",
}
#: As the server's own statements on hot paths: each is planned once for a connection, by keys.
ENVIRONMENT = {
    **os.environ,
    "PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off",
}
_OPEN = r"""\set first :base + :client_id * :share + :closed
\set session random(:first, :base + (:client_id + 1) * :share - 1)
"""
_CLOSE = r"""\set session :base + :client_id * :share + :closed
\set closed :closed + 1
"""


class Peer(NamedTuple):
    """How to run pgbench: the program, the database, and a directory for its files."""

    program: Path
    endpoint: Endpoint
    directory: Path


def write_scripts(peer: Peer) -> None:
    """Writes the scripts of both kinds of transaction."""
    peer.directory.joinpath("open.sql").write_text(_script(_OPEN, closes=False))
    peer.directory.joinpath("close.sql").write_text(_script(_CLOSE, closes=True))


def run(
    peer: Peer,
    documents: Documents,
    application_id: int,
    share: Share,
    connections: int,
    warm_up: float,
    seconds: float,
) -> Load:
    """One run over the sessions of `share`. Raises RuntimeError where it fails."""
    for log in peer.directory.glob("latency.*"):
        log.unlink()
    duration = max(1, round(warm_up + seconds))
    values = {
        "base": share.first,
        "share": share.size // connections,
        "closed": 0,
        "application": application_id,
        "since": "2020-01-01T00:00:00Z",
        "now": "2026-11-20T12:00:00Z",
        "open_document": documents.open.decode(),
        "closed_document": documents.closed.decode(),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*_command(peer, connections, duration), *_defined(values)]
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return _load_of(peer.directory, warm_up, used)


def _script(begins: str, *, closes: bool) -> str:
    load = _with_variables(sessions.LOAD, _LOADED).strip()
    save = _with_variables(sessions.SAVE, dict(_saved(closes))).strip()
    return f"{begins}{load}\n\\gset\n{save};\n"


def _with_variables(statement: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\d+", lambda match: variables[match[0]], statement)


def _saved(closes: bool) -> Iterator[tuple[str, str]]:
    state, document = ("closed", ":closed_document") if closes else ("open", ":open_document")
    arguments = {
        "customer_id": ":owner_id",
        "customer_version": ":owner_version",
        "anonymous": "false",
        "session_count_change": "0",
        "closed_sessions_change": str(int(closes)),
        "total_sales_change": "612.34" if closes else "0",
        "is_new": "false",
        "session_key": _KEY,
        "session_id": ":session_id",
        "application_id": ":application",
        "integration_id": "'session-' || lpad(:session::text, 8, '0')",
        "state": f"'{state}'",
        "coupon_codes": _CODES,
        "document": document,
        "now": ":now",
        "event_id": ":event_id",
        "event_type": "'talon_session_closed'" if closes else "'talon_session_updated'",
        "redeemed": _CODES if closes else "'{}'",
        "redeemed_ids": _COUPON_IDS if closes else "'{}'",
        "release": "false",
    }
    for number, name in enumerate(sessions.SessionWrite.__struct_fields__, 1):
        yield f"${number}", arguments.get(name, "NULL")


def _command(peer: Peer, connections: int, duration: int) -> list[str]:
    endpoint = peer.endpoint
    return [
        str(peer.program),
        *("-h", endpoint.host, "-p", str(endpoint.port), "-U", endpoint.user),
        *("-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(duration)),
        *("-f", f"{peer.directory / 'open.sql'}@{CLOSES_ONE_IN - 1}"),
        *("-f", f"{peer.directory / 'close.sql'}@1"),
        *("-l", f"--log-prefix={peer.directory / 'latency'}"),
        endpoint.database,
    ]


def _defined(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        yield from ("-D", f"{name}={value}")


def _load_of(directory: Path, warm_up: float, client_seconds: float) -> Load:
    """What the logs say: one line per transaction, with its latency and when it ended, in us."""
    ended: list[tuple[float, float]] = []
    for log in directory.glob("latency.*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            ended.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]) / 1000))
    opens = min(at - ms / 1000 for at, ms in ended) + warm_up
    window = [ms for at, ms in ended if at >= opens]
    return Load(len(ended), max(at for at, _ in ended) - opens, window, client_seconds)
