"""Bringing a ledger to a moment: everything that happens by itself until then, in its order.

Lots end, holds run out, points become active and fill what is owed, tiers are raised and reviewed.
Each of these happens at its own moment and under a key that follows from what it is about, so it
comes to the same whether it is found by the next request, by a job, or by a job a week later.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import NamedTuple
from uuid import UUID

import msgspec

from habitue.loyalty.booking import Booking, Entry
from habitue.loyalty.ledger import Cause, Hold, Kind, Ledger, Lot, LotsUnread
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.tier import TierState, reviewed, upgraded

#: Nobody did it: time has passed.
BY_TIME = Cause()

# What happens first at one moment: points end before anything else looks at them, and tiers are
# reviewed last.
_ENDS, _RELEASES, _STARTS, _REVIEWS = range(4)


class Event(NamedTuple):
    """Something that happens by itself; `about` is the key of a lot or hold, or a root."""

    at: datetime
    order: int
    about: str


def begin(ledger: Ledger, program: LoyaltyProgram, now: datetime) -> Booking:
    """A booking on the ledger as it is at `now`. Raises `LotsUnread`."""
    booking = Booking(ledger, program)
    change = None if ledger.unread is None else ledger.unread.next_change
    if change is not None and change <= now:
        raise LotsUnread
    if len(ledger.accounts) > 1:
        _bring_together(booking)
    until = max(now, ledger.moment)
    events = list(_events(ledger, until))
    heapify(events)
    while events:
        event = heappop(events)
        booking.advance(event.at)
        quiet_until = events[0].at if events else until
        before = {root_id: each.tier for root_id, each in booking.accounts.items()}
        _happen(booking, event, quiet_until)
        for root_id, account in booking.accounts.items():
            if account.tier != before.get(root_id):
                for review in _review_of(root_id, account.tier, until, event.at):
                    heappush(events, review)
    booking.advance(until)
    return booking


def _bring_together(booking: Booking) -> None:
    """What being joined brings: the points of one pay what another owes, and count for the tier."""
    active = booking.ledger.active_lots()
    if booking.debt and active:
        fill_debt(booking, booking.derived(active[0].key, booking.moment.isoformat()))
    raise_tier(booking)


def settled(ledger: Ledger, program: LoyaltyProgram, now: datetime) -> Ledger:
    """The ledger as it is at `now`."""
    return begin(ledger, program, now).ledger


def follow(booking: Booking, key: UUID) -> None:
    """What every change of the active points brings: debts are filled, and tiers are raised."""
    fill_debt(booking, key)
    raise_tier(booking)


def fill_debt(booking: Booking, key: UUID) -> None:
    """Active points go to what is owed, also to what another root of the customer owes."""
    for root_id, account in sorted(booking.accounts.items()):
        owed = -account.totals["debt"]
        if not owed:
            continue
        entries = []
        for lot, amount in booking.spendable(owed):
            entries.append(Entry(lot.root_id, "open", -amount, lot.key))
            entries.append(Entry(root_id, "debt", amount))
            entries += transferred(lot.root_id, root_id, amount)
        if entries:
            word = f"fill {root_id}"
            booking.book(booking.derived(key, word), "fill_debt", entries, BY_TIME)


def raise_tier(booking: Booking) -> None:
    """The owner enters a higher tier as soon as the active points reach it."""
    if not booking.program.tiers:
        return
    root_id, state = standing_tier(booking)
    new = upgraded(booking.program, state, booking.active, booking.moment, booking.anchors)
    if new != state:
        booking.set_tier(root_id, new, "upgrade")


def standing_tier(booking: Booking) -> tuple[int, TierState | None]:
    """The tier that counts, the highest of those that the roots have, and whose it is."""
    found: list[tuple[Decimal, int, TierState]] = []
    for root_id, account in booking.accounts.items():
        tier = None if account.tier is None else booking.program.tier_of(account.tier.tier_id)
        if tier is not None and account.tier is not None:
            found.append((tier.min_points, -root_id, account.tier))
    if not found:
        return booking.before.root_id, None
    _, root, state = max(found, key=lambda each: each[:2])
    return -root, state


def current_tier(booking: Booking) -> tuple[Tier | None, TierState | None]:
    """The tier that counts, with its dates."""
    _, state = standing_tier(booking)
    return (None if state is None else booking.program.tier_of(state.tier_id)), state


def release(booking: Booking, hold: Hold, key: UUID, kind: Kind, cause: Cause) -> None:
    """Held points go back to their lot, or, where its time is over, expire."""
    lot = booking.lots[hold.lot]
    entries = [Entry(hold.root_id, "held", -hold.amount, hold.lot)]
    entries += returned(booking, lot, hold.amount)
    booking.book(key, kind, entries, cause)
    booking.drop_hold(hold)


def returned(booking: Booking, lot: Lot, amount: Decimal) -> list[Entry]:
    """How an amount comes back to its lot."""
    if not lot.is_over(booking.moment):
        return [Entry(lot.root_id, "open", amount, lot.key)]
    booking.put_lot(msgspec.structs.replace(lot, expired=lot.expired + amount))
    return [Entry(lot.root_id, "expired", amount)]


def portions(lots: list[Lot], wanted: Decimal) -> Iterator[tuple[Lot, Decimal]]:
    """What each of the lots gives, in their order, until it is enough or they are empty."""
    for lot in lots:
        if not wanted:
            return
        amount = min(lot.remaining, wanted)
        wanted -= amount
        yield lot, amount


def transferred(from_root: int, to_root: int, amount: Decimal) -> list[Entry]:
    """What makes the sets of both roots sum to zero where points of one go to the other."""
    if from_root == to_root:
        return []
    return [Entry(from_root, "transferred", amount), Entry(to_root, "transferred", -amount)]


def _events(ledger: Ledger, until: datetime) -> Iterator[Event]:
    """What is known to happen after the ledger's moment (ends: also what was due before)."""
    held = {hold.lot for hold in ledger.holds}
    for lot in ledger.lots.values():
        # what is held may come back before its lot ends
        may_end = lot.remaining or lot.key in held
        if may_end and lot.expiry is not None and lot.expiry <= until:
            yield Event(max(lot.expiry, ledger.moment), _ENDS, str(lot.key))
        if lot.remaining and lot.start is not None and ledger.moment < lot.start <= until:
            yield Event(lot.start, _STARTS, str(lot.key))
    for hold in ledger.holds:
        if hold.expires is not None and hold.expires <= until:
            yield Event(max(hold.expires, ledger.moment), _RELEASES, str(hold.key))
    for root_id, account in ledger.accounts.items():
        yield from _review_of(root_id, account.tier, until, ledger.moment)


