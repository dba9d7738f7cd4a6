"""Taking progress in achievements back: each effect that made some, and what is left in the end. No
return touches it, and an iteration that has started stays."""

from collections.abc import Mapping

from habitue.promotions.effects import (
    Effect,
    IncreaseAchievementProgress,
    RollbackAchievementProgress,
)
from habitue.promotions.rollback.reversal import Giving, Reversal


def _increased(
    outcome: IncreaseAchievementProgress, _effect: Effect, giving: Giving
) -> RollbackAchievementProgress | None:
    left = giving.decreased.get(outcome.iteration_id)
    if left is None:
        return None
    return RollbackAchievementProgress(
        outcome.achievement_id,
        outcome.name,
        outcome.iteration_id,
        outcome.target,
        decreased_by=outcome.delta,
        value=left,
    )


def _is_whole(outcome: IncreaseAchievementProgress, giving: Giving) -> bool:
    return outcome.iteration_id in giving.decreased


REVERSALS: Mapping[type, Reversal] = {
    IncreaseAchievementProgress: Reversal(_increased, is_whole=_is_whole, at_returns=False),
}
