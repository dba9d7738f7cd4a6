"""How many events the collector takes durably over HTTP, beside a COPY of the same rows.

    python -m bench.collector [--rounds 3] [--seconds 5] [--batches 1 10 100] [--connections 16]
        [--json FILE]

One server process over an embedded database in a temporary directory, as durable as it is for
everybody; a client process of its own sends prepared requests, each a batch of one device, and
counts the answers. Devices come back, as visitors do. Then the rows that were stored are copied, by
one COPY, into a table of the same shape: the most that the database does for such rows; and the
ceiling (see `bench.ceiling`) takes the same requests. Rounds follow one another; figures are
medians over the rounds, and the last columns are the medians of what the events per second of
collector and ceiling are of the COPY's rows per second in the same round.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec

from bench import ceiling
from bench.measuring import processor_seconds
from bench.serving import Server, ceiling_served, served
from habitue.store.database import Database, open_database
from habitue.store.embedded.layout import Layout
from habitue.store.location import Embedded
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.registration_settings import update_registration_settings
from habitue.usecases.shop import Shop

SHOP = "0123456789abcdef01234567"
COLUMNS = (
    *("customer_id", "at", "message_key", "root_id", "device_key", "visit", "name", "received"),
    "document",
)
_FAR = datetime(2099, 1, 1, tzinfo=UTC)
_ROWS_MAX = 200_000
_WARM_UP_SECONDS = 1.0
_TURN, _DEVICE = "#TURN###", "#DEVICE#" * 3


class Options(NamedTuple):
    """What the command line says."""

    rounds: int = 3
    seconds: float = 5
    batches: Sequence[int] = (1, 10, 100)
    connections: int = 16
    devices: int = 2_000


class Plan(NamedTuple):
    """What one client process does."""

    port: int
    batch: int
    connections: int
    devices: int
    seconds: float
    run: int


class Figures(msgspec.Struct, frozen=True):
    """One batch size; processor times are microseconds per event. `ratio` and
    `ceiling` are what the collector and the ceiling take as parts of what a COPY does."""

    batch: int
    events: int
    events_per_second: float
    copied_per_second: float
    server_us: float
    postgres_us: float
    ratio: float
    ceiling: float


async def measure(options: Options, directory: Path) -> list[Figures]:
    """Measures each size of batches; the medians.

    Raises RuntimeError where what is stored is not what was accepted.
    """
    location = Embedded(directory / "db")
    async with open_database(location, report=_tell) as database:
        shop = Shop(database)
        await shop.refresh()
        await create_key(shop, SHOP, "tracker", "bench", None, _FAR, datetime.now(UTC))
        await update_registration_settings(shop, {"tracker_new_devices_per_minute": 0})
        with served(directory, ["--data-dir", str(directory / "db")], 1) as server:
            runs = [
                [
                    await _run(database, server, directory / "db", plan)
                    for plan in _plans(options, server.port, number)
                ]
                for number in range(options.rounds)
            ]
            return [_median(each) for each in zip(*runs, strict=True)]


def _plans(options: Options, port: int, number: int) -> list[Plan]:
    first = number * len(options.batches)
    return [
        Plan(port, batch, options.connections, options.devices, options.seconds, first + index)
        for index, batch in enumerate(options.batches)
    ]


def _median(runs: Sequence[Figures]) -> Figures:
    columns = zip(*(msgspec.structs.astuple(run) for run in runs), strict=True)
    batch, events, *others = (statistics.median(column) for column in columns)
    return Figures(int(batch), int(events), *others)


async def _run(database: Database, server: Server, data_dir: Path, plan: Plan) -> Figures:
    pid_file = Layout(data_dir).cluster.joinpath("postmaster.pid")
    postgres = int(pid_file.read_text().split()[0])
    before = processor_seconds(server.process), processor_seconds(postgres)
    stored, per_second = await _loaded(database, plan)
    after = processor_seconds(server.process), processor_seconds(postgres)
    copied = await _copied(database)
    return Figures(
        batch=plan.batch,
        events=stored,
        events_per_second=per_second,
        copied_per_second=copied,
        server_us=(after[0] - before[0]) / stored * 1e6,
        postgres_us=(after[1] - before[1]) / stored * 1e6,
        ratio=per_second / copied,
        ceiling=await _ceiling(database, data_dir, plan) / copied,
    )


async def _loaded(database: Database, plan: Plan) -> tuple[int, float]:
    """How many events a server has stored in all, and how many it took per second."""
    await database.execute("TRUNCATE customer_event, event_message")
    await database.execute("VACUUM ANALYZE customer_event, event_message, claim, customer")
    sent, seconds = await asyncio.to_thread(_in_process, plan)
    stored: int = await database.fetchval("SELECT count(*) FROM customer_event")
    if stored != sent[1]:
        raise RuntimeError(f"{sent[1]} events were accepted, {stored} are stored")
    return stored, sent[0] / seconds


async def _ceiling(database: Database, data_dir: Path, plan: Plan) -> float:
    """How many events per second the ceiling takes."""
    rows = await database.fetch("SELECT document FROM customer_event LIMIT $1", plan.batch)
    documents = b"[" + b",".join(row["document"] for row in rows) + b"]"
    least = ceiling.Plan(str(data_dir), 1, events=documents)
    with ceiling_served(data_dir.parent, least) as server:
        _, per_second = await _loaded(database, plan._replace(port=server.port))
    return per_second


async def _copied(database: Database) -> float:
    """Rows per second of one COPY of the rows that were stored."""
    listed = ", ".join(COLUMNS)
    rows = [
        tuple(row)
        for row in await database.fetch(f"SELECT {listed} FROM customer_event LIMIT {_ROWS_MAX}")
    ]
    # as they arrived, and not as a table gives them back
    rows.sort(key=lambda row: row[2])
    await database.execute("CREATE TABLE copied (LIKE customer_event INCLUDING ALL)")
    try:
        began = perf_counter()
        await database.copy_records_to_table("copied", records=rows, columns=COLUMNS)
        return len(rows) / (perf_counter() - began)
    finally:
        await database.execute("DROP TABLE copied")


def _in_process(plan: Plan) -> tuple[tuple[int, int], float]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(load, (plan,))


def load(plan: Plan) -> tuple[tuple[int, int], float]:
    """Sends batches for a while: events accepted within the window, and in all; the window."""
    return asyncio.run(_load(plan))


async def _load(plan: Plan) -> tuple[tuple[int, int], float]:
    began = perf_counter() + _WARM_UP_SECONDS
    counts = await asyncio.gather(
        *(_client(plan, number, began) for number in range(plan.connections))
    )
    return (sum(each[0] for each in counts), sum(each[1] for each in counts)), plan.seconds


async def _client(plan: Plan, number: int, began: float) -> tuple[int, int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
    within, total, turn, prepared = 0, 0, 0, _prepared(plan, number)
    while perf_counter() < began + plan.seconds:
        writer.write(_request(plan, number, turn, prepared))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head!r} {body!r}")
        total += plan.batch
        if began <= perf_counter() <= began + plan.seconds:
            within += plan.batch
        turn += 1
    writer.close()
    return within, total


def _prepared(plan: Plan, number: int) -> bytes:
    """A connection's request, with marks for what differs from one turn to the next."""
    messages = ",".join(
        f'{{"id":"{plan.run:02d}{number:06d}{_TURN}{index:06d}","at":{1_000_000 + index},'
        f'"type":"event","name":"view","data":{{"items":[{{"id":"{(number + index) % 9973}"}}]}},'
        '"dialect":"rr"}'
        for index in range(plan.batch)
    )
    body = (
        f'{{"shop":"{SHOP}","did":"{_DEVICE}","sid":"{_DEVICE[:16]}","stream":"web",'
        '"page":{"url":"https://shop.example/catalogue/shoes","referrer":"","title":"Shoes"},'
        f'"consent":"granted","sent":1000500,"messages":[{messages}]}}'
    )
    head = (
        "POST /v1/collect HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: text/plain\r\n"
        f"content-length: {len(body)}\r\ncookie: habitue_did={_DEVICE}\r\n\r\n"
    )
    return (head + body).encode()


