"""Rewards against what is left of a budget: all of it, a part of it, or nothing.

Words: a reward is *wanted* by a formula, and of its budgets so much *remains*. With *partial*
rewards as much is given as remains, and the effect names what was wanted; without, all of it is
asked for. Where nothing remains all of it is asked for as well, so that the budget itself refuses
it and the rule fails (contracts/talon_one/SEMANTICS.md section 4.6).
"""

from decimal import Decimal

import msgspec


class Reward(msgspec.Struct, frozen=True):
    """What to give. `desired` is what was wanted, None where rewards cannot be partial."""

    value: Decimal
    desired: Decimal | None = None


def reward(wanted: Decimal, remaining: Decimal | None, *, partial: bool) -> Reward:
    """The reward for a wanted value and a remaining one; None of that is boundless."""
    if not partial:
        return Reward(wanted)
    if remaining is None or remaining <= 0:
        return Reward(wanted, wanted)
    return Reward(min(wanted, remaining), wanted)
