"""How many postings the server makes, beside the least that the database could do, and what a
balance costs by how many lots there are.

    python -m bench.ledger [--rounds 3] [--seconds 8] [--owners 100000] [--workers 2] [--json FILE]

An embedded database in a temporary directory is filled with owners of points. Rounds follow one
another: points for one hot account and for all accounts in turn, each by the server over HTTP
(`add_points`) and by pgbench (see `bench.points_pgbench`), and those for all accounts also by the
use case without HTTP (`bench.points_usecase`: as many at a time, in as many processes, with the
same commits) and by the least that a server of this stack can do (`bench.ceiling`), for the same
time with the same number of connections. Figures are medians over the rounds; the ratio is postings
per second as a part of pgbench's. Then balances are read, and points spent, one request after the
other.
"""

import argparse
import asyncio
import http.client
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

import msgspec

from bench import ceiling, points_pgbench, points_usecase
from bench.measuring import Load, Run, median_of, percentile, processor_seconds, run_bench
from bench.pgbench import Peer
from bench.points_load import Plan, Report, name_of
from bench.serving import Server, ceiling_served, served
from habitue.customers.claims import profile_key
from habitue.loyalty import decide
from habitue.loyalty.ledger import Cause, LedgerDecision
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import Terms
from habitue.model.documents import encode
from habitue.store.configuration import new_ids
from habitue.store.database import Database, first_connection, open_database
from habitue.store.database import Server as DatabaseServer
from habitue.store.embedded import Endpoint, attach
from habitue.store.embedded.binaries import find
from habitue.store.embedded.layout import Layout
from habitue.store.location import Embedded
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_earning import Earning
from habitue.usecases.change_points import change_points
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.keys import create_key
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop

KEY = "a-management-key-of-the-ledger-benchmark"
NOW = datetime.now(UTC)
HOT, SPREAD = "one account", "all accounts"
HABITUE, USE_CASE, CEILING, PEER = "habitue", "use case", "ceiling", "pgbench"
#: Lots that are earned in one write.
BATCH = 100


class Options(NamedTuple):
    """What the command line says."""

    rounds: int = 3
    seconds: float = 8
    warm_up: float = 2
    connections: int = 32
    owners: int = 100_000
    workers: int = 2
    lots: Sequence[int] = (10, 1_000, 10_000)
    reads: int = 200


class Bench(NamedTuple):
    """Everything that the rounds use."""

    options: Options
    shop: Shop
    program: LoyaltyProgram
    data_dir: Path
    endpoint: Endpoint
    postgres: int
    peer: Peer


class Side(msgspec.Struct, frozen=True):
    """The runs of one side over one account or all, one per round."""

    spread: str
    name: str
    runs: list[Run]


class Reading(msgspec.Struct, frozen=True):
    """The median time of a balance, and of spending a point, in ms, with so many lots."""

    lots: int
    balance_ms: float
    spend_ms: float


class Outcome(msgspec.Struct, frozen=True):
    """All that was measured."""

    sides: list[Side]
    readings: list[Reading]

    def ratio(self, side: Side) -> float:
        """Postings of that side for each one of pgbench."""
        found = {e.name: median_of(e.runs) for e in self.sides if e.spread == side.spread}
        return found[side.name].per_second / found[PEER].per_second


async def measure(options: Options, directory: Path) -> Outcome:
    """Fills a database under `directory` and measures all rounds."""
    data_dir = directory / "db"
    attachment = await asyncio.to_thread(attach, data_dir, _tell)
    try:
        endpoint = attachment.ensure(_tell)
        async with open_database(Embedded(data_dir)) as database:
            bench = await _prepared(options, directory, database, endpoint)
            with (
                served(directory, ["--data-dir", str(data_dir)], options.workers) as server,
                ceiling_served(directory, _least(bench)) as least,
            ):
                sides = await _rounds(bench, {HABITUE: server, CEILING: least})
                readings = [await _reading(bench, server, lots) for lots in options.lots]
            return Outcome(sides, readings)
    finally:
        await asyncio.to_thread(attachment.close)


