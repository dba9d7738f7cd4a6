"""Points that rules give and take, tiers that they lead to, and the taking back of both.

A transaction is named by its *key*, which is its id on the wire and that of the lot or the posting
set in the ledger. `recipient` and `name` are all that is personal in these outcomes: they go when a
person is erased, and the rest stays for the books.
"""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import msgspec


class _Points(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An amount of points in one ledger; `card` is the identifier of the card that has them.

    `owner` is the root in whose account they are, 0 where that is the session's customer.
    """

    program_id: int
    subledger: str
    value: Decimal
    key: UUID
    recipient: str = ""
    card: str = ""
    owner: int = 0


class AddLoyaltyPoints(_Points, frozen=True, tag=True, omit_defaults=True, kw_only=True):
    """New points, for a unit of the cart where a position is named.

    Without a start they await an action; then `validity` is how long they last after it.
    """

    name: str = ""
    start: datetime | None = None
    expiry: datetime | None = None
    validity: str = ""
    position: int | None = None
    sub_position: int | None = None
    desired_value: Decimal | None = None


class DeductLoyaltyPoints(_Points, frozen=True, tag=True, omit_defaults=True, kw_only=True):
    """Points that are spent."""

    name: str = ""


class ChangeLoyaltyTierLevel(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A tier that points led to."""

    program_id: int
    subledger: str
    new_tier: str
    previous_tier: str | None = None
    expiry: datetime | None = None


class ExpiryChange(msgspec.Struct, frozen=True):
    """One transaction whose points end at another moment now."""

    key: UUID
    before: datetime | None
    after: datetime


class ExtendPointsExpiry(msgspec.Struct, frozen=True, tag=True):
    """The ends of points that were moved by a duration."""

    program_id: int
    subledger: str
    duration: str
    changes: tuple[ExpiryChange, ...]


class SetPointsExpiry(msgspec.Struct, frozen=True, tag=True):
    """Points that were given one end."""

    program_id: int
    subledger: str
    expiry: datetime
    changes: tuple[ExpiryChange, ...]


class RollbackAddedPoints(_Points, frozen=True, tag=True, omit_defaults=True, kw_only=True):
    """Given points that were taken back: as many as the program's policy allows."""

    position: int | None = None
    sub_position: int | None = None


class RollbackDeductedPoints(_Points, frozen=True, tag=True, omit_defaults=True, kw_only=True):
    """Spent points that came back, with the terms of the first lot that they came out of."""

    start: datetime | None = None
    expiry: datetime | None = None


PointsOutcome: TypeAlias = (
    AddLoyaltyPoints
    | DeductLoyaltyPoints
    | ChangeLoyaltyTierLevel
    | ExtendPointsExpiry
    | SetPointsExpiry
    | RollbackAddedPoints
    | RollbackDeductedPoints
)
