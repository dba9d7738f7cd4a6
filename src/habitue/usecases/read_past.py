"""A ledger as of another moment than now: as it was, or as it will be if nothing is done.

What was is what the postings and the history of tiers up to then say. What will be is what the
present comes to by itself.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.loyalty.ledger import NOTHING, Account, Hold, Ledger, Lot, Place
from habitue.loyalty.settling import begin, settled
from habitue.loyalty.tier import TierState, expiry_of
from habitue.model.documents import decoder_of
from habitue.model.numbers import EXACT, ZERO
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_past import LotEntry, as_of, entries_of_lots
from habitue.store.loyalty_reading import LotRow, PointsOrder, PointsPage, PointsStatus
from habitue.usecases.change_points import read_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop


class PastLedger(msgspec.Struct, frozen=True):
    """What the postings up to a moment come to."""

    totals: dict[Place, Decimal]
    lots: list[Lot]
    holds: list[Hold]


class PastTier(msgspec.Struct, frozen=True):
    """A tier that a root entered, or none that it left one for."""

    subledger: str
    root_id: int
    at: datetime
    new_name: str | None
    expiry: datetime | None


_PAST = decoder_of(dict[str, PastLedger])
_TIERS = decoder_of(tuple[PastTier, ...])


async def ledgers_as_of(
    shop: Shop, state: PointsState, names: Iterable[str], subledger: str | None, at: datetime
) -> Mapping[str, Ledger]:
    """The ledgers of those names as of the moment, with the tiers of then, and those of others that
    there were. Raises `LotsUnread`."""
    if at >= state.now:
        return {name: settled(state.ledger(name), state.program, at) for name in names}
    row = await as_of(shop.database, state.customer_id, state.program.id, subledger, at)
    past, tiers = _PAST.decode(row.ledgers), _TIERS.decode(row.tier_changes)
    return {
        name: _brought(state, name, past.get(name, _NOTHING), tiers, at) for name in {*names, *past}
    }


_NOTHING = PastLedger({}, [], [])


def _brought(
    state: PointsState, name: str, past: PastLedger, tiers: Iterable[PastTier], at: datetime
) -> Ledger:
    """A ledger as it was, brought to the moment: what had ended by then may be booked later."""
    root_id = state.root_id
    found = settled(
        Ledger(
            state.program.id,
            name,
            root_id,
            at,
            {root_id: Account(root_id, totals={**NOTHING, **past.totals})},
            {lot.key: msgspec.structs.replace(lot, root_id=root_id) for lot in past.lots},
            tuple(msgspec.structs.replace(hold, root_id=root_id) for hold in past.holds),
            state.anchors,
        ),
        msgspec.structs.replace(state.program, tiers=()),
        at,
    )
    tier = _tier(state, name, tiers, at)
    account = msgspec.structs.replace(found.accounts[root_id], tier=tier)
    return msgspec.structs.replace(found, accounts={root_id: account})


def _tier(
    state: PointsState, name: str, stored: Iterable[PastTier], at: datetime
) -> TierState | None:
    """The highest tier that one of the roots was in. Of what was never booked, the present ledger
    knows."""
    changes = [each for each in stored if each.subledger == name]
    changes += [
        PastTier(name, each.root_id, each.at, each.new_name, each.expiry)
        for each in begin(state.ledger(name), state.program, state.now).tier_changes
        if each.at <= at
    ]
    last = {each.root_id: each for each in sorted(changes, key=lambda each: each.at)}
    found = [
        (tier.min_points, _state_in(state, change, tier.id, at))
        for change in last.values()
        for tier in state.program.tiers
        if tier.name == change.new_name
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def _state_in(state: PointsState, change: PastTier, tier_id: int, at: datetime) -> TierState:
    """A tier that had ended by then without being left was prolonged."""
    expiry = change.expiry
    if expiry is not None and expiry <= at:
        expiry = expiry_of(state.program, change.at, state.anchors, at)
    return TierState(tier_id, change.at, expiry)


async def lots_as_of(
    shop: Shop, query: PointsQuery, owner: object, page: PointsPage, at: datetime
) -> list[LotRow]:
    """The lots of a page as of another moment than its `now`, and one more where there are more.
    `query` names the owner of the page. Raises `NotFound`."""
    state = await read_points(shop, shop.database, query, owner, page.now)
    shown = await ledgers_as_of(shop, state, state.ledgers, None, at)
    wanted = {
        (name, lot.key): (lot, amount)
        for name, ledger in shown.items()
        if page.subledgers is None or name in page.subledgers
        for lot in ledger.lots.values()
        if page.keys is None or lot.key in page.keys
        if (amount := _amount_of(lot, page.status, at))
    }
    keys = [key for _, key in wanted]
    entries = await entries_of_lots(shop.database, page.customer_id, page.program_id, keys)
    rows = [
        _row(entry, *wanted[entry.subledger, entry.key])
        for entry in entries
        if (entry.subledger, entry.key) in wanted
        if page.session_keys is None or entry.session_key in page.session_keys
    ]
    rows.sort(key=_order(page.order), reverse=page.order.startswith("-"))
    return rows[page.skip : page.skip + page.limit + 1]


def _amount_of(lot: Lot, status: PointsStatus, at: datetime) -> Decimal:
    """What the lot has of that status: of one that is over what ended unused, else what is left."""
    if lot.is_over(at):
        return EXACT.add(lot.remaining, lot.expired) if status == "expired" else ZERO
    return lot.remaining if status == ("active" if lot.is_active(at) else "pending") else ZERO


def _row(entry: LotEntry, lot: Lot, amount: Decimal) -> LotRow:
    return LotRow(
        entry.id,
        lot.key,
        lot.created,
        entry.session_key,
        entry.name,
        lot.start,
        lot.expiry,
        entry.subledger,
        amount,
        lot.validity,
    )


def _order(order: PointsOrder) -> Callable[[LotRow], tuple[bool, datetime, int]]:
    """What has no such date comes last."""

    def place(row: LotRow) -> tuple[bool, datetime, int]:
        date = row.start if order.endswith("start") else row.expiry
        return date is None, date or row.created, row.id

    return place
