"""The answer to an update: effects always, everything else only when it was asked for."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from habitue.edges.http.numbers import ENCODER
from habitue.edges.talon_one.achievements import DefinedProgressOut, defined_progress_out
from habitue.edges.talon_one.effects import EffectOut, effect_out
from habitue.edges.talon_one.giveaways import GiveawayOut, awarded_out
from habitue.edges.talon_one.integration.answers import (
    CustomerProfileOut,
    CustomerSessionOut,
    EventOut,
    ReturnOut,
    RuleFailureOut,
    event_out,
    failure_out,
    profile_event_out,
    profile_seen,
    returns_out,
    session_out,
    session_profile,
)
from habitue.edges.talon_one.integration.eligibility import (
    ELIGIBILITY,
    CampaignEligibilityOut,
    eligibility_out,
)
from habitue.edges.talon_one.integration.points_told import LoyaltyOut, loyalty_out
from habitue.edges.talon_one.integration.selected_prices import session_effects
from habitue.edges.talon_one.integration.traces import CampaignTraceOut, trace_out
from habitue.edges.talon_one.management.campaigns import CampaignOut, campaign_out
from habitue.edges.talon_one.management.coupon_wire import CouponOut, coupon_out
from habitue.edges.talon_one.referral_wire import (
    InventoryReferralOut,
    inventory_referral_out,
    referral_out,
)
from habitue.promotions.budgets import counts_of
from habitue.promotions.coupon import Coupon
from habitue.promotions.experiments import subject_of, variants_of
from habitue.promotions.giveaways import awarded
from habitue.promotions.program import Program
from habitue.promotions.referral import referred_after
from habitue.promotions.resources import ResourceChanges
from habitue.usecases.points_told import points_told
from habitue.usecases.read_achievements import standings
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.update_profile import ProfileOutcome
from habitue.usecases.writing import Reply


class IntegrationCouponOut(CouponOut, rename="camel", kw_only=True):
    """A coupon with how often this customer has redeemed it."""

    profile_redemption_count: int


class IntegrationStateOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a request changed. `trace` is ours: why each campaign applied or did not."""

    effects: list[EffectOut]
    created_coupons: list[Any]
    created_referrals: list[Any]
    customer_session: CustomerSessionOut | None = None
    customer_profile: CustomerProfileOut | None = None
    coupons: list[IntegrationCouponOut] | None = None
    triggered_campaigns: list[CampaignOut] | None = None
    referral: InventoryReferralOut | None = None
    loyalty: LoyaltyOut | None = None
    event: EventOut | None = None
    awarded_giveaways: list[GiveawayOut] | None = None
    rule_failure_reasons: list[RuleFailureOut] | None = None
    previous_returns: list[ReturnOut] | None = None
    campaign_eligibility: list[CampaignEligibilityOut] | None = None
    achievements: list[DefinedProgressOut] | None = None
    trace: list[CampaignTraceOut] | None = None
    returned: ReturnOut | None = msgspec.field(default=None, name="return")


class ReopenedOut(msgspec.Struct):
    """The answer to reopening: the effects that were taken back."""

    effects: list[EffectOut]


def render_session(content: Sequence[str]) -> Callable[[SessionOutcome, Program], Reply]:
    """Puts the outcome of a session update on the wire, with what `content` asks for."""

    def render(outcome: SessionOutcome, program: Program) -> Reply:
        decision = outcome.decision
        state = state_out(session_effects(decision.effects, decision.session.cart_items))
        _tell_created(state, decision.resource_changes)
        for name in content:
            part = _SESSION_PARTS.get(name)
            if part is not None:
                part(state, outcome, program)
        return Reply(200, ENCODER.encode(state))

    return render


def render_return(content: Sequence[str]) -> Callable[[SessionOutcome, Program], Reply]:
    """Puts a return on the wire: its effects, itself, and what `content` asks for."""

    def render(outcome: SessionOutcome, program: Program) -> Reply:
        decision = outcome.decision
        state = state_out([effect_out(effect) for effect in decision.effects])
        for name in content:
            part = _RETURN_PARTS.get(name)
            if part is not None:
                part(state, outcome, program)
        state.returned = returns_out(decision.session)[-1]
        return Reply(200, ENCODER.encode(state))

    return render


def render_reopened(outcome: SessionOutcome, program: Program) -> Reply:
    """Puts the rollback effects of reopening on the wire."""
    effects = [effect_out(effect) for effect in outcome.decision.effects]
    return Reply(200, ENCODER.encode(ReopenedOut(effects)))


def render_profile(
    content: Sequence[str],
) -> Callable[[Sequence[ProfileOutcome], Program], Reply]:
    """Puts the outcome of one profile update on the wire, with what `content` asks for."""

    def render(outcomes: Sequence[ProfileOutcome], program: Program) -> Reply:
        (outcome,) = outcomes
        state = state_out([effect_out(effect) for effect in outcome.decision.effects])
        _tell_created(state, outcome.decision.resource_changes)
        for name in content:
            part = PROFILE_PARTS.get(name)
            if part is not None:
                part(state, outcome, program)
        return Reply(200, ENCODER.encode(state))

    return render


def render_profiles(*, silent: bool) -> Callable[[Sequence[ProfileOutcome], Program], Reply]:
    """Puts the outcome of updating many profiles on the wire: nothing at all when silent."""

    def render(outcomes: Sequence[ProfileOutcome], program: Program) -> Reply:
        if silent:
            return Reply(204, b"")
        states = [{"customerProfile": _profile_after(each, program)} for each in outcomes]
        return Reply(200, ENCODER.encode({"integrationStates": states}))

    return render


