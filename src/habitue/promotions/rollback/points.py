"""Taking points back. How much of each transaction goes or comes is the ledger's to decide: this
only tells it, one effect for each transaction of which something was taken back."""

from collections.abc import Mapping

from habitue.promotions.effects import (
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    Effect,
    RollbackAddedPoints,
    RollbackDeductedPoints,
)
from habitue.promotions.rollback.reversal import Giving, Reversal


def _added(
    outcome: AddLoyaltyPoints, _effect: Effect, giving: Giving
) -> RollbackAddedPoints | None:
    undone = giving.undone.get(outcome.key)
    if undone is None or not undone.amount:
        return None
    return RollbackAddedPoints(
        program_id=outcome.program_id,
        subledger=outcome.subledger,
        value=undone.amount,
        key=outcome.key,
        recipient=outcome.recipient,
        card=outcome.card,
        owner=outcome.owner,
        position=outcome.position,
        sub_position=outcome.sub_position,
    )


def _deducted(
    outcome: DeductLoyaltyPoints, _effect: Effect, giving: Giving
) -> RollbackDeductedPoints | None:
    undone = giving.undone.get(outcome.key)
    if undone is None or not undone.amount:
        return None
    return RollbackDeductedPoints(
        program_id=outcome.program_id,
        subledger=outcome.subledger,
        value=undone.amount,
        key=outcome.key,
        recipient=outcome.recipient,
        card=outcome.card,
        owner=outcome.owner,
        start=undone.start,
        expiry=undone.expiry,
    )


def _unit(outcome: AddLoyaltyPoints) -> tuple[int, int] | None:
    if outcome.position is None or outcome.sub_position is None:
        return None
    return outcome.position, outcome.sub_position


def _apart_from_key(outcome: AddLoyaltyPoints | DeductLoyaltyPoints) -> object:
    return tuple(getattr(outcome, name) for name in outcome.__struct_fields__ if name != "key")


def _is_whole(outcome: AddLoyaltyPoints | DeductLoyaltyPoints, giving: Giving) -> bool:
    undone = giving.undone.get(outcome.key)
    return undone is not None and undone.amount >= outcome.value


REVERSALS: Mapping[type, Reversal] = {
    AddLoyaltyPoints: Reversal(_added, _unit, _apart_from_key, _is_whole),
    DeductLoyaltyPoints: Reversal(_deducted, identity=_apart_from_key, is_whole=_is_whole),
}
