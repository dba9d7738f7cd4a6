"""What can be done with points. Each decision adds to a `Booking`, which `settling.begin` begins.

Every decision is given a key, out of which the keys of all that it posts follow; the same key twice
on one account is refused by whoever saves. Amounts are above zero and have no more decimals than
the program's points (`checked`).

The rules are those of SEMANTICS.md 11.3 to 11.9. Where points are owed, whatever becomes active
fills that first.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty.booking import Booking, Entry
from habitue.loyalty.ledger import Cause, Hold, Kind, Lot, LotsUnread, spending_order
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import HoldUnknown, NotEnoughPoints, WrongPoints
from habitue.loyalty.settling import (
    follow,
    join,
    portions,
    release,
    returned,
    start,
    transferred,
)
from habitue.loyalty.terms import Terms, expiry_from
from habitue.model.numbers import ZERO

#: The published bound of one change.
POINTS_MAX = Decimal("999999999999.99")


def checked(program: LoyaltyProgram, points: Decimal, pointer: str = "/points") -> Decimal:
    """`points`, if that is an amount. Raises `WrongPoints`."""
    if not points.is_finite() or points <= 0:
        raise WrongPoints("an amount of points is above zero", pointer)
    if points > POINTS_MAX:
        raise WrongPoints(f"at most {POINTS_MAX} points are accepted at once", pointer)
    if not program.is_precise(points):
        details = f"points of this program have at most {program.points_scale} decimals"
        raise WrongPoints(details, pointer)
    return points


def earn(booking: Booking, key: UUID, amount: Decimal, terms: Terms, cause: Cause) -> Lot:
    """New points, as one lot of the root that the request names."""
    lot = _new_lot(booking, key, amount, terms, booking.moment, cause)
    entries = [Entry(lot.root_id, "issued", -amount), Entry(lot.root_id, "open", amount, key)]
    _book_lot(booking, lot, "earn", entries, cause)
    if booking.program.join_policy == "points_earned":
        join(booking)
    return lot


def deduct(booking: Booking, key: UUID, amount: Decimal, cause: Cause) -> None:
    """Points are spent, in the order of `spending_order`. Raises `NotEnoughPoints`."""
    entries = []
    for lot, part in _affordable(booking, amount):
        entries.append(Entry(lot.root_id, "open", -part, lot.key))
        entries.append(Entry(lot.root_id, "spent", part, lot.key))
    booking.book(key, "spend", entries, cause)


def activate(booking: Booking, key: UUID, lot: Lot, cause: Cause) -> Lot:
    """Points that await an action become active now, and are given their end."""
    expiry = lot.expiry
    if lot.validity:
        expiry = expiry_from(booking.program, booking.moment, lot.validity)
    active = msgspec.structs.replace(lot, start=booking.moment, expiry=expiry)
    booking.put_lot(active)
    still = Entry(lot.root_id, "open", -lot.remaining, lot.key)
    moved = msgspec.structs.replace(still, amount=lot.remaining)
    booking.book(key, "activate", [still, moved], cause, start=active.start, expiry=expiry)
    start(booking, active)
    return active


def hold(
    booking: Booking,
    key: UUID,
    amount: Decimal,
    expires: datetime | None,
    cause: Cause,
) -> None:
    """Points are kept under that key until they are posted or voided, or their time is over.

    Raises `NotEnoughPoints`.
    """
    entries = []
    for lot, part in _affordable(booking, amount):
        entries.append(Entry(lot.root_id, "open", -part, lot.key))
        entries.append(Entry(lot.root_id, "held", part, lot.key))
        booking.put_hold(Hold(key, lot.key, lot.root_id, part, expires))
    booking.book(key, "hold", entries, cause)


def post_hold(booking: Booking, key: UUID, hold_key: UUID, amount: Decimal, cause: Cause) -> None:
    """So much of what is held is spent, the rest goes back. Raises `HoldUnknown`,
    `NotEnoughPoints`."""
    held = _held(booking, hold_key)
    available = sum((each.amount for each in held), ZERO)
    if amount > available:
        raise NotEnoughPoints(amount, available)
    entries, left = [], amount
    for each in held:
        part = min(each.amount, left)
        left -= part
        entries.append(Entry(each.root_id, "held", -part, each.lot))
        entries.append(Entry(each.root_id, "spent", part, each.lot))
    booking.book(key, "post_hold", entries, cause)
    for each in held:
        spent = sum((e.amount for e in entries if e.place == "spent" and e.lot == each.lot), ZERO)
        _release_rest(booking, msgspec.structs.replace(each, amount=each.amount - spent), cause)
    follow(booking, key)


def void_hold(booking: Booking, key: UUID, hold_key: UUID, cause: Cause) -> None:
    """What is held goes back to its lots. Raises `HoldUnknown`."""
    for each in _held(booking, hold_key):
        release(booking, each, booking.derived(key, str(each.lot)), "release_hold", cause)
    follow(booking, key)


def take_back(booking: Booking, key: UUID, lot_key: UUID, amount: Decimal, cause: Cause) -> Decimal:
    """An addition is rolled back, by the return policy of the program; how much of it was.

    What of the lot has expired, was taken back before or deleted, is not taken back again.
    """
    lot = booking.lots[lot_key]
    wanted = ZERO if lot.deleted else min(amount, lot.amount - lot.taken - lot.expired)
    entries = _taken(booking, lot, wanted)
    taken = sum((entry.amount for entry in entries if entry.place == "voided"), ZERO)
    if taken:
        lot = booking.lots[lot_key]
        booking.put_lot(msgspec.structs.replace(lot, taken=lot.taken + taken))
        negative = any(entry.place == "debt" for entry in entries)
        booking.book(key, "take_back", entries, cause, negative=negative)
    return taken


def reimburse(
    booking: Booking,
    key: UUID,
    spent: Sequence[tuple[UUID, Decimal]],
    cause: Cause,
) -> None:
    """Points that were spent out of those lots go back to them; what is over by now expires."""
    entries = []
    spent = [each for each in spent if not booking.lots[each[0]].deleted]
    for lot_key, amount in spent:
        lot = booking.lots[lot_key]
        entries.append(Entry(lot.root_id, "spent", -amount, lot_key))
        entries += returned(booking, lot, amount)
    lots = [booking.lots[lot_key] for lot_key, _ in spent]
    first = min(lots, key=spending_order, default=None)
    terms = {"start": first.start, "expiry": first.expiry} if first else {}
    booking.book(key, "reimburse", entries, cause, **terms)
    follow(booking, key)


def change_expiry(
    booking: Booking, key: UUID, lot: Lot, expiry: datetime | None, cause: Cause
) -> None:
    """A lot that is not over ends at another moment, which lies ahead."""
    booking.put_lot(msgspec.structs.replace(lot, expiry=expiry))
    still = Entry(lot.root_id, "open", -lot.remaining, lot.key)
    moved = msgspec.structs.replace(still, amount=lot.remaining)
    booking.book(key, "change_expiry", [still, moved], cause, start=lot.start, expiry=expiry)


def transfer(booking: Booking, to: Booking, key: UUID, amount: Decimal, cause: Cause) -> None:
    """Active points go to another owner, and keep their start and end. Raises
    `NotEnoughPoints`."""
    entries = []
    for lot, part in _affordable(booking, amount):
        entries.append(Entry(lot.root_id, "open", -part, lot.key))
        entries.append(Entry(lot.root_id, "transferred", part))
        _arrive(to, to.derived(key, str(lot.key)), lot, part, cause)
    booking.book(key, "transfer", entries, cause)


def delete_all(booking: Booking, key: UUID, cause: Cause) -> None:
    """Everything that was ever posted is reversed: all balances are zero, holds are gone. Raises
    `LotsUnread`."""
    if booking.before.unread is not None:
        raise LotsUnread
    lots = list(booking.lots.values())
    entries = [Entry(lot.root_id, "open", -lot.remaining, lot.key) for lot in lots]
    for root_id, account in booking.accounts.items():
        for place, amount in account.totals.items():
            if place != "open":
                entries.append(Entry(root_id, place, -amount))
    booking.book(key, "delete", entries, cause)
    booking.holds.clear()
    for lot in lots:
        booking.put_lot(msgspec.structs.replace(lot, remaining=ZERO, deleted=True))


def _new_lot(
    booking: Booking,
    key: UUID,
    amount: Decimal,
    terms: Terms,
    created: datetime,
    cause: Cause,
) -> Lot:
    booking.account(booking.before.root_id)
    lot = Lot(
        key=key,
        root_id=booking.before.root_id,
        amount=amount,
        remaining=ZERO,
        created=created,
        start=terms.start,
        expiry=terms.expiry,
        validity=terms.validity,
        session_id=cause.session_id,
    )
    booking.put_lot(lot)
    return lot


def _book_lot(
    booking: Booking, lot: Lot, kind: Kind, entries: Sequence[Entry], cause: Cause
) -> None:
    booking.book(
        lot.key,
        kind,
        entries,
        cause,
        start=lot.start,
        expiry=lot.expiry,
        validity=lot.validity,
        awaits=lot.start is None,
    )
    if lot.is_active(booking.moment):
        start(booking, booking.lots[lot.key])


def _arrive(to: Booking, key: UUID, lot: Lot, part: Decimal, cause: Cause) -> None:
    terms = Terms(lot.start, lot.expiry)
    new = _new_lot(to, key, part, terms, lot.created, cause)
    entries = [Entry(new.root_id, "transferred", -part), Entry(new.root_id, "open", part, key)]
    _book_lot(to, new, "transfer", entries, cause)


def _affordable(booking: Booking, amount: Decimal) -> list[tuple[Lot, Decimal]]:
    if amount > booking.active:
        raise NotEnoughPoints(amount, booking.active)
    return list(booking.spendable(amount))


def _held(booking: Booking, key: UUID) -> list[Hold]:
    held = [each for each in booking.holds.values() if each.key == key]
    if not held:
        raise HoldUnknown(key)
    return sorted(held, key=lambda each: spending_order(booking.lots[each.lot]))


def _release_rest(booking: Booking, rest: Hold, cause: Cause) -> None:
    if not rest.amount:
        booking.drop_hold(rest)
        return
    key = booking.derived(rest.key, f"rest {rest.lot}")
    release(booking, rest, key, "release_hold", cause)


def _taken(booking: Booking, lot: Lot, wanted: Decimal) -> list[Entry]:
    """What gives the points that are taken back: the lot itself, then what the policy allows."""
    policy = booking.program.return_policy
    active = lot.is_active(booking.moment)
    if policy == "only_pending" and active:
        return []
    lots = [lot] if lot.remaining and not lot.is_over(booking.moment) else []
    entries = []
    own = list(portions(lots, wanted))
    left = wanted - sum((part for _, part in own), ZERO)
    others = booking.spendable(left, lot.key) if policy != "only_pending" else ()
    for each, part in [*own, *others]:
        wanted -= part
        entries.append(Entry(each.root_id, "open", -part, each.key))
        entries += transferred(each.root_id, lot.root_id, part)
        entries.append(Entry(lot.root_id, "voided", part))
    if policy == "unlimited" and wanted:
        entries += [Entry(lot.root_id, "debt", -wanted), Entry(lot.root_id, "voided", wanted)]
    return entries