def _tell_created(state: IntegrationStateOut, changes: ResourceChanges) -> None:
    created = changes.creations
    if created is not None:
        state.created_coupons = list(map(coupon_out, created.coupons))
        state.created_referrals = list(map(referral_out, created.referrals))


def state_out(
    effects: list[EffectOut], kind: type[IntegrationStateOut] = IntegrationStateOut
) -> IntegrationStateOut:
    """The answer with what is always in it."""
    return kind(effects, [], [])


def integration_coupon_out(coupon: Coupon, redemption_count: int) -> IntegrationCouponOut:
    """The coupon as it stands after the request."""
    fields = msgspec.structs.asdict(coupon_out(coupon))
    return IntegrationCouponOut(**fields, profile_redemption_count=redemption_count)


def _session(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    state.customer_session = session_out(outcome.decision.session)


def _session_profile(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    state.customer_profile = session_profile(outcome, program)


def _coupons(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    state.coupons = [
        integration_coupon_out(coupon, outcome.redemption_count(coupon))
        for coupon in outcome.coupons_after()
    ]


def _referral(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    decision = outcome.decision
    session = decision.session
    told = referred_after(
        outcome.resources.referrals,
        decision.resource_changes.referrals,
        session.id,
        session.profile_id,
    )
    state.referral = None if told is None else inventory_referral_out(*told)


def _event(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    state.event = event_out(outcome)


def _returns(state: IntegrationStateOut, outcome: SessionOutcome, program: Program) -> None:
    state.previous_returns = returns_out(outcome.decision.session)


def _previous_returns(
    state: IntegrationStateOut, outcome: SessionOutcome, program: Program
) -> None:
    state.previous_returns = returns_out(outcome.decision.session)[:-1]


def _profile(state: IntegrationStateOut, outcome: ProfileOutcome, program: Program) -> None:
    state.customer_profile = _profile_after(outcome, program)


def _profile_after(outcome: ProfileOutcome, program: Program) -> CustomerProfileOut:
    return profile_seen(outcome.customer, outcome.integration_id, outcome.audiences, program)


def _profile_event(state: IntegrationStateOut, outcome: ProfileOutcome, program: Program) -> None:
    state.event = profile_event_out(outcome, program.application.id)


def _campaigns(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    ids = outcome.decision.triggered_campaign_ids
    state.triggered_campaigns = [
        campaign_out(
            campaign,
            outcome.now,
            counts_of(campaign, outcome.budgets_after(), outcome.now, program.zone),
        )
        for campaign in map(program.campaigns.__getitem__, ids)
    ]


def _failures(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    state.rule_failure_reasons = [failure_out(each) for each in outcome.decision.failures]


def _trace(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    state.trace = [trace_out(each) for each in outcome.decision.trace]


def _eligibility(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    decision = outcome.decision
    state.campaign_eligibility = eligibility_out(
        decision.trace,
        decision.failures,
        decision.triggered_campaign_ids,
        program,
        _variants(outcome, program),
    )


def _variants(outcome: SessionOutcome | ProfileOutcome, program: Program) -> dict[int, int]:
    if not isinstance(outcome, SessionOutcome):
        return variants_of(program.experiments, (), subject_of(outcome.integration_id))
    session = outcome.decision.session
    sent, subject = session.experiment_variant_allocations, session.profile_id
    return variants_of(program.experiments, sent, subject_of(subject, session.integration_id))


def _achievements(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    read = {each.id: each for each in outcome.resources.achievements.iterations}
    after = {**read, **{each.id: each for each in outcome.decision.iterations}}
    found = standings(program, after.values(), outcome.now)
    state.achievements = [defined_progress_out(each, outcome.now) for each in found]


def _loyalty(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    state.loyalty = loyalty_out(points_told(program, outcome), outcome.now)


def _giveaways(
    state: IntegrationStateOut, outcome: SessionOutcome | ProfileOutcome, program: Program
) -> None:
    read, awards = outcome.resources, outcome.decision.resource_changes.giveaways
    advocate = read.referrals.advocate
    given = awarded(
        read.giveaways, awards, outcome.customer_before.id, advocate.customer_id if advocate else 0
    )
    state.awarded_giveaways = list(map(awarded_out, given))


def _empty_list(name: str) -> Callable[[IntegrationStateOut, object, Program], None]:
    def fill(state: IntegrationStateOut, outcome: object, program: Program) -> None:
        setattr(state, name, [])

    return fill


_ANY_PARTS: dict[str, Callable[[IntegrationStateOut, Any, Program], None]] = {
    "triggeredCampaigns": _campaigns,
    "ruleFailureReasons": _failures,
    "trace": _trace,
    ELIGIBILITY: _eligibility,
    "loyalty": _loyalty,
    "awardedGiveaways": _giveaways,
    "previousReturns": _empty_list("previous_returns"),
    "achievements": _achievements,
}
_SESSION_PARTS: dict[str, Callable[[IntegrationStateOut, SessionOutcome, Program], None]] = {
    **_ANY_PARTS,
    "customerSession": _session,
    "customerProfile": _session_profile,
    "coupons": _coupons,
    "referral": _referral,
    "event": _event,
    "previousReturns": _returns,
}
_RETURN_PARTS: dict[str, Callable[[IntegrationStateOut, SessionOutcome, Program], None]] = {
    **_SESSION_PARTS,
    "previousReturns": _previous_returns,
}
PROFILE_PARTS: dict[str, Callable[[IntegrationStateOut, ProfileOutcome, Program], None]] = {
    **_ANY_PARTS,
    "customerProfile": _profile,
    "event": _profile_event,
}
