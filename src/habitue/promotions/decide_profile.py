"""Deciding the update of a profile: its attributes, and what the rules give without a session."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from habitue.customers.customer import Customer
from habitue.loyalty.achievement import Iteration
from habitue.loyalty.ledger import LedgerDecision
from habitue.model.attributes import Attributes, merged, normalised, validate
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.achievement_book import AchievementBook
from habitue.promotions.audiences import (
    MembershipChange,
    after,
    audience_facts,
    changed,
    changes_between,
    check_known,
)
from habitue.promotions.books import Books
from habitue.promotions.budgets import Place
from habitue.promotions.coupon_book import CouponBook
from habitue.promotions.effects import Effect
from habitue.promotions.evaluate import NO_RESOURCES, Purpose, evaluate, profile_changes
from habitue.promotions.event import EventFacts
from habitue.promotions.facts import NO_AUDIENCES, AudienceFacts, ProfileFacts, readable
from habitue.promotions.loyalty_facts import BookFacts
from habitue.promotions.opening import issuing_of
from habitue.promotions.points_book import PointsBook
from habitue.promotions.points_origin import Origin
from habitue.promotions.program import Program
from habitue.promotions.referral import Friend
from habitue.promotions.resources import OwnerDecision, ResourceChanges, Resources
from habitue.promotions.tally import paid, takes_of, tally_of
from habitue.promotions.trace import CampaignTrace, RuleFailure

ProfileEvent = Literal["talon_profile_created", "talon_profile_updated"]


class ProfileCommand(msgspec.Struct, frozen=True):
    """A request to update a profile. `purpose` of None leaves the rules alone.

    `pointer` is where the profile stands in the request, for its faults. A profile that is unknown
    comes to be, unless `creates` says otherwise. `tells` names the resources that the answer shall
    tell.
    """

    integration_id: str
    attributes: Attributes
    purpose: Purpose | None = None
    pointer: str = ""
    audiences: tuple[MembershipChange, ...] = ()
    creates: bool = True
    tells: frozenset[str] = frozenset()

    @property
    def dry(self) -> bool:
        return self.purpose is not None and self.purpose.dry


class ProfileDecision(msgspec.Struct, frozen=True):
    """The outcome; `active` says that it counts as activity of the customer.

    `attributes` are all of them, `changes` those that were sent or set by rules. `points`, `owners`
    and `iterations` are what happens to ledgers, to those of others, and to progress in
    achievements.
    """

    attributes: Attributes
    active: bool
    changes: Attributes
    effects: tuple[Effect, ...] = ()
    failures: tuple[RuleFailure, ...] = ()
    trace: tuple[CampaignTrace, ...] = ()
    triggered_campaign_ids: tuple[int, ...] = ()
    resource_changes: ResourceChanges = ResourceChanges()
    points: tuple[LedgerDecision, ...] = ()
    owners: tuple[OwnerDecision, ...] = ()
    iterations: tuple[Iteration, ...] = ()


def decide_profile(
    command: ProfileCommand,
    customer: Customer,
    program: Program,
    now: datetime,
    resources: Resources = NO_RESOURCES,
    event_id: int = 0,
) -> ProfileDecision:
    """What the update does. Raises `InvalidInput`; nothing has happened then."""
    faults = validate(
        command.attributes, program.profile_definitions, "CustomerProfile", "/attributes"
    )
    if faults:
        raise InvalidInput(*(fault.under(command.pointer) for fault in faults))
    check_known(command.audiences, program.audiences)
    sent = normalised(command.attributes)
    if command.purpose is None:
        return ProfileDecision(
            merged(customer.attributes, sent),
            active=False,
            changes=sent,
            resource_changes=ResourceChanges(
                audiences=changes_between(resources.audiences, _wished(command, resources))
            ),
        )
    check_campaigns(command.purpose, program, command.pointer)
    return _evaluated(command, command.purpose, customer, sent, program, now, resources, event_id)


def _wished(command: ProfileCommand, resources: Resources) -> frozenset[int]:
    wishes = ((each.audience_id, each.joins) for each in command.audiences)
    return changed(resources.audiences, wishes)


def check_campaigns(purpose: Purpose, program: Program, pointer: str) -> None:
    """Raises `InvalidInput` where the run is restricted to a campaign that does not exist."""
    unknown = [each for each in purpose.campaign_ids or () if each not in program.campaigns]
    if unknown:
        details = f"campaign {unknown[0]} does not exist in this Application"
        raise InvalidInput(Fault(f"{pointer}/evaluableCampaignIds", "Unknown", details))


def profile_facts(
    profile_id: str,
    customer: Customer,
    attributes: Attributes,
    program: Program,
    audiences: AudienceFacts = NO_AUDIENCES,
    points: PointsBook | None = None,
) -> ProfileFacts:
    """The customer as rules see them."""
    return ProfileFacts(
        profile_id,
        readable(attributes, program.fact_definitions.profile),
        created=customer.created,
        last_activity=customer.last_activity,
        customer_id=customer.id,
        closed_sessions=customer.closed_sessions,
        total_sales=customer.total_sales,
        audiences=audiences,
        loyalty=None if points is None else BookFacts(points),
    )


def customer_facts(
    profile_id: str,
    customer: Customer,
    resources: Resources,
    program: Program,
    points: PointsBook | None = None,
) -> ProfileFacts:
    """The customer with the stored attributes and audiences, as rules see them."""
    present = resources.audiences
    audiences = audience_facts(present, present, program.audience_names)
    return profile_facts(profile_id, customer, customer.attributes, program, audiences, points)


def no_codes(profile_id: str, purpose: Purpose, program: Program, now: datetime) -> CouponBook:
    """The codes of a request that brings none."""
    return CouponBook(
        (),
        program.campaigns,
        [],
        evaluable=purpose.campaign_ids,
        now=now,
        zone=program.zone,
        profile_id=profile_id,
    )


def profile_event(customer: Customer) -> ProfileEvent:
    """The event that an update of the profile with the rules is."""
    return "talon_profile_updated" if customer.version else "talon_profile_created"


def _evaluated(
    command: ProfileCommand,
    purpose: Purpose,
    customer: Customer,
    sent: Attributes,
    program: Program,
    now: datetime,
    resources: Resources,
    event_id: int,
) -> ProfileDecision:
    attributes = merged(customer.attributes, sent)
    book = no_codes(command.integration_id, purpose, program, now)
    event = EventFacts(profile_event(customer))
    before, present = resources.audiences, _wished(command, resources)
    audiences = audience_facts(before, present, program.audience_names)
    books = books_at_once(customer, program, event_id, now, resources)
    facts = profile_facts(
        command.integration_id, customer, attributes, program, audiences, books.points
    )
    wished = msgspec.structs.replace(resources, audiences=present)
    place = Place(now, program.zone, has_profile=True, closes=True)
    tally = tally_of(program.limits, resources.budgets, place, ())
    friend = Friend(customer.id, command.integration_id)
    issuing = issuing_of(program, resources, friend, "", now, tally, closes=True)
    evaluated = evaluate(
        program, purpose, None, facts, book, now, wished, tally, event, books, issuing
    )
    more = issuing.more(closes=True) if issuing else ()
    takes = takes_of(tally, evaluated.effects, (), more) if tally else ()
    changes = evaluated.resource_changes
    if issuing:
        changes = issuing.changed(changes, closes=True)
    set_by_rules = profile_changes(evaluated.attribute_changes)
    return ProfileDecision(
        merged(attributes, set_by_rules),
        active=True,
        changes={**sent, **set_by_rules},
        effects=evaluated.effects,
        failures=evaluated.failures,
        trace=evaluated.trace,
        triggered_campaign_ids=evaluated.triggered_campaign_ids,
        resource_changes=paid(
            msgspec.structs.replace(
                books.laid_over(changes),
                audiences=changes_between(before, after(present, changes.audiences)),
            ),
            takes,
            program.version,
        ),
        points=books.ledgers,
        owners=books.owners,
        iterations=books.iterations,
    )


def books_of(
    program: Program,
    resources: Resources,
    owner: Customer,
    origin: Origin,
    now: datetime,
    cards: Sequence[str] = (),
) -> Books:
    """The books of `owner` as of that moment, where the request names those cards."""
    points = achievements = None
    if program.loyalty:
        points = PointsBook(
            program.loyalty,
            program.loyalty_served,
            resources.points,
            owner,
            origin,
            now,
            resources.owners,
            cards,
        )
    if program.achievements:
        progress = resources.achievements
        root_id = progress.root_id or owner.id
        achievements = AchievementBook(
            program.achievements, progress.iterations, root_id, origin, now
        )
    return Books(points, achievements)


def books_at_once(
    customer: Customer,
    program: Program,
    event_id: int,
    now: datetime,
    resources: Resources,
    cards: Sequence[str] = (),
) -> Books:
    """The books of a customer to whom something happens that no session is."""
    origin = Origin(program.application.id, event_id)
    return books_of(program, resources, customer, origin, now, cards)
