"""Returns, decided without a database: which units come back, and what is taken back with them."""

from collections import Counter
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.customer import Customer
from habitue.model.errors import InvalidInput
from habitue.model.numbers import EXACT
from habitue.promotions.coupon import Redemption
from habitue.promotions.decide import Decision, State
from habitue.promotions.decide_return import ReturnCommand, decide_return
from habitue.promotions.effects import (
    AcceptCoupon,
    Effect,
    Outcome,
    RejectCoupon,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
    UpdateAttribute,
)
from habitue.promotions.program import Program
from habitue.promotions.returned import ReturnedLine, ReturnWish, returned_lines
from habitue.promotions.session import Session, SessionUpdate
from tests.building import NOW, item, outcomes
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

DISCOUNTS = (SetDiscount, SetDiscountPerItem, SetDiscountPerAdditionalCost)
CART = [item("tea", 10, 3), item("pot", 20), item("tea", 5, 2)]


def closed(program: Program, state: State, sent: SessionUpdate) -> State:
    """What a request finds after `sent` has closed the session."""
    update = msgspec.structs.replace(sent, state="closed")
    return saved(state, decided(program, state, update))


def saved(state: State, decision: Decision) -> State:
    """What the next request finds."""
    owner = state.owner
    redeemed = {coupon.id for coupon in decision.redeemed}
    with localcontext(EXACT):
        owner = msgspec.structs.replace(
            owner,
            closed_sessions=owner.closed_sessions + decision.closed_sessions_change,
            total_sales=owner.total_sales + decision.total_sales_change,
            attributes=decision.owner_attributes or owner.attributes,
        )
    own = tuple(
        Redemption(coupon.id, coupon.campaign_id, state.session_id, NOW)
        for coupon in decision.redeemed
    )
    return msgspec.structs.replace(
        state,
        stored=decision.session,
        owner=owner,
        coupons={
            code: msgspec.structs.replace(
                coupon, usage_counter=coupon.usage_counter + (coupon.id in redeemed)
            )
            for code, coupon in state.coupons.items()
        },
        redemptions=(*state.redemptions, *own),
    )


def given_back(
    program: Program, state: State, *wishes: ReturnWish, run_rules: bool = False
) -> Decision:
    return decide_return(state, ReturnCommand(1, "s1", wishes, run_rules), program, NOW)


def judged_again(recipes: list[Recipe], limits: Any = ()) -> Program:
    """The program of campaigns that are all evaluated again when something returns."""
    return program_of(numbered(recipes), limits, reevaluate_on_return=True)


def session_of(state: State) -> Session:
    assert state.stored is not None
    return state.stored


def discounts(effects: tuple[Effect, ...]) -> Counter[Effect]:
    return Counter(each for each in effects if isinstance(each.outcome, DISCOUNTS))


def rolled_back(effects: tuple[Effect, ...]) -> Counter[Outcome]:
    return Counter(each.outcome for each in effects if isinstance(each.outcome, RollbackDiscount))


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[int], list[bool]]:
    """The order in which all units might come back, and whether the rules are run each time."""
    order = draw(st.permutations(range(9)))
    runs = draw(st.lists(st.booleans(), min_size=9, max_size=9))
    return list(order), runs


def units_of(session: Session, order: list[int], share: int) -> list[int]:
    """Positions of some units of the cart, one for each unit, in that order."""
    units = [
        position for position, line in enumerate(session.cart_items) for _ in range(line.quantity)
    ]
    return [units[each] for each in order if each < len(units)][:share]


def wishes_of(positions: list[int]) -> list[ReturnWish]:
    return [ReturnWish(each, None, count) for each, count in Counter(positions).items()]


@settings(max_examples=150, deadline=None)
@given(RECIPES, LIMITS, STATES, UPDATES, orders(), st.integers(1, 9))
def test_in_any_partition_as_at_once(
    recipes: list[Recipe],
    limits: Any,
    state: State,
    sent: SessionUpdate,
    order: tuple[list[int], list[bool]],
    share: int,
) -> None:
    program = program_of(numbered(recipes), limits)
    start = closed(program, state, sent)
    positions = units_of(session_of(start), order[0], share)
    if not positions:
        return
    at_once = given_back(program, start, *wishes_of(positions))
    now, taken, sales = start, list[Effect](), Decimal(0)
    for position, run_rules in zip(positions, order[1], strict=False):
        wish = ReturnWish(position, None, 1)
        # no campaign of this program is evaluated again, so that running the rules is idle
        decision = given_back(program, now, wish, run_rules=run_rules)
        taken += decision.effects
        with localcontext(EXACT):
            sales += decision.total_sales_change
        now = saved(now, decision)
    one_by_one = session_of(now)
    assert one_by_one.cart_items == at_once.session.cart_items
    assert one_by_one.effects == at_once.session.effects
    assert Counter(outcomes(taken)) == Counter(outcomes(at_once.effects))
    assert sales == at_once.total_sales_change
    assert now.owner == saved(start, at_once).owner
    assert one_by_one.remaining_totals.total >= 0


