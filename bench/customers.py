"""How many registrations and lookups the server does, beside what the database alone could do.

    python -m bench.customers [--rounds 3] [--seconds 10] [--customers 10000 1000000]
        [--workers 1 2] [--json FILE]

A shop is made in an embedded database in a temporary directory, as durable as it is for everybody,
and filled with customers. At each number of customers rounds follow one another: the server with
each number of workers, the ceiling with as many (see `bench.ceiling`), and pgbench, each for the
same time with the same number of connections, first lookups and then registrations. Figures are
medians over the rounds; the last columns are requests per second as a part of pgbench's, and as a
part of those with the fewest customers.

Words: the database is *settled* when the changes of pages that are the first after a checkpoint,
which write whole pages into the log, are behind it. Every round of registrations begins with a
checkpoint and as many registrations as settle it; what that took is told apart. So few customers
and many are measured in the same state.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec

from bench import ceiling, people_pgbench, people_rows
from bench.measuring import Load, Run, median_of, percentile, processor_seconds, run_bench
from bench.people_load import Kind, Plan, Report
from bench.people_rows import Share
from bench.pgbench import Peer
from bench.serving import Server, ceiling_served, served
from habitue.store.cards import CardWrite
from habitue.store.database import Database, first_connection, open_database
from habitue.store.database import Server as DatabaseServer
from habitue.store.embedded import Endpoint, attach
from habitue.store.embedded.binaries import find
from habitue.store.embedded.layout import Layout
from habitue.store.location import Embedded

PEER = "pgbench"
KINDS: tuple[Kind, ...] = ("lookup", "registration")
#: More registrations per second than any side reaches: says how many people are told apart.
_REGISTRATIONS_PER_SECOND_MAX = 8_000
#: Settled is fewer whole pages than this for each registration; it is given up after some time.
_SETTLED_PAGES, _SETTLING_RUNS_MAX = 0.05, 40
_SETTLING_SECONDS = 3
#: Indexes of the people who are stored for pgbench, and of all who are new; ids of new customers.
_PEER_FIRST, _NEW_FIRST, _NEW_ID = 5_000_000, 10_000_000, 40_000_000


class Options(NamedTuple):
    """What the command line says."""

    rounds: int = 3
    seconds: float = 10
    warm_up: float = 2
    connections: int = 32
    customers: Sequence[int] = (10_000, 1_000_000)
    workers: Sequence[int] = (1, 2)


class Bench(NamedTuple):
    """Everything that the rounds use; `new` numbers the shares of people who are new."""

    options: Options
    directory: Path
    database: Database
    endpoint: Endpoint
    postgres: int
    peer: Peer
    write: CardWrite
    new: Iterator[Share]


class Side(msgspec.Struct, frozen=True):
    """The runs of one side with requests of one kind, one per round."""

    customers: int
    kind: Kind
    name: str
    runs: list[Run]


class Settling(msgspec.Struct, frozen=True):
    """What came after a checkpoint until the database was settled: registrations, pages that were
    logged whole, and the log of all that in MB."""

    registrations: int
    pages: int
    log_mb: float


class Outcome(msgspec.Struct, frozen=True):
    """All sides, how long each filling took, what settling took each time, and bytes of requests
    and answers by kind."""

    sides: list[Side]
    fill_seconds: dict[str, float]
    settling: dict[str, list[Settling]]
    request_bytes: dict[str, int]
    answer_bytes: dict[str, int]

    def side(self, customers: int, kind: Kind, name: str) -> Run:
        """The medians of that side."""
        (found,) = (
            each.runs
            for each in self.sides
            if (each.customers, each.kind, each.name) == (customers, kind, name)
        )
        return median_of(found)


async def measure(options: Options, directory: Path) -> Outcome:
    """Makes the shop under `directory` and measures at each number of customers."""
    outcome = Outcome([], {}, {}, {}, {})
    async with _prepared(options, directory) as bench:
        stored = 0
        with ExitStack() as stack:
            servers = _servers(bench, stack)
            for customers in sorted(options.customers):
                began = perf_counter()
                await _fill(bench, stored // 2, customers // 2)
                outcome.fill_seconds[str(customers)] = perf_counter() - began
                stored = customers
                await _rounds(bench, servers, customers, outcome)
    return outcome


def _servers(bench: Bench, stack: ExitStack) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    data_dir = str(bench.directory / "db")
    for workers in bench.options.workers:
        server = served(bench.directory, ["--data-dir", data_dir], workers)
        servers[f"habitue, workers: {workers}"] = stack.enter_context(server)
        least = ceiling_served(bench.directory, ceiling.Plan(data_dir, workers, card=bench.write))
        servers[f"ceiling, workers: {workers}"] = stack.enter_context(least)
    return servers


@asynccontextmanager
async def _prepared(options: Options, directory: Path) -> AsyncIterator[Bench]:
    data_dir = directory / "db"
    attachment = await asyncio.to_thread(attach, data_dir, _tell)
    try:
        endpoint = attachment.ensure(_tell)
        async with open_database(Embedded(data_dir)) as database:
            write = people_rows.write_of_mark(await people_rows.build_shop(database))
            await database.fetchval(f"SELECT setval('customer_id', {_NEW_ID})")
            peer = Peer(Path(find({}).program("pgbench")), endpoint, directory)
            people_pgbench.write_scripts(peer, write)
            pid = int(Layout(data_dir).cluster.joinpath("postmaster.pid").read_text().split()[0])
            yield Bench(options, directory, database, endpoint, pid, peer, write, _shares(options))
    finally:
        await asyncio.to_thread(attachment.close)


def _shares(options: Options) -> Iterator[Share]:
    """People who are new, for one run after the other."""
    size = int((options.seconds + options.warm_up) * _REGISTRATIONS_PER_SECOND_MAX)
    return (Share(first, size) for first in count(_NEW_FIRST, size))


async def _fill(bench: Bench, first: int, end: int) -> None:
    """People from `first` to `end` for the server, and as many for pgbench."""
    shares = ((first, True), (_PEER_FIRST + first, False))
    await asyncio.gather(
        *(
            people_rows.fill(bench.database, bench.write, Share(each, end - first), served=served_)
            for each, served_ in shares
        )
    )
    # Not the empty tables: a plan that rests on their being empty would outlive that.
    await bench.database.execute(f"VACUUM ANALYZE {', '.join(people_rows.TABLES)}")


async def _rounds(
    bench: Bench, servers: dict[str, Server], customers: int, outcome: Outcome
) -> None:
    for kind in KINDS:
        sides = {name: Side(customers, kind, name, []) for name in (*servers, PEER)}
        outcome.sides.extend(sides.values())
        for _ in range(bench.options.rounds):
            if kind == "registration":
                outcome.settling.setdefault(str(customers), []).append(await _settle(bench))
            for name, server in servers.items():
                report, run = await _run_server(bench, server, kind, customers)
                sides[name].runs.append(run)
                if name.startswith("habitue"):
                    outcome.request_bytes[kind] = report.request_bytes
                    outcome.answer_bytes[kind] = report.answer_bytes
            sides[PEER].runs.append(await _run_peer(bench, kind, customers))


async def _settle(bench: Bench) -> Settling:
    """A checkpoint, and registrations until hardly a page is logged whole any more."""
    server = DatabaseServer(endpoint=bench.endpoint.as_superuser())
    async with first_connection(server) as connection:
        await connection.execute("CHECKPOINT", timeout=600)
    registrations, log_before = 0, await _written(bench)
    before = pages = await _whole_pages(bench)
    for _ in range(_SETTLING_RUNS_MAX):
        load = await _registrations(bench, 0, min(_SETTLING_SECONDS, bench.options.seconds))
        registrations += load.requests
        earlier, pages = pages, await _whole_pages(bench)
        if pages - earlier < _SETTLED_PAGES * load.requests:
            break
    written = await _written(bench) - log_before
    return Settling(registrations, pages - before, written / 1e6)


async def _registrations(bench: Bench, warm_up: float, seconds: float) -> Load:
    """Registrations by pgbench."""
    connections, share = bench.options.connections, next(bench.new)
    return await asyncio.to_thread(
        people_pgbench.run,
        *(bench.peer, "registration", bench.write, share, connections, warm_up, seconds),
    )


async def _whole_pages(bench: Bench) -> int:
    """How many pages have been logged whole until now, by connections that have ended."""
    pages: int = await bench.database.fetchval("SELECT wal_fpi FROM pg_stat_wal")
    return pages


async def _run_server(
    bench: Bench, server: Server, kind: Kind, customers: int
) -> tuple[Report, Run]:
    options = bench.options
    share = next(bench.new) if kind == "registration" else Share(0, customers // 2)
    plan = Plan(kind, server.port, options.connections, *share, options.warm_up, options.seconds)
    log_before = await _written(bench)
    before, postgres = processor_seconds(server.process), processor_seconds(bench.postgres)
    report = await asyncio.to_thread(_load, plan)
    used = processor_seconds(server.process) - before
    postgres = processor_seconds(bench.postgres) - postgres
    load = Load(report.requests, options.seconds, report.window_ms, report.client_seconds)
    return report, _run_of(load, used, postgres, await _written(bench) - log_before)


async def _run_peer(bench: Bench, kind: Kind, customers: int) -> Run:
    options = bench.options
    share = next(bench.new) if kind == "registration" else Share(_PEER_FIRST, customers // 2)
    log_before = await _written(bench)
    postgres = processor_seconds(bench.postgres)
    load = await asyncio.to_thread(
        people_pgbench.run,
        bench.peer,
        kind,
        bench.write,
        share,
        options.connections,
        options.warm_up,
        options.seconds,
    )
    postgres = processor_seconds(bench.postgres) - postgres
    return _run_of(load, 0, postgres, await _written(bench) - log_before)


def _run_of(load: Load, server: float, postgres: float, written: int) -> Run:
    requests = load.requests
    return Run(
        requests=requests,
        per_second=len(load.window_ms) / load.window_seconds,
        p50_ms=percentile(load.window_ms, 0.5),
        p99_ms=percentile(load.window_ms, 0.99),
        server_us=server / requests * 1e6,
        postgres_us=postgres / requests * 1e6,
        client_us=load.client_seconds / requests * 1e6,
        log_kb=written / requests / 1000,
    )


def _load(plan: Plan) -> Report:
    command = [sys.executable, "-m", "bench.people_load"]
    done = subprocess.run(
        command, input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Report)


async def _written(bench: Bench) -> int:
    """How many bytes the write-ahead log has got until now."""
    position: int = await bench.database.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'")
    return int(position)


def table(outcome: Outcome) -> str:
    """The medians as text, and how each side does with the most customers beside the fewest."""
    sizes = sorted({each.customers for each in outcome.sides})
    lines = [
        f"{size} customers filled in {outcome.fill_seconds[str(size)]:.0f} s" for size in sizes
    ]
    lines += [_settling_line(size, outcome.settling[str(size)]) for size in sizes]
    lines += [
        f"{kind}: requests of {outcome.request_bytes[kind]} bytes,"
        f" answers of {outcome.answer_bytes[kind]}"
        for kind in KINDS
    ]
    lines.append(
        f"{'customers':>9} {'kind':<13}{'side':<20}{'req/s':>7}{'p50 ms':>8}{'p99 ms':>8}"
        f"{'server us':>11}{'postgres us':>13}{'client us':>11}{'log KB':>8}{'ratio':>7}"
        f"{'curve':>7}"
    )
    lines += [_line(outcome, each, sizes[0]) for each in outcome.sides]
    return "\n".join(lines)


def _settling_line(size: int, settlings: Sequence[Settling]) -> str:
    columns = zip(*(msgspec.structs.astuple(each) for each in settlings), strict=True)
    registrations, pages, log_mb = (statistics.median(column) for column in columns)
    return (
        f"{size} customers: after a checkpoint {pages:.0f} pages were logged whole during"
        f" {registrations:.0f} registrations; {log_mb:.0f} MB of log"
    )


def _line(outcome: Outcome, side: Side, fewest: int) -> str:
    run = median_of(side.runs)
    peer = outcome.side(side.customers, side.kind, PEER).per_second
    first = outcome.side(fewest, side.kind, side.name).per_second
    return (
        f"{side.customers:>9} {side.kind:<13}{side.name:<20}{run.per_second:>7.0f}"
        f"{run.p50_ms:>8.1f}{run.p99_ms:>8.1f}{run.server_us:>11.0f}{run.postgres_us:>13.0f}"
        f"{run.client_us:>11.0f}{run.log_kb:>8.1f}{run.per_second / peer:>7.2f}"
        f"{run.per_second / first:>7.2f}"
    )


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.customers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--warm-up", type=float, default=default.warm_up)
    parser.add_argument("--connections", type=int, default=default.connections)
    parser.add_argument("--customers", type=int, nargs="+", default=default.customers)
    parser.add_argument("--workers", type=int, nargs="+", default=default.workers)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    run_bench(options_of, measure, table)


if __name__ == "__main__":
    main()
