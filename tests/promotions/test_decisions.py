"""What holds of every decision, whatever the campaigns, the cart and the customer are."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, localcontext

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from habitue.model.numbers import EXACT
from habitue.promotions.campaign import Limit
from habitue.promotions.compiled import CompiledCampaign, CompiledRule
from habitue.promotions.coupon import Redemption
from habitue.promotions.decide import Decision, State, decide_reopen
from habitue.promotions.effects import (
    AcceptCoupon,
    Effect,
    RejectCoupon,
    RollbackCoupon,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program
from habitue.promotions.session import SessionUpdate
from tests.building import NOW, update
from tests.promotions.programs import (
    CODES,
    FAILING,
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
SLOW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Everything:
    """Candidates without an index: all rules of all campaigns."""

    def __init__(self, program: Program) -> None:
        self._all = [(each, rule) for each in program.compiled_campaigns() for rule in each.rules]

    def of(
        self, frame: object, coupon_campaign_ids: object, referral_campaign_id: int = 0
    ) -> list[tuple[CompiledCampaign, CompiledRule]]:
        return self._all


def by_campaign(effects: Iterable[Effect]) -> dict[int, list[Effect]]:
    sorted_out = defaultdict(list)
    for effect in effects:
        sorted_out[effect.campaign_id].append(effect)
    return dict(sorted_out)


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_a_decision_is_a_function_of_what_it_is_given(
    recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
) -> None:
    first = decided(program_of(numbered(recipes), limits), state, sent)
    assert decided(program_of(numbered(recipes), limits), state, sent) == first


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_a_dry_run_decides_like_a_live_one(
    recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
) -> None:
    program = program_of(numbered(recipes), limits)
    assert decided(program, state, sent, Purpose(dry=True)) == decided(program, state, sent)


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_the_index_finds_everything_that_matters(
    recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
) -> None:
    program = program_of(numbered(recipes), limits)
    indexed = decided(program, state, sent)
    program.candidates = Everything(program)  # type: ignore[assignment]
    assert decided(program, state, sent) == indexed


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES, st.booleans())
def test_asking_why_changes_nothing(
    recipes: list[Recipe],
    limits: tuple[Limit, ...],
    state: State,
    sent: SessionUpdate,
    trace: bool,
) -> None:
    program = program_of(numbered(recipes), limits)
    plain = decided(program, state, sent)
    told = decided(program, state, sent, Purpose(failures=True, trace=trace))
    assert msgspec.structs.replace(told, failures=(), trace=()) == plain
    tried = [each for campaign in told.trace for each in campaign.rules]
    applied = {each.rule_name for each in tried if each.verdict == "applied"}
    given_by = {
        each.rule_name
        for each in told.effects
        if not isinstance(each.outcome, RejectCoupon) and each.campaign_id > 0
    }
    assert given_by <= applied
    failed = [each for each in tried if each.verdict != "applied"]
    assert sorted((each.rule_name, each.details) for each in told.failures) == sorted(
        (each.rule_name, each.details) for each in failed
    )


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_a_campaign_gives_the_same_alone(
    recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
) -> None:
    campaigns = numbered(recipes)
    together = by_campaign(decided(program_of(campaigns, limits), state, sent).effects)
    for id_, recipe in campaigns.items():
        alone = by_campaign(decided(program_of({id_: recipe}, limits), state, sent).effects)
        assert alone.get(id_, []) == together.get(id_, [])


@SLOW
@given(RECIPES.filter(lambda recipes: len(recipes) > 2), STATES, UPDATES)
def test_the_order_of_unrelated_campaigns_changes_only_the_order(
    recipes: list[Recipe], state: State, sent: SessionUpdate
) -> None:
    """Campaigns 3 and up, which no code belongs to, trade places."""
    campaigns = numbered(recipes)
    last = len(recipes)
    moved = {(id_ if id_ < 3 else last + 3 - id_): campaigns[id_] for id_ in campaigns}
    before = by_campaign(decided(program_of(campaigns), state, sent).effects)
    after = by_campaign(decided(program_of(moved), state, sent).effects)
    for id_ in campaigns:
        there = id_ if id_ < 3 else last + 3 - id_
        found = [each.outcome for each in before.get(id_, [])]
        assert [each.outcome for each in after.get(there, [])] == found


@SLOW
@given(RECIPES, STATES, UPDATES, st.data())
def test_a_rule_that_fails_in_its_last_effect_gives_nothing(
    recipes: list[Recipe], state: State, sent: SessionUpdate, data: st.DataObject
) -> None:
    campaigns = numbered(recipes)
    before = decided(program_of(campaigns), state, sent)
    id_ = data.draw(st.sampled_from(sorted(campaigns)))
    doomed = (
        "true",
        [
            'setDiscount("gone", 3)',
            'updateAttribute("Session.Attributes.note", "gone")',
            'addFreeItem("gone", "gone", 1)',
            FAILING,
        ],
    )
    after = decided(program_of({**campaigns, id_: [*campaigns[id_], doomed]}), state, sent)
    assert after.effects == before.effects
    assert after.session == before.session
    assert after.owner_attributes == before.owner_attributes
    assert after.triggered_campaign_ids == before.triggered_campaign_ids


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES)
def test_every_code_is_answered_exactly_once(
    recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
) -> None:
    decision = decided(program_of(numbered(recipes), limits), state, sent)
    answered = [
        each.outcome.value
        for each in decision.effects
        if isinstance(each.outcome, AcceptCoupon | RejectCoupon)
    ]
    assert sorted(answered) == sorted(set(sent.coupon_codes or ()))
    accepted = {
        each.coupon_id for each in decision.effects if isinstance(each.outcome, AcceptCoupon)
    }
    assert {each.id for each in decision.redeemed} <= accepted
    assert bool(decision.redeemed) <= (decision.session.state == "closed")
    triggered = {each.coupon_id for each in decision.effects if isinstance(each.outcome, DISCOUNTS)}
    assert triggered <= accepted | {None}


@SLOW
@given(RECIPES, STATES, UPDATES)
def test_shares_of_a_discount_sum_to_the_whole(
    recipes: list[Recipe], state: State, sent: SessionUpdate
) -> None:
    decision = decided(program_of(numbered(recipes)), state, sent)
    shares: dict[tuple[object, ...], list[SetDiscountPerItem]] = defaultdict(list)
    for effect in decision.effects:
        outcome = effect.outcome
        if isinstance(outcome, SetDiscountPerItem) and outcome.total_discount is not None:
            name = outcome.name.partition("#")[0]
            shares[effect.rule_name, effect.coupon_id, name].append(outcome)
    units = [
        (position, unit)
        for position, each in enumerate(sent.cart_items or ())
        for unit in range(each.quantity)
    ]
    for group in shares.values():
        times, rest = divmod(len(group), len(units))
        assert rest == 0
        assert [(each.position, each.sub_position) for each in group] == units * times
        for start in range(0, len(group), len(units)):
            part = group[start : start + len(units)]
            with localcontext(EXACT):
                whole = sum((each.value for each in part), Decimal(0))
            assert {each.total_discount for each in part} == {whole}
            assert all(each.value >= 0 for each in part)


def after_closing(decision: Decision, state: State) -> State:
    """The state that a closed session leaves behind."""
    taken = tuple(
        Redemption(each.id, each.campaign_id, decision.session.id, NOW)
        for each in decision.redeemed
    )
    return msgspec.structs.replace(
        state, stored=decision.session, redemptions=(*state.redemptions, *taken)
    )


@SLOW
@given(RECIPES, LIMITS, STATES, UPDATES, st.booleans())
def test_taking_back_restores_everything_that_closing_counted(
    recipes: list[Recipe],
    limits: tuple[Limit, ...],
    state: State,
    sent: SessionUpdate,
    reopens: bool,
) -> None:
    program = program_of(numbered(recipes), limits)
    closing = decided(program, state, msgspec.structs.replace(sent, state="closed"))
    closed = after_closing(closing, state)
    if reopens:
        taking = decide_reopen(closed, program, NOW)
    else:
        taking = decided(program, closed, update(state="cancelled"))
    assert closing.closed_sessions_change + taking.closed_sessions_change == 0
    assert closing.total_sales_change == taking.total_sales_change.copy_negate()
    assert (taking.release, taking.redeemed, taking.session_count_change) == (True, (), 0)
    codes = {each.id: each.code for each in closing.redeemed}
    found = [each.outcome for each in taking.effects]
    assert [each.value for each in found if isinstance(each, RollbackCoupon)] == [
        codes[each.coupon_id]
        for each in closing.effects
        if isinstance(each.outcome, AcceptCoupon) and each.coupon_id in codes
    ]
    assert [(each.name, each.value) for each in found if isinstance(each, RollbackDiscount)] == [
        (each.outcome.name, each.outcome.value)
        for each in closing.effects
        if isinstance(each.outcome, DISCOUNTS)
    ]
    kept = [each.outcome for each in taking.session.effects]
    assert not any(isinstance(each, (AcceptCoupon, *DISCOUNTS)) for each in kept)


@SLOW
@given(RECIPES, STATES, UPDATES)
def test_closing_again_after_reopening_gives_the_same(
    recipes: list[Recipe], state: State, sent: SessionUpdate
) -> None:
    """Where no rule has changed what rules read: attributes that were updated stay updated."""
    program = program_of(numbered(recipes))
    closing = decided(program, state, msgspec.structs.replace(sent, state="closed"))
    reopening = decide_reopen(after_closing(closing, state), program, NOW)
    again = decided(
        program,
        msgspec.structs.replace(
            state,
            stored=msgspec.structs.replace(reopening.session, attributes=sent.attributes or {}),
        ),
        update(state="closed"),
    )
    assert again.effects == closing.effects
    assert again.total_sales_change == closing.total_sales_change
    assert again.redeemed == closing.redeemed


def test_the_grammar_reaches_every_kind_of_outcome() -> None:
    """A generator that never makes a coupon be accepted would prove nothing."""
    seen: set[str] = set()

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(RECIPES, LIMITS, STATES, UPDATES)
    def explore(
        recipes: list[Recipe], limits: tuple[Limit, ...], state: State, sent: SessionUpdate
    ) -> None:
        decision = decided(program_of(numbered(recipes), limits), state, sent)
        for effect in decision.effects:
            outcome = effect.outcome
            seen.add(type(outcome).__name__)
            if isinstance(outcome, RejectCoupon):
                seen.add(outcome.reason)

    explore()
    assert seen >= {
        "AcceptCoupon",
        "AddFreeItem",
        "CouponLimitReached",
        "CouponNotFound",
        "CouponPartOfNotRunningCampaign",
        "CouponRecipientDoesNotMatch",
        "CouponRejectedByCondition",
        "CouponStartDateInFuture",
        "EffectCouldNotBeApplied",
        "ProfileLimitReached",
        "ProfileRequired",
        "SetDiscount",
        "SetDiscountPerAdditionalCost",
        "SetDiscountPerItem",
        "UpdateAttribute",
    }
    assert set(CODES) == {"ONE", "TWO", "LAST", "PAULS", "LATE", "ELSEWHERE", "NONE"}
