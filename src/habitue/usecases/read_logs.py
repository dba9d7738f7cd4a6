"""Long lists, part by part: entries and points of a customer or a card, a program's log and closed
days, friends who used a code, imports, and what staff have changed.

A `Part` is what is on one page, and whether there is more behind it; nobody counts what nobody asks
to be counted.
"""

from collections.abc import Sequence
from datetime import date
from typing import Generic, TypeVar

import msgspec

from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import NotFound
from habitue.store import changes, imports, loyalty_lists
from habitue.store.changes import ChangeRow, ChangesQuery
from habitue.store.imports import ImportRow
from habitue.store.loyalty_closings import DayClosing, closings_page
from habitue.store.loyalty_lists import LogQuery, LogRow
from habitue.store.loyalty_reading import (
    LotRow,
    PointsPage,
    TransactionRow,
    TransactionsPage,
    points_page,
    transactions_page,
)
from habitue.store.referred_friends import (
    ReferredFriend,
    count_referred_friends,
    referred_friends,
)
from habitue.usecases.shop import Shop

Row = TypeVar("Row")


class Part(msgspec.Struct, Generic[Row], frozen=True):
    """The rows of one page, and whether there are more behind them."""

    rows: Sequence[Row]
    has_more: bool


async def read_transactions(shop: Shop, page: TransactionsPage) -> Part[TransactionRow]:
    """Entries of the owner of points that the page names."""
    return part_of(await transactions_page(shop.database, page), page.limit)


async def read_lots(shop: Shop, page: PointsPage) -> Part[LotRow]:
    """Points of the owner that the page names, lot by lot."""
    return part_of(await points_page(shop.database, page), page.limit)


async def read_program_log(shop: Shop, query: LogQuery) -> Part[LogRow]:
    """Entries of everybody in a program."""
    wanted = msgspec.structs.replace(query, limit=query.limit + 1)
    return part_of(await loyalty_lists.log(shop.database, wanted), query.limit)


async def read_closings(
    shop: Shop,
    program: LoyaltyProgram,
    days: tuple[date | None, date | None],
    skip: int,
    limit: int,
) -> Part[DayClosing]:
    """The closed days of a program between two, both included."""
    rows = await closings_page(shop.database, program.id, *days, skip, limit + 1)
    return part_of(rows, limit)


async def read_friends(
    shop: Shop, whose: tuple[int, int], skip: int, limit: int, *, newest_first: bool
) -> Part[ReferredFriend]:
    """Uses of the referral codes of a customer in an application, which `whose` names by their
    ids."""
    rows = await referred_friends(shop.database, *whose, skip, limit + 1, newest_first=newest_first)
    return part_of(rows, limit)


async def count_friends(shop: Shop, whose: tuple[int, int]) -> int:
    """How many such uses there are in all."""
    return await count_referred_friends(shop.database, *whose)


async def read_imports(shop: Shop, skip: int, limit: int) -> Part[ImportRow]:
    """Imports of files, the last first."""
    return part_of(await imports.page(shop.database, skip, limit), limit)


async def read_import(shop: Shop, import_id: int) -> ImportRow:
    """One import, however far it has come. Raises `NotFound`."""
    row = await imports.one(shop.database, import_id)
    if row is None:
        raise NotFound("Import", import_id)
    return row


async def read_changes(shop: Shop, query: ChangesQuery) -> Part[ChangeRow]:
    """What was changed of the configuration, with who changed it."""
    return part_of(await changes.read_changes(shop.database, query), query.limit)


async def count_changes(shop: Shop, query: ChangesQuery) -> int:
    """How many changes there are in all."""
    return await changes.count_changes(shop.database, query)


def part_of(rows: Sequence[Row], limit: int) -> Part[Row]:
    """The part, from one row more than is shown where there are more."""
    return Part(rows[:limit], len(rows) > limit)
