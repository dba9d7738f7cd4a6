"""The condition that asks what budgets leave."""

from decimal import Decimal
from typing import get_args

from habitue.promotions.campaign import LimitedAction
from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import BOOLEAN, NUMBER, STRING

_ACTIONS: frozenset[str] = frozenset(get_args(LimitedAction))


def check_budget(frame: Evaluation, action: str, value: Decimal | None = None) -> bool:
    """Whether the budgets of the campaign leave `value` for that action, or anything at all."""
    if action not in _ACTIONS:
        raise RuleFailed(f"{action!r} is no action that can be limited")
    left = frame.remaining(action)
    if left is None:
        return True
    return left > 0 if value is None else left >= value


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "checkBudget",
        (("action", STRING), ("value", NUMBER)),
        BOOLEAN,
        check_budget,
        optional=1,
        description="Whether budgets of the campaign leave anything, or enough for the value.",
    ),
)