async def _prepared(
    options: Options, directory: Path, database: Database, endpoint: Endpoint
) -> Bench:
    shop = Shop(database)
    configuration = await shop.refresh()
    (id_,) = await new_ids(database, "loyalty_program")
    program = LoyaltyProgram(id=id_, name="club", created=NOW)
    await save_configuration(database, configuration.version, [Change(program)])
    await shop.refresh()
    await create_key(shop, KEY, "management", "bench", None, NOW.replace(year=2099), NOW)
    await _fill(database, options.owners + len(options.lots))
    peer = Peer(Path(find({}).program("pgbench")), endpoint, directory)
    await points_pgbench.prepare(peer, database, options.owners)
    await database.execute("VACUUM ANALYZE customer, claim, peer_account")
    postmaster = Layout(directory / "db").cluster.joinpath("postmaster.pid")
    postgres = int(postmaster.read_text().split()[0])
    return Bench(options, shop, program, directory / "db", endpoint, postgres, peer)


async def _fill(database: Database, owners: int) -> None:
    """Profiles that have nothing yet."""
    keys = [profile_key(name_of(number), sandbox=False) for number in range(owners)]
    await database.execute(
        "INSERT INTO customer (id, anonymous, created, last_activity)"
        " SELECT number, false, $2, $2 FROM generate_series(1, $1::bigint) AS listed (number)",
        owners,
        NOW,
    )
    await database.fetchval(f"SELECT setval('customer_id', {owners + 1})")
    await database.copy_records_to_table(
        "claim",
        records=[(key, number) for number, key in enumerate(keys, 1)],
        columns=("claim_key", "customer_id"),
    )


def _least(bench: Bench) -> ceiling.Plan:
    """What the ceiling saves: a point, as the use case would have it."""
    earning = Earning(
        *(0, 0, 0, NOW, bench.program.id, "", 0, None, NOW, None),
        *(Decimal(1), UUID(int=0), Decimal(1), NOW, None, ""),
        encode(Cause(actor="staff:1")),
    )
    data_dir, workers = str(bench.data_dir), bench.options.workers
    return ceiling.Plan(data_dir, workers, program_id=bench.program.id, earning=earning)


async def _rounds(bench: Bench, servers: Mapping[str, Server]) -> list[Side]:
    # everybody wants the same row at the hot account, which tells nothing of a stack
    names = {HOT: (HABITUE, PEER), SPREAD: (HABITUE, USE_CASE, CEILING, PEER)}
    sides = [Side(spread, name, []) for spread in names for name in names[spread]]
    for _ in range(bench.options.rounds):
        for side in sides:
            owners = 1 if side.spread == HOT else bench.options.owners
            await _checkpoint(bench)
            side.runs.append(await _run(bench, side.name, servers.get(side.name), owners))
    return sides


async def _run(bench: Bench, name: str, server: Server | None, owners: int) -> Run:
    """One run by a server, by the use case, or by pgbench."""
    options = bench.options
    log_before, postgres = await _written(bench), processor_seconds(bench.postgres)
    before = 0.0 if server is None else processor_seconds(server.process)
    if server is not None:
        load = await asyncio.to_thread(_load, bench, server, owners)
        used = processor_seconds(server.process) - before
    elif name == USE_CASE:
        load = await _use_case(bench, owners)
        used, load = load.client_seconds, msgspec.structs.replace(load, client_seconds=0.0)
    else:
        seconds = (options.warm_up, options.seconds)
        arguments = (bench.peer, owners, options.connections, *seconds)
        load, used = await asyncio.to_thread(points_pgbench.run, *arguments), 0.0
    postgres = processor_seconds(bench.postgres) - postgres
    return Run(
        requests=load.requests,
        per_second=len(load.window_ms) / load.window_seconds,
        p50_ms=percentile(load.window_ms, 0.5),
        p99_ms=percentile(load.window_ms, 0.99),
        server_us=used / load.requests * 1e6,
        postgres_us=postgres / load.requests * 1e6,
        client_us=load.client_seconds / load.requests * 1e6,
        log_kb=(await _written(bench) - log_before) / load.requests / 1000,
    )


def _load(bench: Bench, server: Server, owners: int) -> Load:
    options = bench.options
    plan = Plan(
        *(server.port, KEY, bench.program.id, owners),
        *(options.connections, options.warm_up, options.seconds),
    )
    report = _reported("bench.points_load", msgspec.json.encode(plan))
    return Load(report.requests, options.seconds, report.window_ms, report.client_seconds)


