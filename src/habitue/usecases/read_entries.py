"""A page of what happened to a customer's points, with how much there is of it."""

from decimal import Decimal

import msgspec

from habitue.loyalty.program import MAIN_LEDGER
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import (
    TransactionRow,
    TransactionsPage,
    count_transactions,
    transactions_page,
)
from habitue.usecases.read_points import read_balances
from habitue.usecases.shop import Shop


class Entries(msgspec.Struct, frozen=True):
    """The rows of a page, how many there are in all, and what could be spent before them."""

    rows: list[TransactionRow]
    count: int
    balance_before: Decimal


async def read_entries(shop: Shop, page: TransactionsPage, customer_id: int) -> Entries:
    """The page. Raises `NotFound`."""
    rows = await transactions_page(shop.database, page)
    count = await count_transactions(shop.database, page)
    before = Decimal(0)
    if page.since is not None:
        query = PointsQuery(None, customer_id, page.program_id, MAIN_LEDGER)
        _, past = await read_balances(shop, query, customer_id, page.now, page.since)
        before = past[MAIN_LEDGER].balances.active
    return Entries(rows[: page.limit], count, before)
