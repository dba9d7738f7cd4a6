"""Types of custom events: named by the shop, or by the first attribute of events of that type.

A type that is removed is not tracked any more; its attributes stay, and serve again when it is made
anew.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import NAME_LENGTH_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.event import BUILT_IN, EventType
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import description_faults, refuse_if_any, text_faults
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class EventTypeFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a type of events; without a title the name is shown."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


async def create_event_type(shop: Shop, fields: EventTypeFields, now: datetime) -> EventType:
    """The new type. Raises `InvalidInput`, or `Conflict` when the name is taken."""
    (id_,) = await new_ids(shop.database, "event_type")

    async def decide(configuration: Configuration) -> Decision[EventType]:
        if fields.name is UNSET:
            refuse_if_any([Fault("/name", "Missing", "name is required")])
        type_ = _checked(laid_over(EventType(id_, "", "", created=now), sent(fields)))
        if event_type_named(configuration, type_.name) is not None:
            raise Conflict(f'An event type "{type_.name}" exists already')
        return Decision(type_, (Change(type_),))

    return await settle(shop, decide)


async def update_event_type(shop: Shop, type_id: int, fields: EventTypeFields) -> EventType:
    """The type as changed. Raises `NotFound` or `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[EventType]:
        old = event_type_of(configuration, type_id)
        if fields.name not in (UNSET, old.name):
            refuse_if_any([Fault("/name", "Fixed", "the name of a type cannot be changed")])
        type_ = _checked(laid_over(old, sent(fields)))
        return Decision(type_, () if type_ == old else (Change(type_),))

    return await settle(shop, decide)


async def delete_event_type(shop: Shop, type_id: int) -> None:
    """Removes the type. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        return Decision(None, (Change(event_type_of(configuration, type_id), deleted=True),))

    await settle(shop, decide)


def event_type_of(configuration: Configuration, type_id: int) -> EventType:
    """The type of that id. Raises `NotFound`."""
    type_ = configuration.event_types.get(type_id)
    if type_ is None:
        raise NotFound("Event type", type_id)
    return type_


def event_type_named(configuration: Configuration, name: str) -> EventType | None:
    """The type of that name, if there is one."""
    types = configuration.event_types.values()
    return next((each for each in types if each.name == name), None)


def event_name_faults(name: str, pointer: str) -> Iterator[Fault]:
    """What is wrong with the name of a type of events."""
    if not name.strip():
        yield Fault(pointer, "Missing", "an event type has a name")
    if name.startswith(BUILT_IN):
        yield Fault(pointer, "Not allowed", f"names that begin with {BUILT_IN} are built in")
    yield from text_faults(name, pointer, NAME_LENGTH_MAX)


def _checked(type_: EventType) -> EventType:
    type_ = msgspec.structs.replace(type_, title=type_.title or type_.name)
    refuse_if_any(_faults(type_))
    return type_


def _faults(type_: EventType) -> Iterator[Fault]:
    yield from event_name_faults(type_.name, "/name")
    yield from text_faults(type_.title, "/title", NAME_LENGTH_MAX)
    yield from description_faults(type_.description)
