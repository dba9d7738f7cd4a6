"""What a shop file says of the shop itself: tills, source accounts, fields, labels, card series.

tills:
  - {code: orchard.till03, storeCode: orchard}
sourceAccounts:
  - {source: MOBILE_APP, accountId: app-1}
extendedFields:
  - {name: shoe_size, type: INTEGER}
customFields:
  - {name: pin, regex: "[0-9]{4}"}
statusLabels:
  - {label: Chargeback, status: SUSPENDED, blocks: [transactions]}
cardLabels:
  - {label: CARD PRINTED, status: NOT_ISSUED}
cardSeries:
  - code: GOLD
    type: DIGITAL
    generates: true
    generation: {prefix: GOLD, length: 12}
registration:
  primaryKind: email
"""

import re
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import FieldType
from habitue.edges.http.numbers import Integer
from habitue.usecases.apply import (
    WantedEntry,
    WantedLabels,
    WantedOrganisation,
    WantedSettings,
)
from habitue.usecases.configure.card_series import CardSeriesFields, GenerationFields
from habitue.usecases.configure.custom_fields import CustomFieldFields
from habitue.usecases.configure.extended_fields import ExtendedFieldFields
from habitue.usecases.configure.labels import LabelWish
from habitue.usecases.configure.source_accounts import SourceAccountFields
from habitue.usecases.configure.tills import TillFields

Fields = TypeVar("Fields", bound=msgspec.Struct)
_CAPITAL = re.compile(r"[A-Z]")


class TillEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A till, by its code."""

    code: str
    name: str | UnsetType | None = UNSET
    store_code: str | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class SourceAccountEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """An account in a source, by both."""

    source: str
    account_id: str
    name: str | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType | None = UNSET


class ExtendedFieldEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """An extended field, by entity and name."""

    name: str
    entity: str | UnsetType = UNSET
    label: str | UnsetType | None = UNSET
    type: FieldType | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType | None = UNSET
    length_max: Integer | UnsetType | None = UNSET
    element_type: Literal["TEXT", "INTEGER", "DECIMAL"] | UnsetType | None = UNSET
    count_min: Integer | UnsetType | None = UNSET
    count_max: Integer | UnsetType | None = UNSET


class CustomFieldEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A custom field, by scope and name."""

    name: str
    scope: str | UnsetType | None = UNSET
    label: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    regex: str | UnsetType | None = UNSET
    error: str | UnsetType | None = UNSET
    options: tuple[str, ...] | UnsetType | None = UNSET
    default_value: str | UnsetType | None = UNSET
    compulsory: bool | UnsetType | None = UNSET
    disabled: bool | UnsetType | None = UNSET
    updatable: bool | UnsetType | None = UNSET
    personal: bool | UnsetType | None = UNSET


class LabelEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A label of cards."""

    label: str
    status: str
    default: bool = False


class StatusLabelEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A label of customers, and what it blocks."""

    label: str
    status: str
    default: bool = False
    blocks: tuple[str, ...] | None = None


class GenerationEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """How the numbers of a series are made."""

    prefix: str | UnsetType | None = UNSET
    suffix: str | UnsetType | None = UNSET
    offset: Integer | UnsetType | None = UNSET
    length: Integer | UnsetType | None = UNSET
    method: str | UnsetType | None = UNSET


class CardSeriesEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A card series, by its code."""

    code: str
    name: str | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    active: bool | UnsetType | None = UNSET
    expires: bool | UnsetType | None = UNSET
    expiry_days: Integer | UnsetType | None = UNSET
    generates: bool | UnsetType | None = UNSET
    generation: GenerationEntry | UnsetType | None = UNSET
    trigger: str | UnsetType | None = UNSET
    concept_code: str | UnsetType | None = UNSET
    active_cards_max: Integer | UnsetType | None = UNSET


class OrganisationEntries(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The part of a file that is about the shop itself."""

    tills: list[TillEntry] = []
    source_accounts: list[SourceAccountEntry] = []
    extended_fields: list[ExtendedFieldEntry] = []
    custom_fields: list[CustomFieldEntry] = []
    status_labels: list[StatusLabelEntry] = []
    card_labels: list[LabelEntry] = []
    card_series: list[CardSeriesEntry] = []
    registration: dict[str, Any] = {}


def wanted_organisation(file: OrganisationEntries, at: str) -> WantedOrganisation:
    """What the file at that place wants of the shop itself."""
    entries = (
        *_entries(file.tills, TillFields, f"{at}/tills"),
        *_entries(file.source_accounts, SourceAccountFields, f"{at}/sourceAccounts"),
        *_entries(file.extended_fields, ExtendedFieldFields, f"{at}/extendedFields"),
        *_entries(file.custom_fields, CustomFieldFields, f"{at}/customFields"),
        *(
            WantedEntry(f"{at}/cardSeries/{index}", _series(entry))
            for index, entry in enumerate(file.card_series)
        ),
    )
    labels = (
        WantedLabels(f"{at}/statusLabels", "customer", _wishes(file.status_labels)),
        WantedLabels(f"{at}/cardLabels", "card", _wishes(file.card_labels)),
    )
    changes = {_snake(name): value for name, value in file.registration.items()}
    return WantedOrganisation(
        entries=entries,
        labels=tuple(each for each in labels if each.wishes),
        settings=(WantedSettings(f"{at}/registration", changes),) if changes else (),
    )


def _entries(
    entries: Sequence[msgspec.Struct], type_: type[msgspec.Struct], at: str
) -> list[WantedEntry]:
    return [
        WantedEntry(f"{at}/{index}", _fields(entry, type_)) for index, entry in enumerate(entries)
    ]


def _fields(entry: msgspec.Struct, type_: type[Fields]) -> Fields:
    return type_(**{name: getattr(entry, name) for name in entry.__struct_fields__})


def _series(entry: CardSeriesEntry) -> CardSeriesFields:
    sent = _fields(entry, CardSeriesFields)
    if not isinstance(entry.generation, GenerationEntry):
        return sent
    generation = _fields(entry.generation, GenerationFields)
    return msgspec.structs.replace(sent, generation=generation)


def _wishes(entries: Sequence[LabelEntry | StatusLabelEntry]) -> tuple[LabelWish, ...]:
    return tuple(
        LabelWish(
            label=entry.label,
            status=entry.status,
            is_default=entry.default,
            blocks=getattr(entry, "blocks", None),
        )
        for entry in entries
    )


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda match: f"_{match[0].lower()}", name)
