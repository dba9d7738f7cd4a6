"""How many session updates the server does, beside what the database alone could do.

    python -m bench.sessions [--rounds 3] [--seconds 10] [--workers 1 2] [--json FILE]

A shop with running campaigns is made in an embedded database in a temporary directory, as durable
as it is for everybody. Then rounds follow one another: the server with each number of workers, the
ceiling with as many (see `bench.ceiling`), and pgbench, each for the same time with the same number
of connections. Figures are medians over the
rounds; the last column is requests per second as a part of pgbench's.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import carts, ceiling, pgbench, rows
from bench.load import Plan, Report
from bench.measuring import Load, Run, median_of, percentile, processor_seconds, run_bench
from bench.rows import Documents, Share
from bench.serving import Server, ceiling_served, served
from bench.shop import KEY, build_shop
from habitue.store.database import Database, first_connection, open_database
from habitue.store.database import Server as DatabaseServer
from habitue.store.embedded import Endpoint, attach
from habitue.store.embedded.binaries import find
from habitue.store.embedded.layout import Layout
from habitue.store.location import Embedded

PEER = "pgbench"
#: As long as the body of an answer is; the ceiling answers as much.
ANSWER_BYTES = 2_000
#: More closes per second than any side reaches: says how many sessions are made.
_CLOSES_PER_SECOND_MAX = 700


class Options(NamedTuple):
    """What the command line says."""

    rounds: int = 3
    seconds: float = 10
    warm_up: float = 2
    connections: int = 32
    campaigns: int = 100
    workers: Sequence[int] = (1, 2)

    @property
    def sessions_per_run(self) -> int:
        """Enough for closing one after the other."""
        closes = (self.seconds + self.warm_up) * _CLOSES_PER_SECOND_MAX
        return int(closes) + 20 * self.connections


class Bench(NamedTuple):
    """Everything that the rounds use."""

    options: Options
    database: Database
    endpoint: Endpoint
    postgres: int
    peer: pgbench.Peer
    documents: Documents
    application_id: int


class Outcome(msgspec.Struct, frozen=True):
    """The runs of each side, one per round, and how big requests and answers were."""

    runs: dict[str, list[Run]]
    effects: float
    request_bytes: float
    answer_bytes: float


async def measure(options: Options, directory: Path) -> Outcome:
    """Makes the shop under `directory` and measures all rounds."""
    async with _prepared(options, directory) as bench:
        with ExitStack() as stack:
            servers = {}
            data_dir = directory / "db"
            for workers in options.workers:
                server = served(directory, ["--data-dir", str(data_dir)], workers)
                servers[f"habitue, workers: {workers}"] = stack.enter_context(server)
                least = ceiling_served(directory, _ceiling_plan(bench, data_dir, workers))
                servers[f"ceiling, workers: {workers}"] = stack.enter_context(least)
            return await _rounds(bench, servers)


def _ceiling_plan(bench: Bench, data_dir: Path, workers: int) -> ceiling.Plan:
    return ceiling.Plan(
        str(data_dir),
        workers,
        answer_bytes=ANSWER_BYTES,
        application_id=bench.application_id,
        documents=bench.documents,
    )


@asynccontextmanager
async def _prepared(options: Options, directory: Path) -> AsyncIterator[Bench]:
    data_dir = directory / "db"
    attachment = await asyncio.to_thread(attach, data_dir, _tell)
    try:
        endpoint = attachment.ensure(_tell)
        async with open_database(Embedded(data_dir)) as database:
            front = await build_shop(database, options.campaigns)
            documents = [rows.documents_of(front, each) for each in range(carts.VARIANTS)]
            for_peer = options.rounds * options.sessions_per_run
            for_servers = 2 * len(options.workers) * for_peer
            await rows.copy_sessions(front, documents, for_servers, for_peer)
            # Not the empty tables: a plan that rests on their being empty would outlive that.
            await database.execute(f"VACUUM ANALYZE {', '.join(rows.TABLES)}")
            program = Path(find({}).program("pgbench"))
            peer = pgbench.Peer(program, endpoint, directory)
            pgbench.write_scripts(peer)
            postgres = int(
                Layout(data_dir).cluster.joinpath("postmaster.pid").read_text().split()[0]
            )
            yield Bench(
                options, database, endpoint, postgres, peer, documents[0], front.application_id
            )
    finally:
        await asyncio.to_thread(attachment.close)


async def _rounds(bench: Bench, servers: dict[str, Server]) -> Outcome:
    size = bench.options.sessions_per_run
    of_peer = size * bench.options.rounds * len(servers)
    runs: dict[str, list[Run]] = {name: [] for name in (*servers, PEER)}
    reports: list[Report] = []
    for number in range(bench.options.rounds):
        for at, (name, server) in enumerate(servers.items()):
            share = Share((number * len(servers) + at) * size, size)
            report, run = await _run_server(bench, server, share)
            if name.startswith("habitue"):
                reports.append(report)
            runs[name].append(run)
        runs[PEER].append(await _run_peer(bench, Share(of_peer + number * size, size)))
    last = reports[-1]
    return Outcome(runs, last.effects, last.request_bytes, last.answer_bytes)


async def _run_server(bench: Bench, server: Server, share: Share) -> tuple[Report, Run]:
    options = bench.options
    plan = Plan(server.port, KEY, options.connections, *share, options.warm_up, options.seconds)
    before, log_before = processor_seconds(server.process), await _settled(bench)
    postgres = processor_seconds(bench.postgres)
    report = await asyncio.to_thread(_load, plan)
    used = processor_seconds(server.process) - before
    postgres = processor_seconds(bench.postgres) - postgres
    load = Load(report.requests, options.seconds, report.window_ms, report.client_seconds)
    return report, _run_of(load, used, postgres, await _written(bench) - log_before)


async def _run_peer(bench: Bench, share: Share) -> Run:
    options = bench.options
    log_before = await _settled(bench)
    postgres = processor_seconds(bench.postgres)
    load = await asyncio.to_thread(
        pgbench.run,
        bench.peer,
        bench.documents,
        bench.application_id,
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
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(
        command, input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Report)


async def _settled(bench: Bench) -> int:
    """Every run begins after a checkpoint, so that none pays for another's. Log so far."""
    async with first_connection(
        DatabaseServer(endpoint=bench.endpoint.as_superuser())
    ) as connection:
        await connection.execute("CHECKPOINT")
    return await _written(bench)


