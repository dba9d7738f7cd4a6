"""An import that is cut off, sent again or sent twice at once gives every point once."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput, KeyReused
from habitue.store import imports
from habitue.store.database import Connection, Database
from habitue.store.imports import ImportRow
from habitue.usecases.import_points import PointsImporter, PointsLine
from habitue.usecases.run_import import (
    BatchPlace,
    ImportBusy,
    ImportSource,
    apply_batch,
    run_import,
)
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import NOW
from tests.usecases.points_shop import complaints, open_club

ROWS, PEOPLE = 250, 60


def lines(count: int = ROWS) -> list[PointsLine]:
    return [
        PointsLine(line=number + 2, owner=f"person-{number % PEOPLE}", amount=Decimal(1), start=NOW)
        for number in range(count)
    ]


def source(
    rows: Sequence[PointsLine | list[Fault]] | None = None, key: str | None = None
) -> ImportSource[PointsLine]:
    listed: Sequence[PointsLine | list[Fault]] = lines() if rows is None else rows

    def again() -> Iterator[PointsLine | list[Fault]]:
        return iter(listed)

    digest = sha256(repr(listed).encode()).digest()
    return ImportSource("LoyaltyLedger", "program 1", digest, again, "tests", key)


class Killed(Exception):
    """The process ended here."""


class Breaking(PointsImporter):
    """Ends in the middle of a batch."""

    def __init__(self, shop: Shop, club: LoyaltyProgram, breaks_at: int) -> None:
        super().__init__(shop, club, "tests", NOW)
        self._breaks_at = breaks_at

    async def apply(
        self, connection: Connection, rows: Sequence[PointsLine], place: BatchPlace
    ) -> None:
        await super().apply(connection, rows, place)
        if place.first <= self._breaks_at < place.first + len(rows):
            raise Killed


async def totals(database: Database) -> tuple[int, int]:
    """How many points there are, and how many entries tell of them."""
    row = await database.fetchrow(
        "SELECT coalesce(sum(open), 0)::int AS open, (SELECT count(*) FROM loyalty_transaction) "
        "AS entries FROM loyalty_account"
    )
    assert row is not None
    return row["open"], row["entries"]


async def run(
    shop: Shop,
    club: LoyaltyProgram,
    given: ImportSource[PointsLine] | None = None,
    now: datetime = NOW,
) -> ImportRow:
    return await run_import(shop, given or source(), PointsImporter(shop, club, "tests", now), now)


async def test_an_import_goes_on_where_it_was_cut_off(database: Database) -> None:
    shop, club = await open_club(database)
    with pytest.raises(Killed):
        await run_import(shop, source(), Breaking(shop, club, 230), NOW)
    assert await totals(database) == (200, 200)
    done = await run(shop, club)
    assert (done.done, done.row_count, done.finished) == (ROWS, ROWS, NOW)
    assert await totals(database) == (ROWS, ROWS)
    assert (await run(shop, club)).id == done.id
    assert await totals(database) == (ROWS, ROWS)
    assert await complaints(database) == []


async def test_after_a_day_the_same_file_is_another_import(database: Database) -> None:
    shop, club = await open_club(database)
    first = await run(shop, club)
    same = await run(shop, club, now=NOW + timedelta(hours=23))
    other = await run(shop, club, now=NOW + timedelta(hours=24))
    assert (first.id == same.id, first.id == other.id) == (True, False)
    assert await totals(database) == (2 * ROWS, 2 * ROWS)


async def test_the_same_file_twice_at_once(database: Database) -> None:
    shop, club = await open_club(database)
    others = [Shop(database) for _ in range(3)]
    for each in others:
        await each.refresh()
    outcomes = await asyncio.gather(
        *(run(each, club) for each in (shop, *others)), return_exceptions=True
    )
    assert all(isinstance(each, ImportRow | ImportBusy) for each in outcomes), outcomes
    assert (await run(shop, club)).done == ROWS
    assert await totals(database) == (ROWS, ROWS)
    assert await complaints(database) == []


async def test_without_the_guard_points_are_given_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that `advance` is what keeps the races above apart."""
    shop, club = await open_club(database)
    importer = PointsImporter(shop, club, "tests", NOW)
    begun = await imports.begin(
        database, source().identity, source().digest, "LoyaltyLedger", 3, "tests", NOW
    )
    place = BatchPlace(begun.id, begun.identity, 0, NOW)
    batch = lines(3)
    await apply_batch(shop, importer, batch, place, NOW)
    with pytest.raises(ImportBusy):
        await apply_batch(shop, importer, batch, place, NOW)
    assert await totals(database) == (3, 3)

    async def unguarded(*arguments: object) -> None:
        return None

    monkeypatch.setattr(imports, "advance", unguarded)
    again = BatchPlace(begun.id + 1, begun.identity, 0, NOW)
    await apply_batch(shop, importer, batch, again, NOW)
    assert await totals(database) == (6, 6)


async def test_a_bad_row_stores_nothing_and_is_told_with_its_line(database: Database) -> None:
    shop, club = await open_club(database)
    rows: list[PointsLine | list[Fault]] = [*lines(700), [Fault("", "Odd", "odd", line=702)]]
    rows[3] = PointsLine(line=5, owner="x", amount=Decimal("-1"), start=NOW)
    with pytest.raises(InvalidInput) as refused:
        await run(shop, club, source(rows))
    assert [(each.line, each.title) for each in refused.value.faults] == [
        (5, "Invalid amount"),
        (702, "Odd"),
    ]
    assert await totals(database) == (0, 0)
    assert await database.fetchval("SELECT count(*) FROM import") == 0
    assert await database.fetchval("SELECT count(*) FROM customer") == 0


async def test_a_key_is_for_one_file(database: Database) -> None:
    shop, club = await open_club(database)
    await run(shop, club, source(lines(3), "key"))
    with pytest.raises(KeyReused):
        await run(shop, club, source(lines(4), "key"))
    assert await totals(database) == (3, 3)
