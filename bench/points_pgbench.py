"""The least that a posting must write, by pgbench, PostgreSQL's own load generator.

One statement adds a point and writes the facts that a posting leaves behind: the sums of the
account, what of it can be spent and where its chain stands; one transaction with its key, cause,
moments and its link in the chain; two postings; a lot, and its place in the order of spending. The
tables are its own, with the keys that they need. The link is a part of it because it is stored in
the same transaction and nothing could prove the rest without it; it was not at first, when a
posting was compared with one that nobody could check. There is no decision, no guard, no customer
who is looked up, and nobody who asks.
"""

import resource
import subprocess

from bench.measuring import Load
from bench.people_pgbench import load_of
from bench.pgbench import ENVIRONMENT, Peer
from habitue.store.database import Database

_TABLES = """
CREATE TABLE peer_account (id bigint PRIMARY KEY, issued numeric NOT NULL, open numeric NOT NULL,
    active numeric NOT NULL, moment timestamptz NOT NULL, sequence bigint NOT NULL,
    last_hash bytea NOT NULL) WITH (fillfactor = 80);
CREATE TABLE peer_transaction (account_id bigint, sequence bigint, key uuid, kind text,
    at timestamptz, booked timestamptz, amount numeric, start timestamptz, cause jsonb,
    previous_hash bytea, hash bytea, PRIMARY KEY (account_id, sequence));
CREATE UNIQUE INDEX peer_transaction_key ON peer_transaction (key, account_id);
CREATE TABLE peer_posting (account_id bigint, sequence bigint, position integer, place text,
    amount numeric, lot uuid, PRIMARY KEY (account_id, sequence, position));
CREATE TABLE peer_lot (account_id bigint, key uuid, amount numeric, remaining numeric,
    created timestamptz, start timestamptz, expiry timestamptz, PRIMARY KEY (account_id, key))
    WITH (fillfactor = 80);
CREATE INDEX peer_lot_order ON peer_lot (account_id, coalesce(expiry, 'infinity'), created, key)
    WHERE remaining > 0;
"""
_POST = r"""\set id random(1, :owners)
WITH given AS MATERIALIZED (
    SELECT gen_random_uuid() AS key, now() AS at, '{"actor": "staff:1"}'::jsonb AS cause
), account AS (
    UPDATE peer_account SET issued = issued - 1, open = open + 1, active = active + 1,
        moment = at, sequence = sequence + 1,
        last_hash = sha256(last_hash || convert_to(concat_ws('|', id, sequence + 1, key, 'earn',
            at, cause, concat('issued:-1,open:', key, ':1')), 'UTF8'))
    FROM given WHERE id = :id
    RETURNING id, new.sequence, key, at, cause, old.last_hash AS previous_hash,
        new.last_hash AS hash
), transaction AS (
    INSERT INTO peer_transaction
    SELECT id, sequence, key, 'earn', at, at, 1, at, cause, previous_hash, hash FROM account
), posting AS (
    INSERT INTO peer_posting SELECT id, sequence, position, place, amount, lot FROM account,
        LATERAL (VALUES (1, 'issued', -1, NULL::uuid), (2, 'open', 1, key))
        AS listed (position, place, amount, lot)
)
INSERT INTO peer_lot SELECT id, key, 1, 1, at, at, NULL FROM account;
"""


async def prepare(peer: Peer, database: Database, owners: int) -> None:
    """Makes the tables, the accounts and the script."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            await database.execute(statement)
    await database.execute(
        "INSERT INTO peer_account SELECT number, 0, 0, 0, now(), 0, '' FROM"
        " generate_series(1, $1::bigint) AS listed (number)",
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
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return load_of(peer.directory, warm_up, _processor_seconds() - used)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
