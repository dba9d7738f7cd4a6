"""The same reads and writes of customers by pgbench, PostgreSQL's own load generator.

A registration is the statement that loads and the call of `save_card`, with documents and
parameters of the same sizes, prepared; a lookup is the statement that reads. Whom they are about
comes from an index, and the id that the load gives goes into the save.
"""

import re
import resource
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from bench import people
from bench.measuring import Load
from bench.people_load import Kind
from bench.people_rows import LETTERS, Share, keys_of
from bench.pgbench import ENVIRONMENT, Peer
from habitue.store import card_reading, cards
from habitue.store.cards import CardWrite

_KEYS = {letter: f"md5('{letter}' || :index::text)::uuid" for letter in LETTERS}
_NEW = r"""\set index :first + :client_id * :share + :done
\set done :done + 1
"""
_KNOWN = r"""\set index random(:first, :first + :size - 1)
"""


def write_scripts(peer: Peer, write: CardWrite) -> None:
    """Writes the scripts of both kinds; `write` is of the marked person."""
    keys = f"ARRAY[{', '.join(_KEYS.values())}]"
    loaded = {"$1": keys, "$2": "'{}'::bigint[]", "$3": "NULL::uuid", "$4": ":since"}
    load = _with_variables(cards.LOAD, loaded).strip()
    save = _with_variables(cards.SAVE, dict(_saved(write))).strip()
    registration = f"{_NEW}{load}\n\\gset\n{save};\n"
    peer.directory.joinpath("registration.sql").write_text(registration)
    read = {"$1": f"ARRAY[{_KEYS[LETTERS[0]]}]", "$2": "'{}'::bigint[]"}
    lookup = f"{_KNOWN}{_with_variables(card_reading.READ, read).strip()};\n"
    peer.directory.joinpath("lookup.sql").write_text(lookup)


def run(
    peer: Peer,
    kind: Kind,
    write: CardWrite,
    share: Share,
    connections: int,
    warm_up: float,
    seconds: float,
) -> Load:
    """One run over the people of `share`. Raises RuntimeError where it fails."""
    for log in peer.directory.glob("latency.*"):
        log.unlink()
    values = {
        "first": share.first,
        "size": share.size,
        "share": share.size // connections,
        "done": 0,
        "since": "2020-01-01T00:00:00Z",
        **_documents(write),
    }
    command = _command(peer, kind, connections, max(1, round(warm_up + seconds)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            *command,
            *(f"-D{name}={value}" for name, value in values.items()),
            peer.endpoint.database,
        ],
        capture_output=True,
        env=ENVIRONMENT,
    )
    if done.returncode or b"ERROR" in done.stderr:
        raise RuntimeError(done.stderr.decode()[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return load_of(peer.directory, warm_up, used)


def _with_variables(statement: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\d+", lambda match: variables[match[0]], statement)


def _documents(write: CardWrite) -> dict[str, str]:
    """The documents of the write as they are sent, with marks; keys of claims as letters."""
    claims = (write.claims or b"").decode()
    for letter, key in zip(LETTERS, keys_of(int(people.MARK)), strict=True):
        claims = claims.replace(str(key), f"<{letter}>")
    documents = {"claims": claims, "change_actor": (write.change_actor or b"").decode()}
    for name in ("attributes", "parts", "names", "changes"):
        documents[name] = (getattr(write, name) or b"").decode()
    # What the load has read becomes variables too, under names of their own.
    return {f"sent_{name}": text for name, text in documents.items()}


def _saved(write: CardWrite) -> Iterator[tuple[str, str]]:
    """The arguments of `save_card` by their numbers."""
    for number, (name, value) in enumerate(msgspec.structs.asdict(write).items(), 1):
        yield f"${number}", _argument(name, value)


def _argument(name: str, value: object) -> str:
    if name in ("customer_id", "change_root"):
        return ":root_id"
    if name == "claims":
        text = _marked(name)
        for letter, key in _KEYS.items():
            text = f"replace({text}, '<{letter}>', {key}::text)"
        return f"{text}::jsonb"
    if isinstance(value, bytes):
        return f"{_marked(name)}::jsonb"
    return {"version": "0", "now": "now()", "released": "'{}'"}.get(
        name, "NULL" if value is None else f"'{value}'"
    )


def _marked(name: str) -> str:
    """A document for the person of the index and the id that was given."""
    index = f"lpad(:index::text, {len(people.MARK)}, '0')"
    return f"replace(replace(:sent_{name}, '{people.MARK}', {index}), '77777777', :root_id::text)"


def _command(peer: Peer, kind: Kind, connections: int, duration: int) -> list[str]:
    endpoint = peer.endpoint
    return [
        str(peer.program),
        *("-h", endpoint.host, "-p", str(endpoint.port), "-U", endpoint.user),
        *("-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(duration)),
        *("-f", str(peer.directory / f"{kind}.sql")),
        *("-l", f"--log-prefix={peer.directory / 'latency'}"),
    ]


def load_of(directory: Path, warm_up: float, client_seconds: float) -> Load:
    """What the logs say: one line per transaction, with its latency and when it ended, in us."""
    ended: list[tuple[float, float]] = []
    for log in directory.glob("latency.*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            ended.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]) / 1000))
    opens = min(at - ms / 1000 for at, ms in ended) + warm_up
    window = [ms for at, ms in ended if at >= opens]
    return Load(len(ended), max(at for at, _ in ended) - opens, window, client_seconds)
