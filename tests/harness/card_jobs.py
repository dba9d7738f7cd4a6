"""What racing processes do to customer cards: tell attributes, join cards, take them apart.

A *job* names what it does: `merge` with the ids of survivor and victim, `unmerge` with the id of
the victim, `tell` with a profile id and its attributes.
"""

from typing import Any

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.promotions.decide_profile import ProfileCommand
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.unmerge_customers import unmerge_customers
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.writing import Reply
from tests.building import Till

ACTOR = Actor(kind="STAFF", id=7)
REASON = MergeReason(kind="request", request_id=1, comment="the same person")


async def act_on_cards(till: Till, job: dict[str, Any]) -> dict[str, Any]:
    """The report of one job."""
    match job:
        case {"merge": [survivor_id, victim_id]}:
            card = await merge(till, survivor_id, victim_id)
            return {"merged": card}
        case {"unmerge": victim_id}:
            return {"unmerged": await unmerge(till, victim_id)}
        case {"tell": [profile_id, attributes]}:
            await tell(till, profile_id, attributes)
            return {"told": profile_id}
    raise AssertionError(f"nobody knows how to do {job}")


async def merge(till: Till, survivor_id: int, victim_id: int) -> int:
    """Joins the victim into the survivor; the id of the card that is left."""
    card = await merge_customers(till.shop, survivor_id, victim_id, ACTOR, REASON, till.now)
    return card.id


async def unmerge(till: Till, victim_id: int) -> list[int]:
    """Takes the victim out of the card that it is a part of; the roots that go with it."""
    decision = await unmerge_customers(till.shop, victim_id, ACTOR, till.now)
    return list(decision.roots)


async def tell(till: Till, profile_id: str, attributes: dict[str, Any]) -> None:
    """Tells attributes of a customer, through the session door."""
    command = ProfileCommand(profile_id, attributes)
    await update_profiles(
        till.shop, till.application.id, [command], till.now, lambda *_: Reply(200, b"{}")
    )
