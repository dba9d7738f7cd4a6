"""The entries of an `Organisation`: their kinds, their names, and how changes are laid over it.

Words: a *room* is the mapping of the organisation that holds the entries of one kind. The name of
an entry is what it is told apart by within its kind.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import msgspec

from habitue.customers.organisation import (
    CardLabel,
    CardSeries,
    CustomField,
    ExtendedField,
    Organisation,
    SettingsEntry,
    SourceAccount,
    StatusLabel,
    Till,
    folded,
)
from habitue.customers.settings import RegistrationSettings
from habitue.store.configuration import OrganisationKind

OrganisationEntry: TypeAlias = (
    SourceAccount
    | Till
    | ExtendedField
    | CustomField
    | StatusLabel
    | CardLabel
    | CardSeries
    | SettingsEntry
)


class Place(NamedTuple):
    """Where entries of a type are kept: their kind in the store, their room in the value."""

    kind: OrganisationKind
    room: str


PLACES: Mapping[type, Place] = {
    SourceAccount: Place("source_account", "source_accounts"),
    Till: Place("till", "tills"),
    ExtendedField: Place("extended_field", "extended_fields"),
    CustomField: Place("custom_field", "custom_fields"),
    StatusLabel: Place("status_label", "status_labels"),
    CardLabel: Place("card_label", "card_labels"),
    CardSeries: Place("card_series", "card_series"),
    SettingsEntry: Place("registration_settings", "settings"),
}


def name_of(entry: OrganisationEntry) -> str:
    """What an entry is told apart by within its kind."""
    match entry:
        case SourceAccount():
            return f"{entry.source}:{entry.account_id}"
        case ExtendedField():
            return f"{entry.entity}:{entry.name}"
        case CustomField():
            return f"{entry.scope}:{entry.name}"
        case StatusLabel() | CardLabel():
            return folded(entry.label)
        case Till() | CardSeries():
            return entry.code
    return ""


def stored_form(entry: OrganisationEntry) -> Any:
    """What is stored of an entry. Of settings, those that the shop has changed: the others keep
    following the product."""
    if not isinstance(entry, SettingsEntry):
        return entry
    defaults = RegistrationSettings()
    changed = {
        name: value
        for name, value in msgspec.structs.asdict(entry.settings).items()
        if value != getattr(defaults, name)
    }
    return {"id": entry.id, "settings": changed}


def with_entry(organisation: Organisation, entry: OrganisationEntry) -> Organisation:
    """The organisation with one entry more, or in the place of that of its id."""
    kind = PLACES[type(entry)].kind
    return with_changes(organisation, {kind: {entry.id: entry}})


def with_changes(
    organisation: Organisation, changed: Mapping[str, Mapping[Any, Any]]
) -> Organisation:
    """The organisation with changes by kind and id laid over it; None stands for a removal."""
    fields = {
        place.room: _laid_over(organisation, place.room, changed[place.kind])
        for place in PLACES.values()
        if changed.get(place.kind)
    }
    return msgspec.structs.replace(organisation, **fields) if fields else organisation


def _laid_over(organisation: Organisation, room: str, changes: Mapping[Any, Any]) -> Any:
    if room == "settings":
        (entry,) = changes.values()
        return organisation.settings if entry is None else entry.settings
    merged = {**getattr(organisation, room), **changes}
    return MappingProxyType({key: each for key, each in merged.items() if each is not None})
