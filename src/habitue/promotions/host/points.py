"""Points that rules give and take, and what rules ask about them.

Everything is about the customer of the request, or about the card that it names, in the programs
that serve its application. Amounts are rounded as the program says; an amount that comes to nothing
gives no effect.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from habitue.loyalty.decide import POINTS_MAX
from habitue.loyalty.duration import end_of, parse_duration
from habitue.loyalty.ledger import Lot
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.refusals import NotEnoughPoints
from habitue.loyalty.terms import YEAR_MAX, Terms, Wish, terms_of
from habitue.model.errors import InvalidInput
from habitue.model.limits import POINTS_NAME_LENGTH_MAX
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    ExtendPointsExpiry,
    SetPointsExpiry,
)
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.giving import counts, exhausted, grant, targets
from habitue.promotions.host.points_place import (
    CURRENT,
    PointsPlace,
    card_is_registered,
    card_is_valid,
    place_of,
)
from habitue.promotions.host.words import ITEMS, NAME
from habitue.promotions.points_book import tier_outcomes
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import BOOLEAN, EFFECT, NUMBER, STRING, TIME, per_item


def add_points(
    frame: Evaluation,
    name: str,
    program_id: Decimal,
    subledger: str,
    value: Decimal,
    pending: str = "",
    validity: str = "",
    partial: bool | None = None,
    profile: str = CURRENT,
) -> None:
    """Gives points to the customer, or to the advocate of the session's code."""
    place = place_of(frame, program_id, subledger, profile)
    wish = _Wish(name, place, _terms(frame, place.program, pending, validity), partial)
    _add(frame, wish, _amount(place.program, value))


def add_points_per_item(
    frame: Evaluation,
    name: str,
    program_id: Decimal,
    subledger: str,
    value: Decimal | Callable[[ItemFacts], Decimal],
    items: Sequence[ItemFacts] | None = None,
    pending: str = "",
    validity: str = "",
    partial: bool | None = None,
    profile: str = CURRENT,
) -> None:
    """Gives points for each unit: as many for all, or computed for each."""
    place = place_of(frame, program_id, subledger, profile)
    wish = _Wish(name, place, _terms(frame, place.program, pending, validity), partial)
    wanted = [
        (item, _amount(place.program, value(item) if callable(value) else value))
        for item in targets(frame, items)
        if counts(frame, item)
    ]
    for index, (item, amount) in enumerate(wanted):
        if index and exhausted(frame, partial, "createLoyaltyPoints"):
            return
        _add(frame, wish, amount, item)


def deduct_points(
    frame: Evaluation, name: str, program_id: Decimal, subledger: str, value: Decimal
) -> None:
    """Spends active points; where there are not enough of them, the rule gives nothing."""
    place = place_of(frame, program_id, subledger)
    amount = _amount(place.program, value)
    if not amount:
        return
    outcome = DeductLoyaltyPoints(
        program_id=place.program.id,
        subledger=subledger,
        value=amount,
        key=_key(frame, place, "deduct"),
        recipient=place.recipient,
        card=place.card,
        owner=place.owner,
        name=_reason(name),
    )
    try:
        place.book.deduct(outcome, frame.cause)
    except NotEnoughPoints as refusal:
        raise RuleFailed(refusal.faults[0].details) from None
    frame.add(outcome)


def extend_expiry(frame: Evaluation, program_id: Decimal, subledger: str, extension: str) -> None:
    """Points that have an end are given a later one."""
    place = place_of(frame, program_id, subledger)
    program = place.program
    duration = parse_duration(extension)
    if duration is None:
        raise RuleFailed(f"{extension!r} is no duration")

    def later(lot: Lot) -> datetime | None:
        if lot.expiry is None:
            return None
        return _bounded(end_of(lot.expiry, duration, program.zone))

    changes = place.book.move_expiry(place.name, later, frame.cause)
    frame.add(ExtendPointsExpiry(program.id, subledger, extension, changes))


def set_expiry(frame: Evaluation, program_id: Decimal, subledger: str, expiry: datetime) -> None:
    """All active and pending points are given the same end."""
    place = place_of(frame, program_id, subledger)
    if expiry <= frame.now:
        raise RuleFailed("points cannot end in the past")
    end = _bounded(expiry)

    def same(lot: Lot) -> datetime | None:
        return end if lot.start is None or lot.start < end else None

    changes = place.book.move_expiry(place.name, same, frame.cause)
    frame.add(SetPointsExpiry(place.program.id, subledger, end, changes))


def balance(
    frame: Evaluation, program_id: Decimal, kind: str = "current", subledger: str = MAIN_LEDGER
) -> Decimal:
    """A balance as the request found it, or with all that it does itself."""
    place = place_of(frame, program_id, subledger)
    if kind == "tentativeCurrent":
        return place.book.booking(place.name).active
    before = place.book.before(place.name).balances
    found = {"current": before.active, "pending": before.pending, "negative": before.negative}
    if kind not in found:
        raise RuleFailed(f"there is no balance {kind!r}")
    return found[kind]


def tier(frame: Evaluation, program_id: Decimal, subledger: str = MAIN_LEDGER) -> str:
    """The name of the tier that the request found the customer in, empty where in none."""
    place = place_of(frame, program_id, subledger)
    return place.book.before(place.name).tier or ""


