"""The frame of one evaluation: what every compiled expression is handed.

A host subclasses `Frame` and adds the attributes that its dialect's variables name. A frame is used
for one evaluation by one thread. `steps_left` is the budget: list functions and everything whose
result can grow charge it, so that no ruleset can hang the server or fill its memory.
"""

from datetime import datetime, tzinfo
from typing import Any

from habitue.model.limits import EVALUATION_STEPS_MAX


class RuleFailed(Exception):
    """An expression has no value: it reads something unset, or its arguments do not fit.

    `catch` and `.|` turn it into their default; elsewhere it fails the rule, never the request.
    """


class StepsExhausted(Exception):
    """The evaluation did more work than it may; `catch` does not catch this."""


#: Everything by which an evaluation of a compiled expression can end without a value.
FAILURES = (RuleFailed, StepsExhausted, ArithmeticError)


class Frame:
    """State of one evaluation: the clock, the zone, the step budget and the bound names."""

    __slots__ = ("bindings", "now", "steps_left", "zone")

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self.now = now
        self.zone = zone
        self.steps_left = EVALUATION_STEPS_MAX
        self.bindings: dict[str, Any] = {}

    def charge(self, steps: int) -> None:
        """Spend `steps` of the budget. Raises `StepsExhausted` when it is used up."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise StepsExhausted
