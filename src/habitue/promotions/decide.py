"""Deciding a session update: what the session becomes, what the customer gets, what is saved.

`decide_update` and `decide_reopen` are pure, and so is `decide_return` in a module of its own: the
same state, command and moment always give the same decision. They serve live traffic, dry runs,
replay and tests alike.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.customers.customer import Customer
from habitue.loyalty.achievement import Iteration
from habitue.loyalty.ledger import LedgerDecision
from habitue.model.attributes import Attributes, merged
from habitue.model.errors import Fault, InvalidInput
from habitue.model.numbers import ZERO
from habitue.promotions.books import Books
from habitue.promotions.budgets import BudgetChanges, Place, digest_of
from habitue.promotions.catalog import Buyer, Stock, filled_in
from habitue.promotions.coupon import Coupon, Redemption
from habitue.promotions.coupon_book import CouponBook
from habitue.promotions.decide_profile import books_of, check_campaigns, customer_facts
from habitue.promotions.effects import Effect
from habitue.promotions.evaluate import NO_RESOURCES, Purpose, evaluate, of_experiments
from habitue.promotions.event import EventFacts
from habitue.promotions.experiments import allocated, check_allocations, subject_of
from habitue.promotions.facts import ProfileFacts, SessionFacts
from habitue.promotions.issuing import Issuing
from habitue.promotions.opening import issuing_of
from habitue.promotions.points_book import PointsBook
from habitue.promotions.points_origin import Origin
from habitue.promotions.program import Program
from habitue.promotions.referral import Friend, ReferralChanges
from habitue.promotions.resources import OwnerDecision, ResourceChanges, Resources
from habitue.promotions.rollback import rollbacks_of, standing
from habitue.promotions.session import (
    Session,
    SessionUpdate,
    check_reopen,
    check_transition,
)
from habitue.promotions.setting import with_changes
from habitue.promotions.tally import Tally, paid, takes_of, tally_of
from habitue.promotions.trace import CampaignTrace, RuleFailure
from habitue.promotions.update import check_update, laid_over

EventType = Literal[
    "talon_session_created",
    "talon_session_updated",
    "talon_session_closed",
    "talon_session_cancelled",
    "talon_session_revoked",
    "talon_session_reopened",
    "talon_session_partially_returned",
]


class State(msgspec.Struct, frozen=True):
    """What was read for a decision.

    `stored` is None for a new session. `owner` is the customer whom the session will belong to,
    with version 0 where that customer comes to be. `coupons` are by code as the application stores
    it; `redemptions` are those of the owner that stand. `first_session` is what is known already
    about a session of the owner that a dry run starts over. `event_id` is that of the event which
    the request is. `resources` are what was read of all else.
    """

    session_id: int
    owner: Customer
    stored: Session | None = None
    coupons: Mapping[str, Coupon] = {}
    redemptions: tuple[Redemption, ...] = ()
    first_session: bool | None = None
    event_id: int = 0
    resources: Resources = NO_RESOURCES


class Decision(msgspec.Struct, frozen=True):
    """The whole outcome: the session to save, the changes to its owner, and what to answer.

    `owner_attributes` are all of them where rules set some, `owner_changes` those that were set.
    `points` and `iterations` are what the session does to the customer's ledgers and progress in
    achievements, `owners` what it does to ledgers of others, whether that is saved or not.
    """

    session: Session
    effects: tuple[Effect, ...]
    event_type: EventType
    owner_attributes: Attributes | None = None
    owner_changes: Attributes = {}
    session_count_change: int = 0
    closed_sessions_change: int = 0
    total_sales_change: Decimal = ZERO
    redeemed: tuple[Coupon, ...] = ()
    release: bool = False
    failures: tuple[RuleFailure, ...] = ()
    trace: tuple[CampaignTrace, ...] = ()
    triggered_campaign_ids: tuple[int, ...] = ()
    resource_changes: ResourceChanges = ResourceChanges()
    points: tuple[LedgerDecision, ...] = ()
    owners: tuple[OwnerDecision, ...] = ()
    iterations: tuple[Iteration, ...] = ()


class SessionCommand(msgspec.Struct, frozen=True):
    """A request to update the session `integration_id` of an application.

    `tells` names the resources that the answer shall tell.
    """

    application_id: int
    integration_id: str
    update: SessionUpdate
    purpose: Purpose = Purpose()
    tells: frozenset[str] = frozenset()


def decide_update(
    state: State, command: SessionCommand, program: Program, now: datetime
) -> Decision:
    """What an update does to a session. Raises `InvalidInput`; nothing has happened then."""
    stored = state.stored
    buyer = Buyer(now, program.price_types, state.resources.audiences)
    check_update(command.update, program.vocabulary, state.resources.catalog, buyer)
    check_allocations(program.experiments, command.update.experiment_variant_allocations)
    check_transition(stored.state if stored else "new", command.update.state)
    check_campaigns(command.purpose, program, "/customerSession")
    if stored is not None and stored.state != "open":
        _check_owner(state, stored)
        return _revoke(state, stored, program, now)
    session = laid_over(stored or _blank(state, command, now), command.update, now)
    session = _allocated(_owned(session, state), state, program)
    session = _with_catalog(session, state.resources.catalog, program, buyer)
    if session.state == "cancelled":
        return _cancel_open(state, session)
    return _evaluate(state, session, command.purpose, program, now)


def decide_reopen(state: State, program: Program, now: datetime) -> Decision:
    """What reopening does to a closed session. Raises `InvalidInput` in any other state."""
    assert state.stored is not None, "only a stored session is reopened"
    check_reopen(state.stored.state)
    return _take_back(state, state.stored, "open", "talon_session_reopened", program, now)


def _blank(state: State, command: SessionCommand, now: datetime) -> Session:
    return Session(
        id=state.session_id,
        customer_id=state.owner.id,
        application_id=command.application_id,
        integration_id=command.integration_id,
        created=now,
        updated=now,
    )


def _owned(session: Session, state: State) -> Session:
    if state.stored is not None and session.customer_id == state.owner.id:
        return session
    first = state.first_session
    if first is None:
        first = state.owner.anonymous or state.owner.session_count == 0
    return msgspec.structs.replace(session, customer_id=state.owner.id, first_session=first)


def _allocated(session: Session, state: State, program: Program) -> Session:
    if not program.experiments:
        return session
    earlier = state.stored.experiment_variant_allocations if state.stored else ()
    subject = subject_of(session.profile_id, session.integration_id)
    kept = session.experiment_variant_allocations
    found = allocated(program.experiments, kept, earlier, subject)
    return msgspec.structs.replace(session, experiment_variant_allocations=found)


def _with_catalog(session: Session, stock: Stock, program: Program, buyer: Buyer) -> Session:
    if not stock:
        return session
    names = program.vocabulary.item_attributes
    items = filled_in(session.cart_items, stock, names, buyer)
    return msgspec.structs.replace(session, cart_items=items)


def _check_owner(state: State, stored: Session) -> None:
    if state.owner.id != stored.customer_id:
        details = f"the profile of a session that is {stored.state} cannot change"
        raise InvalidInput(Fault("/customerSession/profileId", "Not allowed", details))


def _cancel_open(state: State, session: Session) -> Decision:
    return Decision(
        msgspec.structs.replace(session, effects=()),
        effects=(),
        event_type="talon_session_cancelled",
        session_count_change=int(_moves(state)),
    )


def _revoke(state: State, stored: Session, program: Program, now: datetime) -> Decision:
    return _take_back(state, stored, "cancelled", "talon_session_revoked", program, now)


def _take_back(
    state: State,
    stored: Session,
    new_state: Literal["open", "cancelled"],
    event_type: EventType,
    program: Program,
    now: datetime,
) -> Decision:
    books = books_for(state, stored, program, now)
    redeemed = (each for each in state.redemptions if each.session_id == stored.id)
    uses = state.resources.referrals.uses
    referral_redeemed = any(each.session_id == stored.id for each in uses)
    giving = msgspec.structs.replace(
        books.undo(stored.effects, frozenset(each.coupon_id for each in redeemed)),
        referral_redeemed=referral_redeemed,
    )
    session = msgspec.structs.replace(
        stored,
        state=new_state,
        updated=now,
        update_count=stored.update_count + 1,
        effects=standing(stored.effects, giving),
        closed_at=None,
        reopen_count=stored.reopen_count + (new_state == "open"),
    )
    return Decision(
        session,
        effects=rollbacks_of(stored.effects, giving),
        event_type=event_type,
        closed_sessions_change=-1,
        total_sales_change=stored.remaining_totals.total.copy_negate(),
        release=True,
        resource_changes=books.laid_over(_given_back(state.resources, referral_redeemed)),
        points=books.ledgers,
        owners=books.owners,
        iterations=books.iterations,
    )


def _given_back(resources: Resources, referral_redeemed: bool) -> ResourceChanges:
    """What a session gives back to budgets and codes that is cancelled or reopened."""
    return ResourceChanges(
        budgets=BudgetChanges(release=True) if resources.budgets.session else None,
        referrals=ReferralChanges(release=True) if referral_redeemed else None,
    )


def _evaluate(
    state: State, session: Session, purpose: Purpose, program: Program, now: datetime
) -> Decision:
    book = coupon_book(state, session, purpose, program, now)
    tally = _tally(state, session, program, now)
    closes = session.state == "closed"
    friend = Friend(state.owner.id, session.profile_id)
    issuing = issuing_of(
        program,
        state.resources,
        friend,
        session.referral_code,
        now,
        tally,
        closes=closes,
        evaluable=purpose.campaign_ids,
    )
    event_type = _event_type(state, closes)
    books = books_for(state, session, program, now)
    evaluated = evaluate(
        program,
        purpose,
        SessionFacts(session, program.fact_definitions),
        profile_of(session, state.owner, state.resources, program, books.points),
        book,
        now,
        state.resources,
        tally,
        EventFacts(event_type),
        books,
        issuing,
    )
    rejections = of_experiments(program, (*book.rejections(), *referral_rejections(issuing)))
    effects = (*evaluated.effects, *rejections)
    session, owner_changes = with_changes(session, evaluated.attribute_changes)
    redeemed = tuple(book.redeemed()) if closes else ()
    more = issuing.more(closes=closes) if issuing else ()
    takes = takes_of(tally, effects if closes else (), redeemed, more) if tally else ()
    changes = paid(evaluated.resource_changes, takes, program.version)
    if issuing:
        changes = issuing.changed(changes, closes=closes)
    return Decision(
        msgspec.structs.replace(session, effects=effects, closed_at=now if closes else None),
        effects=effects,
        event_type=event_type,
        owner_attributes=merged(state.owner.attributes, owner_changes) if owner_changes else None,
        owner_changes=owner_changes,
        session_count_change=int(state.stored is None or _moves(state)),
        closed_sessions_change=int(closes),
        total_sales_change=session.totals.total if closes else ZERO,
        redeemed=redeemed,
        failures=evaluated.failures,
        trace=evaluated.trace,
        triggered_campaign_ids=evaluated.triggered_campaign_ids,
        resource_changes=books.laid_over(changes) if closes else changes,
        points=books.ledgers,
        owners=books.owners,
        iterations=books.iterations,
    )


def books_for(state: State, session: Session, program: Program, now: datetime) -> Books:
    """The books of the session's customer."""
    origin = Origin(
        session.application_id,
        state.event_id,
        session.id,
        session.integration_id,
        str(session.reopen_count or ""),
    )
    return books_of(program, state.resources, state.owner, origin, now, session.loyalty_cards)


