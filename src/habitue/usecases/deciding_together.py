"""Deciding several requests about the points of one owner upon one reading, one after the other.

Each is decided upon what those before it have left, at its own moment, and refused by itself. What
all of them come to is one decision about each ledger, which is saved as a whole.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from habitue.loyalty.ledger import LedgerDecision, LotsUnread
from habitue.model.errors import Refusal
from habitue.usecases.points_state import PointsState

#: Says what happens to which ledgers, and what the caller is told.
Decide: TypeAlias = Callable[[PointsState], tuple[Sequence[LedgerDecision], Any]]


class Request(msgspec.Struct, frozen=True):
    """What one caller wants, at a moment; `depths` are how many lots to read at first, then, and
    then."""

    now: datetime
    decide: Decide
    depths: tuple[int | None, ...]


def decided_together(
    state: PointsState, requests: Sequence[Request]
) -> tuple[list[LedgerDecision], list[object]]:
    """What happens to the ledgers, and for each request its result or its refusal.

    Raises `LotsUnread` where any of them does.
    """
    decided: dict[str, LedgerDecision] = {}
    outcomes: list[object] = []
    for request in requests:
        left = {name: each.after for name, each in decided.items()}
        own = msgspec.structs.replace(state, now=request.now, ledgers={**state.ledgers, **left})
        try:
            decisions, result = request.decide(own)
        except LotsUnread:
            raise
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        for decision in decisions:
            name = decision.after.subledger
            decided[name] = _followed(decided.get(name), decision)
        outcomes.append(result)
    return list(decided.values()), outcomes


def _followed(first: LedgerDecision | None, second: LedgerDecision) -> LedgerDecision:
    """Two decisions as one; they may end where they began, and are told all the same."""
    if first is None:
        return second
    return LedgerDecision(
        first.before,
        second.after,
        first.sets + second.sets,
        first.tier_changes + second.tier_changes,
        brought=not (first.is_empty and second.is_empty),
    )
