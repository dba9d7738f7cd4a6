"""Product feeds: regions out of YML and XML, and files that mean harm."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from habitue.edges.feed import read_feed
from habitue.model.errors import InvalidInput
from habitue.store.database import Database
from habitue.usecases.import_feed import Feed, Region

STOCKS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-11-20 10:00"><shop><categories><category id="1">A</category></categories>
<offers>
<offer id="1" available="true"><url>https://shop.example/1</url><price>10</price>
<stock id="Екатеринбург" available="true"><price>11</price></stock>
<stock id="Москва"/><stock id=" "/></offer>
<offer id="2"><stock id="Москва"/></offer>
</offers></shop></yml_catalog>"""
LOCATIONS = """<?xml version="1.0" encoding="windows-1251"?>
<yml_catalog><shop>
<locations><location id="NY" name="New York" type="city"/>
<location id="1" name="Север"/></locations>
<offers><offer id="1"><locations><location id="NY"><price>1</price></location></locations></offer>
</offers></shop></yml_catalog>"""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = path / "feed.xml"
    file.write_bytes(text.encode(encoding))
    return file


async def run(database_url: str, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from habitue.edges.cli import main; main()",
        *arguments,
        env={**os.environ, "HABITUE_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


def test_stocks_inside_offers(tmp_path: Path) -> None:
    assert read_feed(write(tmp_path, STOCKS)) == Feed(
        (Region("Екатеринбург", "", "stock"), Region("Москва", "", "stock")), offers=2, skipped=1
    )


def test_locations_of_the_shop(tmp_path: Path) -> None:
    assert read_feed(write(tmp_path, LOCATIONS, "windows-1251")) == Feed(
        (Region("NY", "New York", "location"), Region("1", "Север", "location")), offers=1
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml at all",
        "<yml_catalog><shop>",
        "<rss></rss>",
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><yml_catalog>&b;</yml_catalog>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><yml_catalog>&f;</yml_catalog>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://x.example/x">%p;]><yml_catalog/>',
        "<yml_catalog>" + "<a>" * 200 + "</a>" * 200 + "</yml_catalog>",
        "<yml_catalog>\x01</yml_catalog>",
    ],
)
def test_a_file_that_is_no_feed_or_means_harm_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        read_feed(write(tmp_path, text))


async def test_the_command_replaces_the_regions(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    first = write(tmp_path, STOCKS)
    assert await run(database_url, "feed", str(first)) == (
        0,
        "2 regions from 2 offers, 0 gone\n",
        "warning: 1 regions have no usable id\n",
    )
    second = write(tmp_path, LOCATIONS, "windows-1251")
    assert await run(database_url, "feed", str(second)) == (
        0,
        "2 regions from 1 offers, 2 gone\n",
        "",
    )
    rows = await database.fetch("SELECT id, name FROM stock ORDER BY id")
    assert [tuple(row) for row in rows] == [("1", "Север"), ("NY", "New York")]
    empty = write(tmp_path, "<yml_catalog><shop/></yml_catalog>")
    status, out, error = await run(database_url, "feed", str(empty))
    assert (status, out) == (1, "")
    assert "names no region" in error
    status, _, error = await run(database_url, "feed", str(tmp_path / "none.xml"))
    assert (status, error) == (1, f"habitue: {tmp_path}/none.xml: No such file or directory\n")
    assert await database.fetchval("SELECT count(*) FROM stock") == 2
