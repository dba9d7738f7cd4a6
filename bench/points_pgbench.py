"""The least that a posting must write, by pgbench, PostgreSQL's own load generator.

One statement adds a point: the sums of the account, one transaction, two postings and a lot, in
tables of its own with the keys that they need, and nothing else. There is no decision, no guard,
no chain of hashes and nobody who asks.
"""

import resource
import subprocess

from bench.measuring import Load
from bench.people_pgbench import load_of
from bench.pgbench import Peer
from habitue.store.database import Database

_TABLES = """
CREATE TABLE peer_account (id bigint PRIMARY KEY, issued numeric NOT NULL, open numeric NOT NULL,
    sequence bigint NOT NULL) WITH (fillfactor = 80);
CREATE TABLE peer_transaction (account_id bigint, sequence bigint, key uuid, kind text,
    at timestamptz, PRIMARY KEY (account_id, sequence));
CREATE UNIQUE INDEX peer_transaction_key ON peer_transaction (account_id, key);
CREATE TABLE peer_posting (account_id bigint, sequence bigint, position integer, place text,
    amount numeric, lot uuid, PRIMARY KEY (account_id, sequence, position));
CREATE TABLE peer_lot (account_id bigint, key uuid, amount numeric, remaining numeric,
    start timestamptz, PRIMARY KEY (account_id, key));
"""
_POST = r"""\set id random(1, :owners)
WITH account AS (
    UPDATE peer_account SET issued = issued - 1, open = open + 1, sequence = sequence + 1
    WHERE id = :id RETURNING id, sequence, gen_random_uuid() AS key
), transaction AS (
    INSERT INTO peer_transaction SELECT id, sequence, key, 'earn', now() FROM account
), posting AS (
    INSERT INTO peer_posting SELECT id, sequence, position, place, amount, key FROM account,
        (VALUES (1, 'issued', -1), (2, 'open', 1)) AS listed (position, place, amount)
)
INSERT INTO peer_lot SELECT id, key, 1, 1, now() FROM account;
"""


async def prepare(peer: Peer, database: Database, owners: int) -> None:
    """Makes the tables, the accounts and the script."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            await database.execute(statement)
    await database.execute(
        "INSERT INTO peer_account SELECT number, 0, 0, 0 FROM generate_series(1, $1::bigint)"
        " AS listed (number)",
        owners,
    )
    peer.directory.joinpath("posting.sql").write_text(_POST)


def run(peer: Peer, owners: int, connections: int, warm_up: float, seconds: float) -> Load:
    """One run over so many owners. Raises RuntimeError where it fails."""
    for log in peer.directory.glob("latency.*"):
        log.unlink()
    endpoint, used = peer.endpoint, _processor_seconds()
    command = [
        str(peer.program),
        *("-h", endpoint.host, "-p", str(endpoint.port), "-U", endpoint.user),
        *("-n", "-M", "prepared", "-c", str(connections), "-j", "2"),
        *("-T", str(max(1, round(warm_up + seconds))), "-D", f"owners={owners}"),
        *("-f", str(peer.directory / "posting.sql")),
        *("-l", f"--log-prefix={peer.directory / 'latency'}"),
        endpoint.database,
    ]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return load_of(peer.directory, warm_up, _processor_seconds() - used)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