def _review_of(
    root_id: int, state: TierState | None, until: datetime, moment: datetime
) -> Iterator[Event]:
    if state is not None and state.expiry is not None and state.expiry <= until:
        yield Event(max(state.expiry, moment), _REVIEWS, str(root_id))


def _happen(booking: Booking, event: Event, quiet_until: datetime) -> None:
    if event.order == _ENDS:
        _end(booking, booking.lots[UUID(event.about)])
    elif event.order == _RELEASES:
        _run_out(booking, UUID(event.about))
    elif event.order == _STARTS:
        start(booking, booking.lots[UUID(event.about)])
    else:
        _review(booking, int(event.about), quiet_until)


def _run_out(booking: Booking, hold_key: UUID) -> None:
    for hold in [each for each in booking.holds.values() if each.key == hold_key]:
        key = booking.derived(hold_key, f"release {hold.lot}")
        release(booking, hold, key, "release_hold", BY_TIME)
    follow(booking, booking.derived(hold_key, "release"))


def start(booking: Booking, lot: Lot) -> None:
    """What it brings that the points of a lot can be spent from now on."""
    if booking.program.join_policy == "points_activated":
        join(booking)
    if booking.debt:
        fill_debt(booking, booking.derived(lot.key, "start"))
    raise_tier(booking)


def join(booking: Booking) -> None:
    """The owner joins the program, unless that has happened."""
    if booking.anchors.joined is None:
        booking.anchors = msgspec.structs.replace(booking.anchors, joined=booking.moment)


def _end(booking: Booking, lot: Lot) -> None:
    if not lot.remaining:
        return
    booking.put_lot(msgspec.structs.replace(lot, expired=lot.expired + lot.remaining))
    entries = [
        Entry(lot.root_id, "open", -lot.remaining, lot.key),
        Entry(lot.root_id, "expired", lot.remaining),
    ]
    key = booking.derived(lot.key, "expire")
    booking.book(key, "expire", entries, BY_TIME, start=lot.start, expiry=lot.expiry)


def _review(booking: Booking, root_id: int, quiet_until: datetime) -> None:
    state = booking.accounts[root_id].tier
    if state is None or state.expiry is None or state.expiry > booking.moment:
        return
    new = reviewed(
        booking.program,
        state,
        booking.active,
        booking.moment,
        booking.anchors,
        max(quiet_until, booking.moment),
    )
    booking.set_tier(root_id, new, "downgrade")
