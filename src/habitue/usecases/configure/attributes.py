"""Definitions of custom attributes.

What rules and stored values rest on cannot be changed: the entity, the name, the type, and the
applications that an attribute is already offered to (contracts/talon_one/SEMANTICS.md section 2).
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import AttributeDefinition, AttributeType, Entity
from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import NAME_LENGTH_MAX, SUGGESTIONS_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.event import EventType
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    api_name_faults,
    application_faults,
    description_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.event_types import event_name_faults, event_type_named
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

#: The types whose values can be among the lines of a file.
LISTED_TYPES = frozenset({"string", "number", "(list string)", "(list number)"})


class AttributeFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an attribute; without a title the name is shown."""

    entity: Entity | UnsetType = UNSET
    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    type: AttributeType | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    suggestions: tuple[str, ...] | UnsetType | None = UNSET
    editable: bool | UnsetType | None = UNSET
    restricted_by_suggestions: bool | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET
    event_type: str | UnsetType | None = UNSET
    has_allowed_list: bool | UnsetType | None = UNSET


async def create_attribute(
    shop: Shop, fields: AttributeFields, now: datetime
) -> AttributeDefinition:
    """The new attribute. Raises `InvalidInput`, or `Conflict` when name or title are taken."""
    (id_,) = await new_ids(shop.database, "attribute")
    type_ids = await new_ids(shop.database, "event_type") if fields.entity == "Event" else [0]

    async def decide(configuration: Configuration) -> Decision[AttributeDefinition]:
        attribute = new_attribute(configuration, id_, fields, now)
        type_ = new_type_of(configuration, attribute, type_ids[0])
        changes = (Change(attribute),) if type_ is None else (Change(attribute), Change(type_))
        return Decision(attribute, changes)

    return await settle(shop, decide)


async def update_attribute(
    shop: Shop, attribute_id: int, fields: AttributeFields
) -> AttributeDefinition:
    """The attribute as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[AttributeDefinition]:
        old = configuration.attributes.get(attribute_id)
        if old is None:
            raise NotFound("Attribute", attribute_id)
        attribute = changed_attribute(configuration, old, fields)
        return Decision(attribute, (Change(attribute),))

    return await settle(shop, decide)


def new_attribute(
    configuration: Configuration, id_: int, fields: AttributeFields, now: datetime
) -> AttributeDefinition:
    """The attribute that `fields` describe. Raises `InvalidInput` or `Conflict`."""
    refuse_if_any(_missing(fields))
    name = str(fields.name)
    blank = AttributeDefinition(id_, "Coupon", name, name, "string", created=now)
    attribute = _titled(laid_over(blank, sent(fields)))
    refuse_if_any(_faults(configuration, attribute))
    _refuse_taken(configuration, attribute)
    return attribute


def new_type_of(
    configuration: Configuration, attribute: AttributeDefinition, type_id: int
) -> EventType | None:
    """The type of events that comes to be with its first attribute; None where there is none."""
    name = attribute.event_type
    if not name or event_type_named(configuration, name) is not None:
        return None
    return EventType(type_id, name, name, attribute.created)


def changed_attribute(
    configuration: Configuration, old: AttributeDefinition, fields: AttributeFields
) -> AttributeDefinition:
    """`old` with `fields` laid over it. Raises `InvalidInput` or `Conflict`."""
    if old.builtin:
        details = f'"{old.name}" is a built-in attribute and cannot be changed'
        refuse_if_any([Fault("", "Built in", details)])
    attribute = _titled(laid_over(old, sent(fields)))
    refuse_if_any(_fixed(old, attribute))
    refuse_if_any(_faults(configuration, attribute))
    _refuse_taken(configuration, attribute)
    return attribute


def _missing(fields: AttributeFields) -> Iterator[Fault]:
    for name in ("entity", "name", "type"):
        if getattr(fields, name) is UNSET:
            yield Fault(f"/{name}", "Missing", f"{name} is required")


def _titled(attribute: AttributeDefinition) -> AttributeDefinition:
    title = attribute.title or attribute.name
    allowed = attribute.allowed_list if attribute.has_allowed_list else frozenset()
    return msgspec.structs.replace(attribute, title=title, allowed_list=allowed)


def _fixed(old: AttributeDefinition, new: AttributeDefinition) -> Iterator[Fault]:
    for name, pointer in (
        ("entity", "/entity"),
        ("name", "/name"),
        ("type", "/type"),
        ("event_type", "/eventType"),
    ):
        if getattr(old, name) != getattr(new, name):
            details = "cannot be changed; create another attribute instead"
            yield Fault(pointer, "Fixed", details)
    before, after = set(old.subscribed_application_ids), set(new.subscribed_application_ids)
    if after and not (before and before <= after):
        details = "an attribute cannot be taken away from Applications that have it"
        yield Fault("/subscribedApplicationsIds", "Fixed", details)


def _faults(configuration: Configuration, attribute: AttributeDefinition) -> Iterator[Fault]:
    yield from api_name_faults(attribute.name, attribute.title)
    yield from description_faults(attribute.description)
    yield from _suggestion_faults(attribute)
    ids = attribute.subscribed_application_ids
    yield from application_faults(ids, configuration, "/subscribedApplicationsIds")
    if (attribute.entity == "Event") != bool(attribute.event_type):
        details = "an attribute of an Event names its event type, and no other attribute does"
        yield Fault("/eventType", "Invalid event type", details)
    elif attribute.event_type:
        yield from event_name_faults(attribute.event_type, "/eventType")


def _suggestion_faults(attribute: AttributeDefinition) -> Iterator[Fault]:
    if len(attribute.suggestions) > SUGGESTIONS_MAX:
        details = f"at most {SUGGESTIONS_MAX} suggestions are accepted"
        yield Fault("/suggestions", "Too many", details)
    for index, suggestion in enumerate(attribute.suggestions):
        if not suggestion:
            yield Fault(f"/suggestions/{index}", "Missing", "a suggestion is not empty")
        yield from text_faults(suggestion, f"/suggestions/{index}", NAME_LENGTH_MAX)
    if attribute.has_allowed_list:
        yield from allowed_list_faults(attribute)
    elif attribute.restricted_by_suggestions and not attribute.suggestions:
        details = "without suggestions no value would be accepted"
        yield Fault("/restrictedBySuggestions", "Missing suggestions", details)
    if attribute.restricted_by_suggestions and "string" not in attribute.type:
        details = "only attributes of strings can be restricted by suggestions"
        yield Fault("/restrictedBySuggestions", "Not supported", details)


def allowed_list_faults(attribute: AttributeDefinition) -> Iterator[Fault]:
    """Why an attribute of that type can have no list of allowed values."""
    if attribute.type not in LISTED_TYPES:
        details = "only attributes of strings and numbers have a list of allowed values"
        yield Fault("/hasAllowedList", "Not supported", details)


def _refuse_taken(configuration: Configuration, attribute: AttributeDefinition) -> None:
    for other in configuration.attributes.values():
        if other.id == attribute.id or other.entity != attribute.entity:
            continue
        if other.event_type != attribute.event_type:
            continue
        for word, taken in (("name", other.name), ("title", other.title)):
            if getattr(attribute, word) == taken:
                raise Conflict(f'A {attribute.entity} attribute with {word} "{taken}" exists')