def profile_of(
    session: Session,
    owner: Customer,
    resources: Resources,
    program: Program,
    points: PointsBook | None = None,
) -> ProfileFacts | None:
    """The customer of the session as rules see them; None where it is anonymous."""
    if not session.profile_id:
        return None
    return customer_facts(session.profile_id, owner, resources, program, points)


def place_of(session: Session, resources: Resources, program: Program, now: datetime) -> Place:
    """Where the session stands among budgets."""
    referral = resources.referrals.referral
    return Place(
        now,
        program.zone,
        has_profile=bool(session.profile_id),
        store=session.store_integration_id,
        identifiers=tuple(dict.fromkeys(map(digest_of, session.identifiers))),
        referral_id=referral.id if referral and session.referral_code else 0,
        closes=session.state == "closed",
    )


def _tally(state: State, session: Session, program: Program, now: datetime) -> Tally | None:
    place = place_of(session, state.resources, program, now)
    limits = program.limits_in(place.store)
    return tally_of(limits, state.resources.budgets, place, state.coupons.values())


def coupon_book(
    state: State, session: Session, purpose: Purpose, program: Program, now: datetime
) -> CouponBook:
    """The codes of the session, for one evaluation."""
    codes: dict[str, str] = {}
    for sent in session.coupon_codes:
        codes.setdefault(program.application.code(sent), sent)
    return CouponBook(
        ((sent, state.coupons.get(stored)) for stored, sent in codes.items()),
        program.campaigns,
        list(state.redemptions),
        evaluable=purpose.campaign_ids,
        now=now,
        zone=program.zone,
        profile_id=session.profile_id,
    )


def referral_rejections(issuing: Issuing | None) -> tuple[Effect, ...]:
    """One effect where the session's referral code was not accepted."""
    return issuing.referral.rejections() if issuing and issuing.referral else ()


def _moves(state: State) -> bool:
    return state.stored is not None and state.stored.customer_id != state.owner.id


def _event_type(state: State, closes: bool) -> EventType:
    if closes:
        return "talon_session_closed"
    return "talon_session_created" if state.stored is None else "talon_session_updated"
