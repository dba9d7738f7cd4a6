"""The order of a cart's lines decides about nothing but the places that effects name.

Where a discount that is spread does not divide, the smallest share is the only thing that goes by
order: the last unit takes what is left over, whichever it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.numbers import EXACT
from habitue.promotions.decide import State
from habitue.promotions.effects import Effect, SetDiscountPerItem
from habitue.promotions.session import SessionUpdate
from tests.promotions.programs import (
    LIMITS,
    RECIPES,
    STATES,
    UPDATES,
    Recipe,
    decided,
    numbered,
    program_of,
)

#: The remainder of a discount that is spread over the units of the largest cart.
REMAINDER = Decimal("1E-8")


def placed(effects: Sequence[Effect], lines: Sequence[int]) -> Iterator[tuple[Any, Decimal]]:
    """What is given and how much, with the places that lines had before they were put in order."""
    for effect in effects:
        outcome = effect.outcome
        value = Decimal(0)
        if isinstance(outcome, SetDiscountPerItem):
            line = lines[outcome.position]
            name = outcome.name.partition("#")[0]
            value = outcome.value
            outcome = msgspec.structs.replace(outcome, name=name, position=line, value=Decimal(0))
        yield (effect.campaign_id, effect.rule_index, effect.coupon_id, str(outcome)), value


@settings(max_examples=80, deadline=None)
@given(RECIPES, LIMITS, STATES, UPDATES, st.randoms(use_true_random=False))
def test_lines_in_another_order_get_the_same(
    recipes: list[Recipe], limits: Any, state: State, sent: SessionUpdate, chance: Any
) -> None:
    program = program_of(numbered(recipes), limits)
    state = msgspec.structs.replace(state, stored=None)
    items = sent.cart_items or ()
    order = list(range(len(items)))
    chance.shuffle(order)
    shuffled = msgspec.structs.replace(sent, cart_items=tuple(items[each] for each in order))
    found = []
    for update, lines in ((sent, range(len(items))), (shuffled, order)):
        decision = decided(program, state, update)
        given_: dict[Any, Decimal] = defaultdict(Decimal)
        with localcontext(EXACT):  # shares of 28 digits, which the usual context would round anew
            for what, value in placed(decision.effects, lines):
                given_[what] += value
        assert decision.session.integration_id == "s1"
        found.append((given_, decision))
    (as_sent, first), (as_shuffled, second) = found
    assert as_sent.keys() == as_shuffled.keys()
    assert all(abs(as_sent[each] - as_shuffled[each]) < REMAINDER for each in as_sent)
    with localcontext(EXACT):
        assert sum(as_sent.values()) == sum(as_shuffled.values())
    assert first.total_sales_change == second.total_sales_change
    assert [each.code for each in first.redeemed] == [each.code for each in second.redeemed]
    assert first.owner_attributes == second.owner_attributes