def redeemable(
    frame: Evaluation, program_id: Decimal, points: Decimal, subledger: str = MAIN_LEDGER
) -> bool:
    """Whether so many points are still there to be spent."""
    place = place_of(frame, program_id, subledger)
    return place.book.booking(place.name).active >= points


def _amount(program: LoyaltyProgram, value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value <= POINTS_MAX:
        raise RuleFailed(f"{value} is no amount of points")
    return program.rounded(value)


def _reason(name: str) -> str:
    if len(name) > POINTS_NAME_LENGTH_MAX or "\0" in name:
        raise RuleFailed(f"a reason has at most {POINTS_NAME_LENGTH_MAX} characters")
    return name


def _terms(frame: Evaluation, program: LoyaltyProgram, pending: str, validity: str) -> Terms:
    wish = Wish(pending=pending or None, validity=validity or None)
    try:
        return terms_of(program, wish, frame.now)
    except InvalidInput as refusal:
        raise RuleFailed(refusal.faults[0].details) from None


def _bounded(end: datetime | None) -> datetime:
    if end is None or end.year > YEAR_MAX:
        raise RuleFailed("points would end beyond the calendar")
    return end


def _key(frame: Evaluation, place: PointsPlace, *words: object) -> UUID:
    coupon_id = frame.coupon.id if frame.coupon is not None else 0
    return place.book.key(place.name, *frame.cause[:3:2], coupon_id, *words)


class _Wish(NamedTuple):
    """How points are given, whatever their number."""

    name: str
    place: PointsPlace
    terms: Terms
    partial: bool | None


def _add(frame: Evaluation, wish: _Wish, wanted: Decimal, item: ItemFacts | None = None) -> None:
    name, place, terms, partial = wish
    given = grant(frame, wanted, partial, "createLoyaltyPoints")
    amount = place.program.rounded_down(given.value)
    if not amount:
        return
    unit = (None, None) if item is None else (int(item.position), int(item.sub_position))
    outcome = AddLoyaltyPoints(
        program_id=place.program.id,
        subledger=place.name.subledger,
        value=amount,
        key=_key(frame, place, "add", *unit),
        recipient=place.recipient,
        card=place.card,
        owner=place.owner,
        name=_reason(name),
        start=terms.start,
        expiry=terms.expiry,
        validity=terms.validity,
        position=unit[0],
        sub_position=unit[1],
        desired_value=given.desired,
    )
    reached = place.book.add(outcome, frame.cause)
    frame.add(outcome)
    for change in tier_outcomes(outcome, reached):
        frame.add(change)


_PROGRAM = ("programId", NUMBER)
_SUBLEDGER = ("subLedgerId", STRING)
_TERMS = (
    ("pendingDuration", STRING),
    ("validityDuration", STRING),
    ("partial", BOOLEAN),
    ("profile", STRING),
)

FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "addLoyaltyPoints",
        (NAME, _PROGRAM, _SUBLEDGER, ("value", NUMBER), *_TERMS),
        EFFECT,
        add_points,
        optional=4,
        description="Points for Current or Advocate; the main ledger is the empty text.",
    ),
    HostFunction(
        "addLoyaltyPointsPerItem",
        (NAME, _PROGRAM, _SUBLEDGER, ("value", per_item("Item")), ("items", ITEMS), *_TERMS),
        EFFECT,
        add_points_per_item,
        optional=5,
        description="Points for each unit, of all items or of those given.",
    ),
    HostFunction(
        "deductLoyaltyPoints",
        (NAME, _PROGRAM, _SUBLEDGER, ("value", NUMBER)),
        EFFECT,
        deduct_points,
        description="Spends points; the rule fails where there are not enough.",
    ),
    HostFunction(
        "extendLoyaltyPointsExpiryDate",
        (_PROGRAM, _SUBLEDGER, ("extensionDuration", STRING)),
        EFFECT,
        extend_expiry,
        description="Moves the ends of unused points by a duration such as 30D.",
    ),
    HostFunction(
        "setLoyaltyPointsExpiryDate",
        (_PROGRAM, _SUBLEDGER, ("newExpiryDate", TIME)),
        EFFECT,
        set_expiry,
        description="Gives all unused points the same end.",
    ),
    HostFunction(
        "loyaltyBalance",
        (_PROGRAM, ("balance", STRING), _SUBLEDGER),
        NUMBER,
        balance,
        optional=2,
        description="A balance: current, pending, negative or tentativeCurrent.",
    ),
    HostFunction(
        "loyaltyTier",
        (_PROGRAM, _SUBLEDGER),
        STRING,
        tier,
        optional=1,
        description="The name of the customer's tier, the empty text where there is none.",
    ),
    HostFunction(
        "loyaltyPointsRedeemable",
        (_PROGRAM, ("points", NUMBER), _SUBLEDGER),
        BOOLEAN,
        redeemable,
        optional=1,
        description="Whether so many points are there to be spent.",
    ),
    HostFunction(
        "loyaltyCardValid",
        (_PROGRAM,),
        BOOLEAN,
        card_is_valid,
        description="Whether the session names a card of that program which can be used.",
    ),
    HostFunction(
        "loyaltyCardRegistered",
        (_PROGRAM,),
        BOOLEAN,
        card_is_registered,
        description="Whether the session names a card of that program which is linked to somebody.",
    ),
)
