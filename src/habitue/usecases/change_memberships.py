"""Who is in which audience: many changes at once, all or nothing, without the rules.

Somebody unknown who joins an audience comes to be; somebody unknown who leaves one does not
(contracts/talon_one/SEMANTICS.md section 14).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.promotions.audiences import MembershipChange
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.program import Program
from habitue.usecases.shop import Shop
from habitue.usecases.update_profile import ProfileOutcome, update_profiles
from habitue.usecases.writing import Reply


class MembershipWish(msgspec.Struct, frozen=True):
    """One change that is wanted; of several of one customer in one audience the last counts."""

    integration_id: str
    change: MembershipChange


async def change_memberships(
    shop: Shop, application_id: int, wishes: Sequence[MembershipWish], now: datetime
) -> None:
    """Carries out all the wishes. Raises `NotFound`, `InvalidInput` or `ProfileBusy`."""
    configuration = await shop.refresh()
    sandbox = configuration.application(application_id).sandbox
    for wish in wishes:
        configuration.audience(wish.change.audience_id, sandbox=sandbox)
    changes: dict[str, list[MembershipChange]] = {}
    for wish in wishes:
        changes.setdefault(wish.integration_id, []).append(wish.change)
    commands = [
        ProfileCommand(
            integration_id,
            {},
            audiences=tuple(each),
            creates=any(change.joins for change in each),
        )
        for integration_id, each in changes.items()
    ]
    if commands:
        await update_profiles(shop, application_id, commands, now, _silent)


def _silent(outcomes: Sequence[ProfileOutcome], program: Program) -> Reply:
    return Reply(204, b"")