async def _use_case(bench: Bench, owners: int) -> Load:
    """What the processes of the use case did together."""
    options = bench.options
    plans = [
        points_usecase.Plan(
            *(str(bench.data_dir), bench.program.id, owners, number, options.workers),
            *(max(1, options.connections // options.workers), options.warm_up, options.seconds),
        )
        for number in range(options.workers)
    ]
    works = [
        asyncio.to_thread(_reported, "bench.points_usecase", msgspec.json.encode(plan))
        for plan in plans
    ]
    reports = await asyncio.gather(*works)
    return Load(
        requests=sum(each.requests for each in reports),
        window_seconds=options.seconds,
        window_ms=[ms for each in reports for ms in each.window_ms],
        client_seconds=sum(each.client_seconds for each in reports),
    )


def _reported(module: str, plan: bytes) -> Report:
    """What a process of that module reports of its plan."""
    done = subprocess.run(
        [sys.executable, "-m", module], input=plan, stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Report)


async def _reading(bench: Bench, server: Server, lots: int) -> Reading:
    """An owner of so many lots, whose balance is read and whose points are spent."""
    owner = name_of(bench.options.owners + bench.options.lots.index(lots))

    def earn(state: PointsState, first: int) -> tuple[list[LedgerDecision], None]:
        booking = begin(state.ledger(""), state.program, NOW)
        for number in range(first, min(first + BATCH, lots + 1)):
            decide.earn(booking, UUID(int=number), Decimal(1), Terms(NOW), Cause())
        return [booking.decision()], None

    query = PointsQuery(profile_key(owner, sandbox=False), None, bench.program.id, "")
    for first in range(1, lots + 1, BATCH):
        await change_points(bench.shop, query, owner, NOW, partial(earn, first=first))
    path = f"/v1/loyalty_programs/{bench.program.id}/profile/{owner}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    reads = bench.options.reads
    balance = _timed(reads, lambda: _send(connection, "GET", f"{path}/ledger_balances", None))
    spends = min(reads, lots)
    spend = _timed(
        spends, lambda: _send(connection, "PUT", f"{path}/deduct_points", b'{"points":1}')
    )
    answer = msgspec.json.decode(_send(connection, "GET", f"{path}/ledger_balances", None))
    connection.close()
    assert answer["balance"]["activePoints"] == lots - spends
    return Reading(lots, balance, spend)


def _timed(count: int, work: Callable[[], bytes]) -> float:
    took = []
    for _ in range(count):
        began = perf_counter()
        work()
        took.append((perf_counter() - began) * 1000)
    return percentile(took, 0.5)


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
) -> bytes:
    headers = {"authorization": f"ManagementKey-v1 {KEY}", "content-type": "application/json"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise RuntimeError(content.decode())
    return content


async def _checkpoint(bench: Bench) -> None:
    """Every run begins after a checkpoint, so that none pays for another's."""
    server = DatabaseServer(endpoint=bench.endpoint.as_superuser())
    async with first_connection(server) as connection:
        await connection.execute("CHECKPOINT")


async def _written(bench: Bench) -> int:
    """How many bytes the write-ahead log has got until now."""
    position = await bench.shop.database.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'")
    return int(position)


def table(outcome: Outcome) -> str:
    """The medians as text."""
    lines = [
        f"{'':<14}{'':<10}{'post/s':>8}{'p50 ms':>8}{'p99 ms':>8}{'server us':>11}"
        f"{'postgres us':>13}{'client us':>11}{'log KB':>8}{'ratio':>7}"
    ]
    for side in outcome.sides:
        run = median_of(side.runs)
        ratio = outcome.ratio(side)
        lines.append(
            f"{side.spread:<14}{side.name:<10}{run.per_second:>8.0f}{run.p50_ms:>8.1f}"
            f"{run.p99_ms:>8.1f}{run.server_us:>11.0f}{run.postgres_us:>13.0f}"
            f"{run.client_us:>11.0f}{run.log_kb:>8.1f}{ratio:>7.2f}"
        )
    lines += [
        f"{each.lots:>7} lots: balance {each.balance_ms:.1f} ms, spending {each.spend_ms:.1f} ms"
        for each in outcome.readings
    ]
    return "\n".join(lines)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.ledger", description=__doc__)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--owners", type=int, default=default.owners)
    parser.add_argument("--workers", type=int, default=default.workers)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    run_bench(options_of, measure, table)


if __name__ == "__main__":
    main()
