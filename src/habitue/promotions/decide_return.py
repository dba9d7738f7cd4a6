"""Deciding a return: which units of a closed session come back, and what is taken back with them.

Discounts on the units that come back are rolled back. What was given on the whole session stays,
unless the rules are run again: then each campaign that allows it, and that gave something when the
session was closed, gives what it would have given for what the customer keeps. That is judged as of
the moment of closing, with the coupons that were accepted then, and apart from what the session
itself has counted since; a coupon stays redeemed (contracts/talon_one/SEMANTICS.md section 3.7,
docs/decisions/0050).

Invariant: without the rules, returning units one by one takes back what returning them at once
does.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import localcontext

import msgspec

from habitue.customers.customer import Customer
from habitue.model.attributes import merged
from habitue.model.numbers import EXACT
from habitue.promotions.audiences import changes_of_effects
from habitue.promotions.books import Books
from habitue.promotions.budgets import BudgetChanges, Counted
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide import (
    Decision,
    State,
    books_for,
    coupon_book,
    place_of,
    profile_of,
)
from habitue.promotions.effects import (
    NO_CAMPAIGN,
    AcceptCoupon,
    AcceptReferral,
    Effect,
    RejectCoupon,
    RejectReferral,
    UpdateAttribute,
)
from habitue.promotions.evaluate import Evaluated, Purpose, code_changes, evaluate
from habitue.promotions.evaluation import AttributeChange
from habitue.promotions.event import EventFacts
from habitue.promotions.facts import remaining_facts
from habitue.promotions.opening import issuing_again
from habitue.promotions.program import Program
from habitue.promotions.resources import ResourceChanges
from habitue.promotions.returned import (
    Return,
    ReturnedLine,
    Returns,
    ReturnWish,
    returned_lines,
    returned_units,
    with_returned,
)
from habitue.promotions.rollback import (
    Difference,
    difference,
    of_units,
    rollbacks_of,
    standing,
)
from habitue.promotions.session import Session, check_return
from habitue.promotions.setting import with_changes
from habitue.promotions.tally import ClosedTally, gives_of


class ReturnCommand(msgspec.Struct, frozen=True):
    """A request to return items of the session `integration_id` of an application.

    `run_rules` asks for the rules to be run again over what is left. `tells` names the resources
    that the answer shall tell.
    """

    application_id: int
    integration_id: str
    wishes: tuple[ReturnWish, ...]
    run_rules: bool = False
    tells: frozenset[str] = frozenset()


def decide_return(
    state: State, command: ReturnCommand, program: Program, now: datetime
) -> Decision:
    """What a return does to a stored session. Raises `InvalidInput`; nothing has happened then."""
    stored = state.stored
    assert stored is not None, "only items of a stored session are returned"
    check_return(stored.state)
    lines = returned_lines(command.wishes, stored.cart_items)
    units = returned_units(stored.cart_items, lines)
    books = books_for(state, stored, program, now)
    belonging, others = of_units(stored.effects, units)
    giving = books.undo(belonging)
    kept = (*others, *standing(belonging, giving))
    session = _returned(stored, lines, kept, state.event_id, now)
    with localcontext(EXACT):
        sales_change = session.remaining_totals.total - stored.remaining_totals.total
    decision = Decision(
        session,
        effects=rollbacks_of(belonging, giving),
        event_type="talon_session_partially_returned",
        total_sales_change=sales_change,
    )
    if command.run_rules:
        decision = _judged_again(state, stored, decision, program, books)
    uses = state.resources.budgets.session
    gives = gives_of(uses, stored.effects, decision.session.effects)
    return _with_resources(decision, gives, books)


def _with_resources(decision: Decision, gives: tuple[Counted, ...], books: Books) -> Decision:
    changes = msgspec.structs.replace(
        decision.resource_changes, budgets=BudgetChanges(gives=gives) if gives else None
    )
    return msgspec.structs.replace(
        decision,
        resource_changes=books.laid_over(changes),
        points=books.ledgers,
        owners=books.owners,
        iterations=books.iterations,
    )


def _returned(
    stored: Session,
    lines: tuple[ReturnedLine, ...],
    effects: tuple[Effect, ...],
    event_id: int,
    now: datetime,
) -> Session:
    returns = stored.returns or Returns(_givers(stored), ())
    made = (*returns.made, Return(event_id, now, lines))
    return msgspec.structs.replace(
        stored,
        state="partially_returned",
        updated=now,
        update_count=stored.update_count + 1,
        cart_items=with_returned(stored.cart_items, lines),
        effects=effects,
        returns=msgspec.structs.replace(returns, made=made),
    )


def _givers(stored: Session) -> tuple[int, ...]:
    given = (
        effect.campaign_id
        for effect in stored.effects
        if effect.campaign_id != NO_CAMPAIGN
        and not isinstance(effect.outcome, (RejectCoupon, RejectReferral))
    )
    return tuple(sorted(set(given)))


def _judged_again(
    state: State,
    stored: Session,
    decision: Decision,
    program: Program,
    books: Books,
) -> Decision:
    session = decision.session
    closed_at = session.closed_at
    assert closed_at is not None, "what is returned was closed"
    coupons = _accepted_coupons(state, session, program)
    unaccepted = _with_unaccepted_codes(state, coupons)
    campaign_ids = (
        _judged_campaigns(
            session,
            coupons,
            program,
            closed_at,
            has_referral=state.resources.referrals.referral is not None,
        )
        - unaccepted
    )
    if not campaign_ids:
        return decision
    judged = books.without(stored.effects, f"return {state.event_id}")
    evaluated = _evaluated(state, stored, session, coupons, campaign_ids, program, judged)
    changed = difference(session.effects, evaluated.effects, campaign_ids)
    giving = books.undo(changed.gone)
    new = books.give_again(changed.new)
    kept = (*changed.kept, *standing(changed.gone, giving))
    new_changes = _new_changes(evaluated, changed)
    session, owner_changes = with_changes(session, new_changes)
    attributes = state.owner.attributes
    return msgspec.structs.replace(
        decision,
        session=msgspec.structs.replace(session, effects=(*kept, *new)),
        effects=(*decision.effects, *rollbacks_of(changed.gone, giving), *new),
        owner_attributes=merged(attributes, owner_changes) if owner_changes else None,
        owner_changes=owner_changes,
        triggered_campaign_ids=evaluated.triggered_campaign_ids,
        resource_changes=ResourceChanges(
            audiences=changes_of_effects(state.resources.audiences, changed.new),
            codes=code_changes(new_changes),
        ),
    )


def _accepted_coupons(
    state: State, session: Session, program: Program
) -> Mapping[str, Coupon | None]:
    """The coupons accepted at closing, by code as sent; None where one exists no more."""
    return {
        effect.outcome.value: state.coupons.get(program.application.code(effect.outcome.value))
        for effect in session.effects
        if isinstance(effect.outcome, AcceptCoupon)
    }


def _with_unaccepted_codes(state: State, accepted: Mapping[str, Coupon | None]) -> frozenset[int]:
    """Campaigns with a submitted code that was not accepted: a rule may have held because of it,
    or in spite of it, and it is not tried again."""
    ids = {coupon.id for coupon in accepted.values() if coupon is not None}
    return frozenset(each.campaign_id for each in state.coupons.values() if each.id not in ids)


def _judged_campaigns(
    session: Session,
    coupons: Mapping[str, Coupon | None],
    program: Program,
    closed_at: datetime,
    *,
    has_referral: bool,
) -> frozenset[int]:
    """Whose discounts are judged again; nobody loses one because a code was deleted since."""
    assert session.returns, "a return was made"
    lost = {
        effect.campaign_id
        for effect in session.effects
        if (isinstance(effect.outcome, AcceptCoupon) and coupons[effect.outcome.value] is None)
        or (isinstance(effect.outcome, AcceptReferral) and not has_referral)
    }
    return frozenset(
        each.campaign.id
        for each in program.compiled_campaigns(session.returns.campaign_ids)
        if each.campaign.reevaluate_on_return
        and each.campaign.runs(closed_at)
        and each.campaign.id not in lost
    )


def _evaluated(
    state: State,
    stored: Session,
    session: Session,
    coupons: Mapping[str, Coupon | None],
    campaign_ids: frozenset[int],
    program: Program,
    books: Books,
) -> Evaluated:
    closed_at = session.closed_at
    assert closed_at is not None, "what is returned was closed"
    purpose = Purpose(campaign_ids=campaign_ids)
    submitted = msgspec.structs.replace(session, coupon_codes=tuple(coupons))
    book = coupon_book(_at_closing(state, closed_at), submitted, purpose, program, closed_at)
    owner = _apart_from(state.owner, stored)
    profile = profile_of(session, owner, state.resources, program, books.points)
    facts = remaining_facts(session, program.fact_definitions)
    tally = ClosedTally(
        state.resources.budgets.session, place_of(session, state.resources, program, closed_at)
    )
    event = EventFacts("talon_session_closed")
    issuing = issuing_again(program, state.resources, _accepted_referral(stored))
    return evaluate(
        program,
        purpose,
        facts,
        profile,
        book,
        closed_at,
        tally=tally,
        event=event,
        books=books,
        issuing=issuing,
    )


def _accepted_referral(stored: Session) -> str:
    """The referral code accepted at closing; empty where there was none."""
    outcomes = (effect.outcome for effect in stored.effects)
    return next((each.value for each in outcomes if isinstance(each, AcceptReferral)), "")


def _at_closing(state: State, closed_at: datetime) -> State:
    """The state without what the session itself has redeemed and whatever was redeemed later."""
    own = {each.coupon_id for each in state.redemptions if each.session_id == state.session_id}
    return msgspec.structs.replace(
        state,
        coupons={
            code: msgspec.structs.replace(
                coupon, usage_limit=0, usage_counter=coupon.usage_counter - (coupon.id in own)
            )
            for code, coupon in state.coupons.items()
        },
        redemptions=tuple(
            each
            for each in state.redemptions
            if each.session_id != state.session_id and each.redeemed_at <= closed_at
        ),
    )


def _apart_from(owner: Customer, stored: Session) -> Customer:
    """The customer as if the session had not been closed."""
    with localcontext(EXACT):
        total_sales = owner.total_sales - stored.remaining_totals.total
    return msgspec.structs.replace(
        owner, closed_sessions=owner.closed_sessions - 1, total_sales=total_sales
    )


def _new_changes(evaluated: Evaluated, changed: Difference) -> list[AttributeChange]:
    """The attributes that only this evaluation sets; others were set when the session closed."""
    updates = [each for each in evaluated.effects if isinstance(each.outcome, UpdateAttribute)]
    new = [id(each) for each in changed.new]
    return [
        change
        for update, change in zip(updates, evaluated.attribute_changes, strict=True)
        if id(update) in new
    ]