async def _written(bench: Bench) -> int:
    """How many bytes the write-ahead log has got until now."""
    position: int = await bench.database.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'")
    return int(position)


def table(outcome: Outcome) -> str:
    """The medians as text."""
    medians = {name: median_of(runs) for name, runs in outcome.runs.items()}
    peer = medians[PEER].per_second
    lines = [
        f"requests of {outcome.request_bytes:.0f} bytes, answers of {outcome.answer_bytes:.0f}"
        f" bytes with {outcome.effects:.1f} effects",
        f"{'':<22}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}{'server us':>11}{'postgres us':>13}"
        f"{'client us':>11}{'log KB':>8}{'ratio':>7}",
    ]
    lines += [
        f"{name:<22}{run.per_second:>8.0f}{run.p50_ms:>8.1f}{run.p99_ms:>8.1f}{run.server_us:>11.0f}"
        f"{run.postgres_us:>13.0f}{run.client_us:>11.0f}{run.log_kb:>8.1f}"
        f"{run.per_second / peer:>7.2f}"
        for name, run in medians.items()
    ]
    return "\n".join(lines)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.sessions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--warm-up", type=float, default=default.warm_up)
    parser.add_argument("--connections", type=int, default=default.connections)
    parser.add_argument("--campaigns", type=int, default=default.campaigns)
    parser.add_argument("--workers", type=int, nargs="+", default=default.workers)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    run_bench(options_of, measure, table)


if __name__ == "__main__":
    main()
