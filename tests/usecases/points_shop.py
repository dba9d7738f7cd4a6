"""Points in a real database: a program, customers, and decisions about their ledgers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import Ledger, LedgerDecision
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.settling import begin
from habitue.store import customers, loyalty, loyalty_audit
from habitue.store.configuration import new_ids
from habitue.store.customers import ProfileQuery, ProfileWrite
from habitue.store.database import Database
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import change_points, read_points, save_points
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.points_state import PointsState, writes_of
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import NOW, program

TABLES = (
    *("loyalty_account", "loyalty_lot", "loyalty_hold", "loyalty_transaction"),
    *("loyalty_posting", "loyalty_tier_change", "loyalty_membership"),
)


async def save_program(shop: Shop, club: LoyaltyProgram) -> LoyaltyProgram:
    """The program as the configuration holds it from now on."""
    configuration = await shop.refresh()
    await save_configuration(shop.database, configuration.version, [Change(club)])
    await shop.refresh()
    return club


async def open_club(database: Database, **fields: Any) -> tuple[Shop, LoyaltyProgram]:
    """A shop with one program."""
    shop = Shop(database)
    (id_,) = await new_ids(database, "loyalty_program")
    club = program(**fields)
    return shop, await save_program(shop, LoyaltyProgram(**{**_fields(club), "id": id_}))


async def add_customer(database: Database, name: str) -> int:
    """A new customer of that store-side id; its id."""
    key = profile_key(name, sandbox=False)
    (row,) = await customers.load(database, ProfileQuery([key], None, NOW))
    write = ProfileWrite(row.customer_id, 0, b"{}", key, STORE_SIDE_ID, name, NOW, None)
    await customers.save(database, [write])
    return row.customer_id


def query_of(club: LoyaltyProgram, name: str, *keys: UUID) -> PointsQuery:
    """The main ledger of a customer, with what those keys name."""
    return PointsQuery(profile_key(name, sandbox=False), None, club.id, "", keys)


async def read(
    shop: Shop, query: PointsQuery, now: datetime = NOW, depth: int | None = None
) -> Ledger:
    """A ledger as it is stored, or a part of it."""
    state = await read_points(shop, shop.database, query, "somebody", now, depth=depth)
    return state.ledger(query.subledger or "")


async def act(
    shop: Shop, query: PointsQuery, now: datetime, action: Callable[[Booking], object]
) -> LedgerDecision:
    """Lets something happen to one ledger."""

    def decide(state: PointsState) -> tuple[Sequence[LedgerDecision], LedgerDecision]:
        booking = begin(state.ledger(query.subledger or ""), state.program, now)
        action(booking)
        return [booking.decision()], booking.decision()

    return await change_points(shop, query, "somebody", now, decide)


async def save_together(
    database: Database, now: datetime, *decisions: tuple[int, LedgerDecision]
) -> None:
    """Saves decisions about several customers, all or none."""
    async with database.transaction() as connection:
        for customer_id, decision in decisions:
            writes = writes_of([decision])
            if writes is not None:
                await loyalty.write(connection, customer_id, now, writes)


async def save_alone(
    shop: Shop, query: PointsQuery, now: datetime, decision: LedgerDecision
) -> None:
    """Saves one decision as a request does."""
    state = await read_points(shop, shop.database, query, "somebody", now)
    await save_points(shop.database, state, [decision])


async def complaints(database: Database) -> list[str]:
    """Everything that an audit finds."""
    return [each.complaint async for each in loyalty_audit.violations(database)]


async def points_rows(database: Database) -> dict[str, list[str]]:
    """Everything that is stored of points, for "nothing changed" asserts."""
    return {
        table: [
            row["document"].decode()
            for row in await database.fetch(
                f"SELECT to_jsonb({table}) AS document FROM {table} ORDER BY to_jsonb({table})"
            )
        ]
        for table in TABLES
    }


def _fields(club: LoyaltyProgram) -> dict[str, Any]:
    return {name: getattr(club, name) for name in club.__struct_fields__}