def _request(plan: Plan, number: int, turn: int, prepared: bytes) -> bytes:
    device = f"{(number + plan.connections * turn) % plan.devices:024x}".encode()
    in_turn = prepared.replace(_TURN.encode(), b"%08d" % turn)
    return in_turn.replace(_DEVICE.encode(), device).replace(_DEVICE[:16].encode(), device[:16])


def table(figures: Sequence[Figures]) -> str:
    """The figures as text."""
    lines = [
        f"{'batch':>6}{'events/s':>11}{'COPY rows/s':>13}{'server us':>11}{'postgres us':>13}"
        f"{'ratio':>7}{'ceiling':>9}"
    ]
    lines += [
        f"{each.batch:>6}{each.events_per_second:>11.0f}{each.copied_per_second:>13.0f}"
        f"{each.server_us:>11.1f}{each.postgres_us:>13.1f}{each.ratio:>7.2f}{each.ceiling:>9.2f}"
        for each in figures
    ]
    return "\n".join(lines)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.collector", description=__doc__)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--seconds", type=float, default=default.seconds)
    parser.add_argument("--batches", type=int, nargs="+", default=default.batches)
    parser.add_argument("--connections", type=int, default=default.connections)
    parser.add_argument("--devices", type=int, default=default.devices)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    options, file = options_of(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="habitue-bench-") as directory:
        figures = asyncio.run(measure(options, Path(directory)))
    print(table(figures))
    if file is not None:
        file.write_text(json.dumps(msgspec.to_builtins(figures), indent=2))


if __name__ == "__main__":
    main()