@settings(max_examples=150, deadline=None)
@given(RECIPES, LIMITS, STATES, UPDATES, orders(), st.integers(1, 9))
def test_the_books_balance_with_and_without_the_rules(
    recipes: list[Recipe],
    limits: Any,
    state: State,
    sent: SessionUpdate,
    order: tuple[list[int], list[bool]],
    share: int,
) -> None:
    """What was given, less what was taken back, is what stands; nothing is taken back twice."""
    program = judged_again(recipes, limits)
    now = closed(program, state, sent)
    before = session_of(now)
    for position, run_rules in zip(units_of(before, order[0], share), order[1], strict=False):
        stood = discounts(session_of(now).effects)
        decision = given_back(program, now, ReturnWish(position, None, 1), run_rules=run_rules)
        now = saved(now, decision)
        session = session_of(now)
        stands = discounts(session.effects)
        gone = Counter[Outcome](_rollback(each.outcome) for each in (stood - stands).elements())
        assert gone == rolled_back(decision.effects)
        assert stands - stood == discounts(decision.effects)
        assert decision.closed_sessions_change == 0
        assert decision.total_sales_change <= 0
        assert not decision.release
        assert decision.redeemed == ()
        assert _accepted(session) == _accepted(before)
        for outcome in outcomes(session.effects):
            if isinstance(outcome, SetDiscountPerItem):
                line = session.cart_items[outcome.position]
                assert line.returned_quantity <= outcome.sub_position < line.quantity
    assert session_of(now).totals == before.totals
    assert now.owner.total_sales >= state.owner.total_sales


def _rollback(outcome: Outcome) -> Outcome:
    match outcome:
        case SetDiscount(name=name, value=value):
            return RollbackDiscount(name, value)
        case SetDiscountPerItem(name=name, value=value, position=line, sub_position=unit):
            return RollbackDiscount(name, value, line, unit)
        case SetDiscountPerAdditionalCost(
            name=name, value=value, additional_cost_id=cost_id, additional_cost=cost
        ):
            return RollbackDiscount(name, value, additional_cost_id=cost_id, additional_cost=cost)
    raise AssertionError(f"{outcome} is no discount")


def _accepted(session: Session) -> list[Outcome]:
    return [each for each in outcomes(session.effects) if isinstance(each, AcceptCoupon)]


@settings(max_examples=150, deadline=None)
@given(RECIPES, STATES, UPDATES, orders(), st.integers(1, 9))
def test_the_rules_do_not_care_in_how_many_parcels_it_came(
    recipes: list[Recipe],
    state: State,
    sent: SessionUpdate,
    order: tuple[list[int], list[bool]],
    share: int,
) -> None:
    """Whenever the rules were run before: the last run decides about the discounts."""
    still = [
        [(when, [each for each in then if "updateAttribute" not in each]) for when, then in recipe]
        for recipe in recipes
    ]
    program = judged_again(still)
    start = closed(program, state, sent)
    positions = units_of(session_of(start), order[0], share)
    if not positions:
        return
    at_once = given_back(program, start, *wishes_of(positions), run_rules=True)
    now = start
    for index, position in enumerate(positions, 1):
        run_rules = index == len(positions) or order[1][index - 1]
        decision = given_back(program, now, ReturnWish(position, None, 1), run_rules=run_rules)
        now = saved(now, decision)
    assert discounts(session_of(now).effects) == discounts(at_once.session.effects)


@settings(max_examples=150, deadline=None)
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_judging_again_what_has_not_changed_changes_nothing(
    recipes: list[Recipe], limits: Any, state: State, sent: SessionUpdate
) -> None:
    """A free gift comes back: totals are what they were, and so is everything but its discounts.

    Rules that read the state, count units, or read what rules have set are left out.
    """
    words = ("session.state", "updateAttribute", "exists", "every", "count", "PerItem")
    plain = [
        [
            (when, kept)
            for when, then in recipe
            if not any(word in when for word in words)
            and (kept := [each for each in then if not any(word in each for word in words)])
        ]
        for recipe in recipes
    ]
    program = judged_again([recipe for recipe in plain if recipe], limits)
    sent = msgspec.structs.replace(sent, cart_items=(*(sent.cart_items or ()), item("gift", 0)))
    start = closed(program, state, sent)
    last = len(session_of(start).cart_items) - 1
    decision = given_back(program, start, ReturnWish(last), run_rules=True)
    assert decision.effects == ()
    assert decision.session.effects == session_of(start).effects


def lines(*wishes: ReturnWish) -> list[tuple[int, str, int]]:
    found = returned_lines(wishes, CART)
    return [(each.position, each.sku, each.quantity) for each in found]


def test_lines_are_named_by_position_or_by_article() -> None:
    assert lines(ReturnWish(0, None, 2)) == [(0, "tea", 2)]
    assert lines(ReturnWish(0, "tea")) == [(0, "tea", 3)]
    assert lines(ReturnWish(sku="pot")) == [(1, "pot", 1)]
    assert lines(ReturnWish(sku="tea", quantity=4)) == [(0, "tea", 3), (2, "tea", 1)]
    assert lines(ReturnWish(sku="tea")) == [(0, "tea", 3), (2, "tea", 2)]
    assert lines(ReturnWish(2, None, 1), ReturnWish(0, None, 1), ReturnWish(2, None, 1)) == [
        (0, "tea", 1),
        (2, "tea", 2),
    ]


