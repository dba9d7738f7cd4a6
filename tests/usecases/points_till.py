"""A till whose shop has loyalty programs: what its sessions give and take, and what is there."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from habitue.customers.claims import profile_key
from habitue.loyalty.ledger import Balances, balances_of
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.settling import settled
from habitue.promotions.effects import Effect
from habitue.store.configuration import new_ids
from habitue.store.database import Database
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.change_points import read_points
from habitue.usecases.session_state import SessionOutcome
from tests.building import NOW, Till
from tests.usecases.points_shop import save_program


async def club_of(till: Till, name: str = "club", **fields: Any) -> LoyaltyProgram:
    """A new program of the till's application, with subledgers."""
    (id_,) = await new_ids(till.shop.database, "loyalty_program")
    tiers = tuple(
        Tier(number, title, Decimal(floor), NOW)
        for number, (title, floor) in enumerate(fields.pop("tiers", ()), 1)
    )
    defaults: dict[str, Any] = {
        "subscribed_application_ids": (till.application.id,),
        "allow_subledger": True,
        "tiers": tiers,
    }
    program = LoyaltyProgram(id=id_, name=name, created=NOW, **{**defaults, **fields})
    return await save_program(till.shop, program)


async def balances(
    till: Till,
    club: LoyaltyProgram,
    profile: str,
    subledger: str = "",
    now: datetime | None = None,
) -> Balances:
    """What the customer has."""
    now = now or till.now
    query = PointsQuery(profile_key(profile, sandbox=False), None, club.id)
    state = await read_points(till.shop, till.shop.database, query, profile, now)
    return balances_of(settled(state.ledger(subledger), club, now))


async def gift(till: Till, club: LoyaltyProgram, profile: str, points: int, **fields: Any) -> None:
    """Points by hand, for a customer who exists."""
    adjustment = Adjustment(points=Decimal(points), **fields)
    query = PointsQuery(profile_key(profile, sandbox=False), None, club.id)
    await add_points(till.shop, query, profile, adjustment, till.now)


def of_points(outcome: SessionOutcome) -> list[Any]:
    """The outcomes of the answer's effects."""
    return [effect.outcome for effect in outcome.decision.effects]


def told(effects: tuple[Effect, ...]) -> list[Any]:
    """The kinds and the amounts of effects that have one."""
    return [
        (type(each.outcome).__name__, getattr(each.outcome, "value"))  # noqa: B009
        for each in effects
        if hasattr(each.outcome, "value")
    ]


async def transactions(database: Database) -> list[Any]:
    """Everything that was posted, oldest first."""
    rows = await database.fetch("SELECT kind, amount FROM loyalty_transaction ORDER BY id")
    return [(row["kind"], row["amount"]) for row in rows]
