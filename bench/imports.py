"""How many rows a file brings in a second, how many coupons are made beside requests, and what
memory the server takes for that.

    python -m bench.imports [--rows 100000] [--coupons 100000] [--json FILE]

One server process over an embedded database in a temporary directory. A file of coupons, one to a
row, is sent to `import_coupons`, which checks all of it and then takes it in; then as many coupons
as asked for are ordered at `coupons_async`, and waited for. After each, PostgreSQL copies the rows
that came of it into a table of the same shape, by one COPY; *ratio* is rows per second as a part of
that. *MB more* is what the server's memory grew by at its peak.
"""

import argparse
import asyncio
import http.client
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from bench.measuring import processor_seconds, run_bench
from bench.serving import Server, served
from habitue.store.database import Database, open_database
from habitue.store.embedded.layout import Layout
from habitue.store.location import Embedded
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop

KEY = "a-management-key-of-the-import-benchmark"
_FAR = datetime(2099, 1, 1, tzinfo=UTC)
_SHOP = {"timezone": "Europe/Berlin", "currency": "EUR"}
_CAMPAIGN = {"name": "Autumn", "features": ["coupons"]}
_BOUNDARY = "a-boundary-of-the-benchmark"
_PATTERN = {"validCharacters": list("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), "couponPattern": "#" * 12}
_PAUSE_SECONDS = 0.2
_PART = 100_000


class Options(NamedTuple):
    """What the command line says."""

    rows: int = 100_000
    coupons: int = 100_000


class Bench(NamedTuple):
    """What is measured, and by what."""

    database: Database
    server: Server
    postgres: int


class Figures(msgspec.Struct, frozen=True):
    """One way of making coupons; processor times are microseconds per row."""

    way: str
    rows: int
    seconds: float
    rows_per_second: float
    copied_per_second: float
    server_us: float
    postgres_us: float
    memory_mb: float
    ratio: float


async def measure(options: Options, directory: Path) -> list[Figures]:
    """Measures both ways. Raises RuntimeError where other rows are there than were asked for."""
    data_dir = directory / "db"
    async with open_database(Embedded(data_dir), report=_tell) as database:
        shop = Shop(database)
        await shop.refresh()
        await create_key(shop, KEY, "management", "bench", None, _FAR, datetime.now(UTC))
        pid_file = Layout(data_dir).cluster.joinpath("postmaster.pid")
        postgres = int(pid_file.read_text().split()[0])
        with served(directory, ["--data-dir", str(data_dir)], 1) as server:
            bench = Bench(database, server, postgres)
            file = await asyncio.to_thread(_write, directory / "coupons.csv", options.rows)
            return [
                await _measured(bench, "file", options.rows, lambda to: _sent(server, to, file)),
                await _measured(
                    bench, "order", options.coupons, lambda to: _ordered(bench, to, options.coupons)
                ),
            ]


async def _measured(
    bench: Bench, way: str, rows: int, work: Callable[[str], Awaitable[object]]
) -> Figures:
    application = await asyncio.to_thread(
        _asked, bench.server, "/v1/applications", {**_SHOP, "name": way}
    )
    campaigns = f"/v1/applications/{application['id']}/campaigns"
    campaign = await asyncio.to_thread(_asked, bench.server, campaigns, _CAMPAIGN)
    process = bench.server.process
    before = processor_seconds(process), processor_seconds(bench.postgres)
    memory, began = _memory_mb(process, "VmRSS"), perf_counter()
    _tell(f"{rows} coupons by {way}")
    await work(f"{campaigns}/{campaign['id']}")
    seconds = perf_counter() - began
    after = processor_seconds(process), processor_seconds(bench.postgres)
    stored = await _stored(bench.database, campaign["id"])
    if stored != rows:
        raise RuntimeError(f"{rows} coupons were asked for, {stored} are there")
    copied = await _copied(bench.database, campaign["id"])
    return Figures(
        way,
        rows,
        seconds,
        rows / seconds,
        copied,
        (after[0] - before[0]) / rows * 1e6,
        (after[1] - before[1]) / rows * 1e6,
        _memory_mb(process, "VmHWM") - memory,
        rows / seconds / copied,
    )


def _write(path: Path, rows: int) -> Path:
    """A form with a file of so many coupons."""
    with path.open("w") as file:
        head = 'Content-Disposition: form-data; name="upFile"; filename="coupons.csv"'
        file.write(f"--{_BOUNDARY}\r\n{head}\r\nContent-Type: text/csv\r\n\r\n")
        file.write("value,expirydate,limitval\n")
        for number in range(rows):
            file.write(f"FILE{number:010},2098-12-31T23:00:00Z,1\n")
        file.write(f"\r\n--{_BOUNDARY}--\r\n")
    return path


async def _sent(server: Server, campaign: str, file: Path) -> None:
    await asyncio.to_thread(_send, server, f"{campaign}/import_coupons", file)


def _send(server: Server, path: str, file: Path) -> None:
    def parts() -> Iterator[bytes]:
        with file.open("rb") as opened:
            while part := opened.read(_PART):
                yield part

    headers = {
        "Authorization": f"ManagementKey-v1 {KEY}",
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(file.stat().st_size),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", path, parts(), headers)
    response = connection.getresponse()
    told = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"the file was answered with {response.status}: {told[:500]!r}")


async def _ordered(bench: Bench, campaign: str, count: int) -> None:
    """Orders coupons, and waits until they are there."""
    order = {
        "numberOfCoupons": count,
        "usageLimit": 1,
        "attributes": {},
        "couponSettings": _PATTERN,
    }
    await asyncio.to_thread(_asked, bench.server, f"{campaign}/coupons_async", order)
    campaign_id = int(campaign.rpartition("/")[2])
    while True:
        if await _stored(bench.database, campaign_id) >= count:
            return
        await asyncio.sleep(max(_PAUSE_SECONDS, count / 1e6))


def _asked(server: Server, path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Authorization": f"ManagementKey-v1 {KEY}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    told = json.loads(response.read())
    connection.close()
    if response.status >= 300:
        raise RuntimeError(f"{path} was answered with {response.status}: {told}")
    return told


async def _stored(database: Database, campaign_id: int) -> int:
    query = "SELECT count(*) FROM coupon WHERE campaign_id = $1"
    count: int = await database.fetchval(query, campaign_id)
    return count


async def _copied(database: Database, campaign_id: int) -> float:
    """Rows per second of one COPY of at most `_PART` of the rows that came to be."""
    query = "SELECT * FROM coupon WHERE campaign_id = $1 LIMIT $2"
    found = await database.fetch(query, campaign_id, _PART)
    columns = list(found[0].keys())
    rows = [tuple(row) for row in found]
    await database.execute("CREATE TABLE copied (LIKE coupon INCLUDING ALL)")
    try:
        began = perf_counter()
        await database.copy_records_to_table("copied", records=rows, columns=columns)
        return len(rows) / (perf_counter() - began)
    finally:
        await database.execute("DROP TABLE copied")


def _memory_mb(process: int, field: str) -> float:
    """Memory of a process, now (VmRSS) or at most until now (VmHWM)."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(each for each in status.splitlines() if each.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def table(figures: Sequence[Figures]) -> str:
    """The figures as text."""
    lines = [
        f"{'way':<7}{'rows':>9}{'seconds':>9}{'rows/s':>9}{'COPY rows/s':>13}{'server us':>11}"
        f"{'postgres us':>13}{'MB more':>9}{'ratio':>7}"
    ]
    lines += [
        f"{each.way:<7}{each.rows:>9}{each.seconds:>9.1f}{each.rows_per_second:>9.0f}"
        f"{each.copied_per_second:>13.0f}{each.server_us:>11.1f}{each.postgres_us:>13.1f}"
        f"{each.memory_mb:>9.1f}{each.ratio:>7.2f}"
        for each in figures
    ]
    return "\n".join(lines)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def options_of(arguments: Sequence[str]) -> tuple[Options, Path | None]:
    """What the command line says: options, and the file to write."""
    default = Options()
    parser = argparse.ArgumentParser(prog="bench.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=default.rows)
    parser.add_argument("--coupons", type=int, default=default.coupons)
    parser.add_argument("--json", type=Path)
    given = vars(parser.parse_args(arguments))
    file: Path | None = given.pop("json")
    return Options(**given), file


def main() -> None:
    run_bench(options_of, measure, table)


if __name__ == "__main__":
    main()
