"""Deciding what a custom event does: what the rules give for it, at once and for good.

An event has no cart: what a rule reads of the session is unset, unless the event is about one that
is closed. There is no closing either, so what is given is given now.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from habitue.customers.claims import event_key
from habitue.customers.customer import Customer
from habitue.model.attributes import Attributes, merged, normalised, validate
from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.promotions.budgets import Place
from habitue.promotions.decide_profile import (
    ProfileDecision,
    books_at_once,
    check_campaigns,
    customer_facts,
    no_codes,
)
from habitue.promotions.evaluate import Purpose, evaluate, profile_changes
from habitue.promotions.event import BUILT_IN, event_facts
from habitue.promotions.facts import PastSession
from habitue.promotions.opening import issuing_of
from habitue.promotions.program import Program
from habitue.promotions.referral import Friend
from habitue.promotions.resources import EventChange, Resources
from habitue.promotions.session import Session
from habitue.promotions.tally import paid, takes_of, tally_of


class EventCommand(msgspec.Struct, frozen=True):
    """A custom event that has happened. An advanced one has an `integration_id`, and may name a
    closed session as `connected_session_id`. `tells` names the resources that the answer shall
    tell."""

    profile_id: str
    type: str
    attributes: Attributes
    purpose: Purpose
    store_integration_id: str = ""
    loyalty_cards: tuple[str, ...] | None = None
    integration_id: str = ""
    connected_session_id: str = ""
    tells: frozenset[str] = frozenset()


class EventExists(Conflict):
    """An advanced event of that id has happened already."""

    def __init__(self, integration_id: str) -> None:
        super().__init__(f"An advanced event {integration_id[:80]!r} already exists")


def decide_event(
    command: EventCommand,
    customer: Customer,
    event_id: int,
    program: Program,
    now: datetime,
    resources: Resources,
) -> ProfileDecision:
    """What the event does. Raises `InvalidInput` or `EventExists`; nothing has happened then."""
    _check(command, customer, program, resources)
    if resources.event.exists:
        raise EventExists(command.integration_id)
    sent = normalised(command.attributes)
    definitions = program.event_types[command.type]
    session = resources.event.session
    store = command.store_integration_id
    place = Place(now, program.zone, has_profile=True, store=store, closes=True)
    tally = tally_of(program.limits_in(store), resources.budgets, place, ())
    cards = command.loyalty_cards or ()
    books = books_at_once(customer, program, event_id, now, resources, cards)
    friend = Friend(customer.id, command.profile_id)
    issuing = issuing_of(program, resources, friend, "", now, tally, closes=True)
    evaluated = evaluate(
        program,
        command.purpose,
        PastSession(session, program.fact_definitions) if session else None,
        customer_facts(command.profile_id, customer, resources, program, books.points),
        no_codes(command.profile_id, command.purpose, program, now),
        now,
        resources,
        tally,
        event_facts(command.type, sent, definitions, command.store_integration_id),
        books,
        issuing,
    )
    more = issuing.more(closes=True) if issuing else ()
    takes = takes_of(tally, evaluated.effects, (), more) if tally else ()
    changes = evaluated.resource_changes
    if issuing:
        changes = issuing.changed(changes, closes=True)
    set_by_rules = profile_changes(evaluated.attribute_changes)
    event = EventChange(
        id=event_id,
        effects=evaluated.effects,
        application_id=program.application.id,
        type=command.type,
        attributes=sent,
        store_integration_id=command.store_integration_id,
        integration_id=command.integration_id,
        key=_key(command, program),
        connected_session=command.connected_session_id,
    )
    return ProfileDecision(
        merged(customer.attributes, set_by_rules),
        active=True,
        changes=set_by_rules,
        effects=evaluated.effects,
        failures=evaluated.failures,
        trace=evaluated.trace,
        triggered_campaign_ids=evaluated.triggered_campaign_ids,
        resource_changes=paid(
            msgspec.structs.replace(books.laid_over(changes), event=event),
            takes,
            program.version,
        ),
        points=books.ledgers,
        owners=books.owners,
        iterations=books.iterations,
    )


def _key(command: EventCommand, program: Program) -> str | None:
    if not command.integration_id:
        return None
    return str(event_key(program.application.id, command.integration_id))


def _check(
    command: EventCommand, customer: Customer, program: Program, resources: Resources
) -> None:
    check_campaigns(command.purpose, program, "")
    faults = [*_faults(command, program)]
    if command.connected_session_id:
        faults += _session_faults(resources.event.session, customer)
    if faults:
        raise InvalidInput(*faults)


def _faults(command: EventCommand, program: Program) -> Iterator[Fault]:
    if not command.profile_id:
        yield Fault("/profileId", "required", "an event happens to somebody")
    if command.store_integration_id and command.store_integration_id not in program.lists.store_ids:
        details = f"store {command.store_integration_id!r} does not exist in this Application"
        yield Fault("/storeIntegrationId", "Unknown", details)
    definitions = program.event_types.get(command.type)
    if definitions is not None:
        yield from validate(command.attributes, definitions, "Event", "/attributes")
    elif command.type.startswith(BUILT_IN):
        details = "built-in events are what updates of sessions and profiles are"
        yield Fault("/type", "Not allowed", details)
    else:
        yield Fault("/type", "Unknown", f"there is no event type {command.type[:80]!r}")


def _session_faults(session: Session | None, customer: Customer) -> Iterator[Fault]:
    pointer = "/connectedSessionId"
    if session is None:
        yield Fault(pointer, "Unknown", "this session does not exist in this Application")
    elif session.customer_id != customer.id or not session.profile_id:
        yield Fault(pointer, "Not allowed", "this session is not one of the profile")
    elif session.state != "closed":
        details = f"only a closed session can be connected; this one is {session.state}"
        yield Fault(pointer, "Not allowed", details)
