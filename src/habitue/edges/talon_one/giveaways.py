"""Giveaways on the wire."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.talon_one.effects import shortened
from habitue.model.documents import decode_untyped
from habitue.promotions.giveaways import Awarded
from habitue.store.giveaways import GiveawayRow


class GiveawayOut(msgspec.Struct, rename="camel"):
    """A code of a pool; one that was given names who got it."""

    id: int
    created: datetime
    code: str
    pool_id: int
    attributes: dict[str, Any]
    used: bool
    start_date: datetime | UnsetType = UNSET
    end_date: datetime | UnsetType = UNSET
    import_id: int | UnsetType = UNSET
    profile_integration_id: str | UnsetType = UNSET
    profile_id: int | UnsetType = UNSET


def giveaway_out(row: GiveawayRow) -> GiveawayOut:
    """The code in the protocol's words."""
    return GiveawayOut(
        id=row.id,
        created=row.created,
        code=row.code,
        pool_id=row.pool_id,
        attributes=shortened(decode_untyped(row.attributes)),
        used=row.used,
        start_date=row.start_date or UNSET,
        end_date=row.end_date or UNSET,
        import_id=row.import_id or UNSET,
        profile_integration_id=row.profile_id or UNSET,
        profile_id=UNSET if row.customer_id is None else row.customer_id,
    )


def awarded_out(awarded: Awarded) -> GiveawayOut:
    """A code that the request gives away, in the protocol's words."""
    giveaway = awarded.giveaway
    return GiveawayOut(
        id=giveaway.id,
        created=giveaway.created,
        code=giveaway.code,
        pool_id=giveaway.pool_id,
        attributes=shortened(giveaway.attributes),
        used=True,
        start_date=giveaway.start_date or UNSET,
        end_date=giveaway.end_date or UNSET,
        import_id=giveaway.import_id or UNSET,
        profile_integration_id=awarded.profile_id,
        profile_id=awarded.customer_id,
    )