@pytest.mark.parametrize(
    ("wishes", "pointers"),
    [
        ([], [""]),
        ([ReturnWish()], ["/0"]),
        ([ReturnWish(quantity=1)], ["/0"]),
        ([ReturnWish(3)], ["/0/position"]),
        ([ReturnWish(-1)], ["/0/position"]),
        ([ReturnWish(0, "pot")], ["/0/sku"]),
        ([ReturnWish(sku="cup")], ["/0/sku"]),
        ([ReturnWish(0, None, 4)], ["/0/quantity"]),
        ([ReturnWish(sku="tea", quantity=6)], ["/0/quantity"]),
        ([ReturnWish(1), ReturnWish(1)], ["/1/quantity"]),
        ([ReturnWish(0, None, 2), ReturnWish(0, None, 2)], ["/1/quantity"]),
        ([ReturnWish(9), ReturnWish(1), ReturnWish(sku="cup")], ["/0/position", "/2/sku"]),
    ],
)
def test_what_cannot_come_back_is_refused(wishes: list[ReturnWish], pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        returned_lines(wishes, CART)
    assert [fault.pointer for fault in refusal.value.faults] == [
        f"/return/returnedCartItems{pointer}" for pointer in pointers
    ]


def test_a_return_is_on_record() -> None:
    program = program_of({})
    state = State(session_id=12, owner=_maria(), event_id=77)
    state = closed(program, state, SessionUpdate(cart_items=tuple(CART)))
    first = given_back(program, state, ReturnWish(0, None, 2))
    state = msgspec.structs.replace(saved(state, first), event_id=78)
    second = given_back(program, state, ReturnWish(sku="tea"))
    assert second.event_type == "talon_session_partially_returned"
    returns = second.session.returns
    assert returns
    assert [(each.id, each.created, each.lines) for each in returns.made] == [
        (77, NOW, (ReturnedLine(0, "tea", 2),)),
        (78, NOW, (ReturnedLine(0, "tea", 1), ReturnedLine(2, "tea", 2))),
    ]
    assert [line.returned_quantity for line in second.session.cart_items] == [3, 0, 2]
    assert [line.remaining_quantity for line in second.session.cart_items] == [0, 1, 0]
    assert second.session.update_count == 3
    assert [each.total_sales_change for each in (first, second)] == [Decimal(-20)] * 2


def test_an_update_of_an_attribute_is_not_made_twice() -> None:
    recipe: Recipe = [("true", ['updateAttribute("Session.Attributes.note", "gift")'])]
    program = judged_again([recipe])
    state = closed(
        program, State(12, _maria()), SessionUpdate(cart_items=tuple(CART), profile_id="maria")
    )
    changed = msgspec.structs.replace(session_of(state), attributes={"note": "changed since"})
    state = msgspec.structs.replace(state, stored=changed)
    decision = given_back(program, state, ReturnWish(1), run_rules=True)
    assert decision.effects == ()
    assert decision.session.attributes == {"note": "changed since"}


def test_a_rule_may_answer_to_the_return() -> None:
    recipe: Recipe = [
        ("true", ['setDiscount("five", 5)']),
        (
            'session.state == "partially_returned"',
            ['updateAttribute("Session.Attributes.note", "came back")'],
        ),
    ]
    program = judged_again([recipe])
    state = closed(program, State(12, _maria()), SessionUpdate(cart_items=tuple(CART)))
    decision = given_back(program, state, ReturnWish(1), run_rules=True)
    assert outcomes(decision.effects) == [UpdateAttribute("Session.Attributes.note", "came back")]
    assert decision.session.attributes == {"note": "came back"}
    assert decision.triggered_campaign_ids == (1,)


def test_a_campaign_that_gave_nothing_is_not_evaluated() -> None:
    recipe: Recipe = [("session.total < 60", ['setDiscount("small", 1)'])]
    program = judged_again([recipe])
    state = closed(program, State(12, _maria()), SessionUpdate(cart_items=tuple(CART)))
    decision = given_back(program, state, ReturnWish(0), run_rules=True)
    assert (decision.effects, decision.session.effects) == ((), ())


def test_a_rejected_coupon_is_not_accepted_later() -> None:
    recipe: Recipe = [("couponValid() and session.total < 60", ['setDiscount("small", 1)'])]
    program = judged_again([recipe])
    start = SessionUpdate(cart_items=tuple(CART), coupon_codes=("NONE",))
    state = closed(program, State(12, _maria()), start)
    decision = given_back(program, state, ReturnWish(0), run_rules=True)
    assert decision.effects == ()
    assert outcomes(decision.session.effects) == [RejectCoupon("NONE", "CouponNotFound")]


def _maria() -> Customer:
    return Customer(7, created=NOW, last_activity=NOW)
