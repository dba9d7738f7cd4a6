"""Events: what happens to a customer, told to the rules.

Words: a *built-in* event is one that an update of a session or a profile is; its type begins with
`talon_`. Every other event is *custom*: the shop names its type and what may be said of it, and an
integration tells that it has happened. An *advanced* event is a custom one with an id of its own,
which happens once, and may be about a closed session (contracts/talon_one/SEMANTICS.md sections 3.3
and 10).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from habitue.model.attributes import AttributeDefinition, Attributes, Definitions
from habitue.promotions.facts import readable, time_names

#: How the types of built-in events begin.
BUILT_IN = "talon_"


class EventType(msgspec.Struct, frozen=True):
    """A type of custom events; its name cannot be changed."""

    id: int
    name: str
    title: str
    created: datetime
    description: str = ""


class EventFacts:
    """The event as rules see it; a built-in one has no attributes, and no store of its own."""

    __slots__ = ("attributes", "store", "type")

    def __init__(self, type_: str, attributes: Attributes | None = None, store: str = "") -> None:
        self.type = type_
        self.attributes = attributes or {}
        self.store = store


def event_facts(
    type_: str, attributes: Attributes, definitions: Definitions, store: str = ""
) -> EventFacts:
    """A custom event as rules see it."""
    return EventFacts(type_, readable(attributes, time_names(definitions)), store)


def definitions_by_type(
    types: Iterable[EventType], definitions: Iterable[AttributeDefinition]
) -> Mapping[str, Definitions]:
    """What may be said of events, by their type and then by name."""
    found: dict[str, dict[str, AttributeDefinition]] = {each.name: {} for each in types}
    for definition in definitions:
        if definition.entity == "Event" and definition.event_type in found:
            found[definition.event_type][definition.name] = definition
    return found


def attribute_types(types: Mapping[str, Definitions]) -> dict[str, Any]:
    """The type of each attribute of events; None where two types of events disagree."""
    found: dict[str, Any] = {}
    for definitions in types.values():
        for name, definition in definitions.items():
            agreed = found.setdefault(name, definition.type) == definition.type
            found[name] = definition.type if agreed else None
    return found
