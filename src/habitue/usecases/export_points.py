"""Everything that a loyalty program holds, as it goes into files: page by page, each row as it is
at the moment at which it is read. However many owners there are, one page is held.
"""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from habitue.loyalty.card import ProgramCard
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.store import loyalty_lists
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_lists import CardsExport, LogQuery, LogRow, MemberRow, OwnerRow
from habitue.usecases.points_state import read_program_card
from habitue.usecases.read_points import LedgerReading, calm_readings, read_balances
from habitue.usecases.shop import Shop

PAGE = 500


class OwnerReading(msgspec.Struct, frozen=True):
    """One ledger of one owner: the id of a profile, or the card."""

    name: str
    card: ProgramCard | None
    subledger: str
    reading: LedgerReading


async def export_balances(
    shop: Shop, program: LoyaltyProgram, at: datetime | None, now: datetime
) -> AsyncIterator[OwnerReading]:
    """The ledgers of every owner, as of a moment where one is named: those in which there is or was
    anything, and the main one of every card."""
    after = 0
    while page := await loyalty_lists.owners(
        shop.database, program.id, program.card_based, after, PAGE
    ):
        for row in page:
            card = None if row.card is None else read_program_card(row.card)
            readings = await _readings(shop, program, row, at, now)
            for subledger, reading in sorted(readings.items()):
                yield OwnerReading(row.name, card, subledger, reading)
        after = page[-1].place


async def export_members(shop: Shop, program: LoyaltyProgram) -> AsyncIterator[MemberRow]:
    """Every member with the day of joining."""
    after = 0
    while page := await loyalty_lists.members(shop.database, program.id, after, PAGE):
        for row in page:
            yield row
        after = page[-1].customer_id


async def export_cards(shop: Shop, wanted: CardsExport) -> AsyncIterator[ProgramCard]:
    """Every card that is wanted."""
    while page := await loyalty_lists.cards(shop.database, wanted):
        for document in page:
            card = read_program_card(document)
            yield card
        wanted = msgspec.structs.replace(wanted, after=card.id)


async def export_log(shop: Shop, query: LogQuery) -> AsyncIterator[LogRow]:
    """Every entry of the log that is wanted, in the order in which they came to be."""
    query = msgspec.structs.replace(query, newest_first=False, limit=PAGE)
    while page := await loyalty_lists.log(shop.database, query):
        for row in page:
            yield row
        query = msgspec.structs.replace(query, after=page[-1].id)


async def _readings(
    shop: Shop, program: LoyaltyProgram, row: OwnerRow, at: datetime | None, now: datetime
) -> dict[str, LedgerReading]:
    """The ledgers of one owner. Only where something has happened that is not booked yet, or where
    another moment is named, they are looked at in full."""
    readings = calm_readings(program, row.ledgers, now) if at is None else None
    if readings is None:
        query = PointsQuery(None, row.owner_id, program.id)
        _, told = await read_balances(shop, query, row.name, now, at, projected=False)
        readings = dict(told)
    used = {name: each for name, each in readings.items() if each.is_used}
    if row.card is not None:
        used.setdefault(MAIN_LEDGER, LedgerReading.nothing(program))
    return used
