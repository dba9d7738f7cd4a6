"""The other usual case of points: a customer spends some, and nothing else happens.

It is read and saved as what is earned is (`usecases.points_earned`), by `store.loyalty_spending`.
What is not the usual case is told as None here, and goes the way of all points
(`usecases.points_state`).
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty.ledger import LedgerDecision, Lot, PostingSet, next_change, total
from habitue.model.documents import encode
from habitue.model.numbers import EXACT
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_spending import Spending
from habitue.usecases.points_state import PointsState


class _Part(msgspec.Struct, frozen=True):
    lot: UUID
    amount: Decimal


def is_usual(query: PointsQuery) -> bool:
    """Whether one ledger of a customer is asked for, and nothing that is in it."""
    named = query.profile_key is not None or query.fresh is not None
    return named and query.card is None and query.subledger is not None and not query.keys


def spending_of(state: PointsState, decisions: Sequence[LedgerDecision]) -> Spending | None:
    """What was decided, if it is the usual case."""
    if not state.is_unjoined or len(decisions) != 1:
        return None
    (decision,) = decisions
    posted, after = _only_set(decision), decision.after
    if posted is None or {state.customer_id, state.root_id, *after.accounts} != {posted.root_id}:
        return None
    parts = _parts(decision, posted)
    account = after.accounts[posted.root_id]
    if not parts or not account.version:
        return None
    return Spending(
        customer_id=state.customer_id,
        customer_version=state.customer_version,
        root_id=posted.root_id,
        booked=state.now,
        program_id=after.program_id,
        subledger=after.subledger,
        version=account.version,
        tier=None if account.tier is None else encode(account.tier),
        moment=after.moment,
        next_change=next_change(after),
        active=after.active(posted.root_id),
        key=posted.key,
        amount=total(each.amount for each in parts),
        parts=encode(parts),
        cause=encode(posted.cause),
    )


def _only_set(decision: LedgerDecision) -> PostingSet | None:
    """The set that was posted, if it only spends and is all that was decided."""
    before, after = decision.before, decision.after
    if len(decision.sets) != 1 or decision.tier_changes:
        return None
    if before.holds != after.holds or before.anchors != after.anchors:
        return None
    (posted,) = decision.sets
    spent = PostingSet(
        posted.key, posted.root_id, "spend", after.moment, posted.postings, posted.cause
    )
    return posted if posted == spent else None


def _parts(decision: LedgerDecision, posted: PostingSet) -> list[_Part] | None:
    """What each lot gave, in the order in which they did; None where anything else is there."""
    parts = list(_taken(posted))
    moved = [(each.place, each.amount, each.lot) for each in posted.postings]
    wanted = [
        entry
        for each in parts
        for entry in (("open", -each.amount, each.lot), ("spent", each.amount, each.lot))
    ]
    before, after = decision.before.lots, decision.after.lots
    left = {each.lot: _left(before.get(each.lot), each, posted.root_id) for each in parts}
    if moved != wanted or len(left) != len(parts) or after != {**before, **left}:
        return None
    return parts


def _taken(posted: PostingSet) -> Iterator[_Part]:
    for each in posted.postings:
        if each.place == "spent" and each.lot is not None:
            yield _Part(each.lot, each.amount)


def _left(lot: Lot | None, part: _Part, root_id: int) -> Lot | None:
    """The lot without that part; None where it is not one of that root."""
    if lot is None or lot.root_id != root_id or part.amount <= 0:
        return None
    return msgspec.structs.replace(lot, remaining=EXACT.subtract(lot.remaining, part.amount))
