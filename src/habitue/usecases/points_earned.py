"""The usual case of points: a customer earns a lot, and nothing else happens.

Reading and saving it costs a fraction of what any other decision does, and many customers' are read
and saved together (`store.loyalty_earning`). What is not the usual case is told as None here, and
goes the way of all points (`usecases.points_state`).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.loyalty.ledger import (
    PLACES,
    Account,
    Ledger,
    LedgerDecision,
    Lot,
    PostingSet,
    Unread,
    next_change,
    spending_order,
    total,
)
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.tier import Anchors, TierState, anchors_of
from habitue.model.documents import decode_untyped, decoder_of, encode
from habitue.model.numbers import EXACT
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_earning import CalmRow, Earning
from habitue.store.loyalty_spending import SPENDABLE_MAX
from habitue.usecases.points_state import PointsState

_TIER = decoder_of(TierState)


def is_usual(query: PointsQuery) -> bool:
    """Whether one ledger of a profile is asked for, and nothing that is in it."""
    named = query.profile_key is not None and query.card is None
    return named and query.subledger is not None and not query.keys


def calm_state(row: CalmRow, program: LoyaltyProgram, subledger: str, now: datetime) -> PointsState:
    """What was read of a calm ledger, as values: of lots those that were read, and what the others
    come to."""
    attributes = {} if row.attributes is None else decode_untyped(row.attributes)
    anchors = anchors_of(program, attributes, row.member_since)
    ledger = _ledger(row, program, subledger, anchors)
    return PointsState(
        customer_id=row.customer_id,
        customer_version=row.customer_version,
        root_id=row.root_id,
        program=program,
        now=now,
        anchors=anchors,
        ledgers={} if ledger is None else {subledger: ledger},
        is_unjoined=True,
    )


def _ledger(
    row: CalmRow, program: LoyaltyProgram, subledger: str, anchors: Anchors
) -> Ledger | None:
    root_id, version, moment = row.account_root_id, row.account_version, row.moment
    if root_id is None or version is None or moment is None or row.totals is None:
        return None
    *totals, active = row.totals
    tier = None if row.tier is None else _TIER.decode(row.tier)
    lots = [Lot(*msgspec.structs.astuple(each)) for each in row.lots]
    account = Account(root_id, version, dict(zip(PLACES, totals, strict=True)), tier)
    return Ledger(
        program_id=program.id,
        subledger=subledger,
        root_id=row.root_id,
        moment=moment,
        accounts={root_id: account},
        lots={lot.key: lot for lot in lots},
        anchors=anchors,
        unread=_unread(row, lots, root_id, active),
    )


def _unread(row: CalmRow, lots: Sequence[Lot], root_id: int, active: Decimal) -> Unread:
    """What is known of the other lots: all that was read can be spent since the account's moment,
    for nothing has happened since."""
    others = EXACT.subtract(active, total(lot.remaining for lot in lots))
    is_full = len(lots) == SPENDABLE_MAX
    frontier = spending_order(lots[-1]) if is_full else None
    return Unread({root_id: others}, row.lots_change, frontier)


def earning_of(state: PointsState, decisions: Sequence[LedgerDecision]) -> Earning | None:
    """What was decided, if it is the usual case."""
    if not state.is_unjoined or len(decisions) != 1:
        return None
    (decision,) = decisions
    lot = _only_lot(decision)
    roots = {state.customer_id, state.root_id, *decision.after.accounts}
    if lot is None or roots != {lot.root_id}:
        return None
    (posted,), after = decision.sets, decision.after
    account = after.accounts.get(lot.root_id)
    if account is None or not _is_earned(posted, lot, after.moment):
        return None
    return Earning(
        customer_id=state.customer_id,
        customer_version=state.customer_version,
        root_id=lot.root_id,
        booked=state.now,
        program_id=after.program_id,
        subledger=after.subledger,
        version=account.version,
        tier=None if account.tier is None else encode(account.tier),
        moment=after.moment,
        next_change=next_change(after),
        active=after.active(lot.root_id),
        key=lot.key,
        amount=lot.amount,
        start=lot.start,
        expiry=lot.expiry,
        validity=lot.validity,
        cause=encode(posted.cause),
    )


def _only_lot(decision: LedgerDecision) -> Lot | None:
    """The lot that came to be, if that is all that was decided."""
    before, after = decision.before, decision.after
    if len(decision.sets) != 1 or decision.tier_changes or before.holds != after.holds:
        return None
    if before.anchors != after.anchors:
        return None
    changed = [lot for lot in after.lots.values() if lot != before.lots.get(lot.key)]
    return changed[0] if len(changed) == 1 and changed[0].key not in before.lots else None


def _is_earned(posted: PostingSet, lot: Lot, moment: datetime) -> bool:
    """Whether the set makes that lot at the moment, out of nothing but what is issued."""
    earned = PostingSet(
        key=lot.key,
        root_id=lot.root_id,
        kind="earn",
        at=moment,
        postings=posted.postings,
        cause=posted.cause,
        start=lot.start,
        expiry=lot.expiry,
        validity=lot.validity,
        awaits=lot.start is None,
    )
    made = Lot(
        key=lot.key,
        root_id=lot.root_id,
        amount=lot.amount,
        remaining=lot.amount,
        created=moment,
        start=lot.start,
        expiry=lot.expiry,
        validity=lot.validity,
        session_id=posted.cause.session_id,
    )
    moved = [(each.place, each.amount, each.lot) for each in posted.postings]
    issued = [("issued", -lot.amount, None), ("open", lot.amount, lot.key)]
    return posted == earned and lot == made and moved == issued
