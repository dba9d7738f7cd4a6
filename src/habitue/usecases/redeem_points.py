"""Points that a till takes as payment, and gives back where the bill is undone.

Words: a *redemption* is a spending under a key of its own, which a caller's own reference stands
for where there is one: the same reference never pays twice. A *reversal* gives back a part of it,
or all.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

import msgspec

from habitue.loyalty import decide
from habitue.loyalty.ledger import Cause, LedgerDecision
from habitue.loyalty.program import MAIN_LEDGER
from habitue.loyalty.refusals import NotEnoughPoints
from habitue.loyalty.settling import begin
from habitue.model.errors import Conflict, Fault, InvalidInput, NotFound
from habitue.model.numbers import ZERO
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import change_points, read_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop

#: One redemption can be given back in so many parts.
REVERSALS_MAX = 50
_REFERENCES = UUID("0c1bb5a4-2f0e-5b55-9c1e-93a1f2a0d6c2")


class RedemptionExists(Conflict):
    """The reference has paid already."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"Points were redeemed for {reference} already")
        self.reference = reference


class RedemptionUnknown(NotFound):
    """The customer has made no such redemption in that program."""

    def __init__(self, reference: object) -> None:
        super().__init__("Redemption", reference)


class ReversedAlready(InvalidInput):
    """More is to be given back than is left of the redemption."""

    def __init__(self, wanted: Decimal, left: Decimal) -> None:
        details = f"{wanted} points are to be given back, and {left} are left of it"
        super().__init__(Fault("/pointsToBeReversed", "Too many", details))
        self.wanted, self.left = wanted, left


class Redeemed(msgspec.Struct, frozen=True):
    """A redemption or a check of one, and what can be spent after it."""

    key: UUID
    points: Decimal
    balance: Decimal


class Reversed(msgspec.Struct, frozen=True):
    """A reversal: what came back, of which `expired` was over by now."""

    key: UUID
    points: Decimal
    expired: Decimal


def reference_key(customer_id: int, reference: str) -> UUID:
    """The key that a caller's own reference stands for."""
    return uuid5(_REFERENCES, f"{customer_id} {reference}")


async def check_redemption(
    shop: Shop, customer_id: int, program_id: int, points: Decimal, now: datetime
) -> Redeemed:
    """What a redemption would leave. Raises as `redeem_points` does; nothing is written."""
    query = PointsQuery(None, customer_id, program_id, MAIN_LEDGER)
    state = await read_points(shop, shop.database, query, customer_id, now)
    decide.checked(state.program, points)
    booking = begin(state.ledger(MAIN_LEDGER), state.program, now)
    if points > booking.active:
        raise NotEnoughPoints(points, booking.active)
    return Redeemed(UUID(int=0), points, booking.active - points)


async def redeem_points(
    shop: Shop,
    customer_id: int,
    program_id: int,
    key: UUID,
    points: Decimal,
    cause: Cause,
    now: datetime,
) -> Redeemed:
    """Spends the points. Raises `WrongPoints`, `NotEnoughPoints`, `RedemptionExists`, `NotFound`
    and `ProfileBusy`; nothing has happened then."""

    def spend(state: PointsState) -> tuple[Sequence[LedgerDecision], Redeemed]:
        decide.checked(state.program, points)
        if state.postings:
            raise RedemptionExists(cause.session_key or str(key))
        booking = begin(state.ledger(MAIN_LEDGER), state.program, now)
        decide.deduct(booking, key, points, cause)
        return [booking.decision()], Redeemed(key, points, booking.active)

    query = PointsQuery(None, customer_id, program_id, MAIN_LEDGER, fresh=key)
    return await change_points(shop, query, customer_id, now, spend)


async def reverse_redemption(
    shop: Shop,
    customer_id: int,
    program_id: int,
    redemption: UUID,
    points: Decimal | None,
    cause: Cause,
    now: datetime,
) -> Reversed:
    """Gives back so many of the redeemed points, or all that are left; what is over expires.

    Raises `RedemptionUnknown`, `ReversedAlready`, `WrongPoints`, `NotFound` and `ProfileBusy`.
    """
    parts = [uuid5(redemption, f"reversal {number}") for number in range(REVERSALS_MAX)]

    def give_back(state: PointsState) -> tuple[Sequence[LedgerDecision], Reversed]:
        spent = _left(state, redemption, parts)
        left = sum((amount for _, amount in spent), ZERO)
        wanted = left if points is None else decide.checked(state.program, points, _POINTER)
        key = next((each for each in parts if not state.spent(each)), None)
        if key is None or not left or wanted > left:
            raise ReversedAlready(wanted, left)
        booking = begin(state.ledger(MAIN_LEDGER), state.program, now)
        active = booking.active
        decide.reimburse(booking, key, _portions(spent, wanted), cause)
        expired = wanted - max(booking.active - active, ZERO)
        return [booking.decision()], Reversed(key, wanted, max(expired, ZERO))

    query = PointsQuery(None, customer_id, program_id, MAIN_LEDGER, (redemption, *parts))
    return await change_points(shop, query, customer_id, now, give_back)


_POINTER = "/pointsToBeReversed"


def _left(
    state: PointsState, redemption: UUID, parts: Sequence[UUID]
) -> list[tuple[UUID, Decimal]]:
    """What is left of a redemption, by lot. Raises `RedemptionUnknown`."""
    spent = state.spent(redemption)
    if not spent:
        raise RedemptionUnknown(redemption)
    left = dict(spent)
    for part in parts:
        for lot, amount in state.spent(part):
            left[lot] += amount
    return [(lot, amount) for lot, amount in left.items() if amount]


def _portions(spent: Sequence[tuple[UUID, Decimal]], wanted: Decimal) -> list[tuple[UUID, Decimal]]:
    given = []
    for lot, amount in spent:
        part = min(amount, wanted)
        wanted -= part
        if part:
            given.append((lot, part))
    return given
