"""The part of a plan that is about what the shop says of itself: tills, fields, labels, series.

Each entry is matched by what it is told apart by: a till by its code, a field by its scope and its
name, a label by itself. What a file does not mention stays.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from habitue.customers.organisation import Organisation, SettingsEntry, folded
from habitue.store.configuration import OrganisationKind
from habitue.usecases.apply.plan import Draft, differences
from habitue.usecases.apply.wanted import WantedEntry, WantedLabels, WantedSettings
from habitue.usecases.configure.card_series import (
    CardSeriesFields,
    changed_card_series,
    new_card_series,
)
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.custom_fields import (
    CustomFieldFields,
    changed_custom_field,
    new_custom_field,
)
from habitue.usecases.configure.extended_fields import (
    ExtendedFieldFields,
    changed_extended_field,
    new_extended_field,
)
from habitue.usecases.configure.labels import (
    LabelWish,
    changed_card_labels,
    changed_status_labels,
    refuse_bad_card_labels,
    status_label_faults,
)
from habitue.usecases.configure.registration_settings import changed_settings
from habitue.usecases.configure.source_accounts import (
    SourceAccountFields,
    changed_source_account,
    new_source_account,
)
from habitue.usecases.configure.tills import TillFields, changed_till, new_till
from habitue.usecases.organisation import OrganisationEntry, name_of


class _Way(NamedTuple):
    """How entries of a kind are found, made and changed."""

    kind: OrganisationKind
    title: str
    find: Callable[[Organisation, Any], OrganisationEntry | None]
    new: Callable[[Organisation, int, Any, datetime], OrganisationEntry]
    changed: Callable[[Organisation, Any, Any], OrganisationEntry]


def plan_entry(draft: Draft, wanted: WantedEntry, now: datetime) -> None:
    """Plans one till, source account, field or card series."""
    way = _WAYS[type(wanted.fields)]
    with draft.faults_under(wanted.at):
        organisation = draft.configuration.organisation
        old = way.find(organisation, wanted.fields)
        if old is None:
            entry = way.new(organisation, draft.take_id(way.kind), wanted.fields, now)
        else:
            entry = way.changed(organisation, old, wanted.fields)
        changed = differences(old or entry, entry)
        if old is None or changed:
            draft.put(entry)
        draft.tell(way.title, name_of(entry), changed, new=old is None)


def plan_labels(draft: Draft, wanted: WantedLabels, now: datetime) -> None:
    """Plans the labels of customers, or those of cards, that one file wants."""
    with draft.faults_under(wanted.at):
        known = _labels(draft.configuration.organisation, wanted)
        for entry in _changed_labels(draft, wanted, now):
            draft.put(entry)
        now_known = _labels(draft.configuration.organisation, wanted)
        wished = dict.fromkeys(folded(wish.label) for wish in wanted.wishes)
        for key in [*wished, *(known.keys() - wished)]:
            old, new = known.get(key), now_known[key]
            changed = differences(old or new, new)
            if key in wished or changed:
                draft.tell(f"{wanted.of} label", new.label, changed, new=old is None)


def plan_settings(draft: Draft, wanted: WantedSettings) -> None:
    """Plans the rules of registration."""
    with draft.faults_under(wanted.at):
        old = draft.configuration.organisation.settings
        new = changed_settings(old, wanted.changes)
        changed = differences(old, new)
        if changed:
            draft.put(SettingsEntry(settings=new))
        draft.tell("registration", "settings", changed, new=False)


def _labels(organisation: Organisation, wanted: WantedLabels) -> Mapping[str, Any]:
    return organisation.card_label_of if wanted.of == "card" else organisation.status_label_of


def _changed_labels(draft: Draft, wanted: WantedLabels, now: datetime) -> list[Any]:
    organisation, wishes = draft.configuration.organisation, wanted.wishes
    if wanted.of == "card":
        refuse_bad_card_labels(wishes)
        ids = [_label_id(draft, "card_label", organisation.card_label_of, each) for each in wishes]
        return list(changed_card_labels(organisation, wishes, ids, now))
    refuse_if_any(status_label_faults(wishes))
    ids = [_label_id(draft, "status_label", organisation.status_label_of, each) for each in wishes]
    return list(changed_status_labels(organisation, wishes, ids, now))


def _label_id(
    draft: Draft, kind: OrganisationKind, known: Mapping[str, Any], wish: LabelWish
) -> int:
    old = known.get(folded(wish.label))
    return draft.take_id(kind) if old is None else int(old.id)


def _said(fields: msgspec.Struct, name: str, otherwise: str = "") -> str:
    value = getattr(fields, name)
    return otherwise if value is UNSET or value is None else str(value).strip()


_WAYS: Mapping[type, _Way] = {
    TillFields: _Way(
        "till",
        "till",
        lambda organisation, fields: organisation.till_of.get(_said(fields, "code")),
        new_till,
        changed_till,
    ),
    SourceAccountFields: _Way(
        "source_account",
        "source account",
        lambda organisation, fields: organisation.source_account_at.get(
            (_said(fields, "source").upper(), _said(fields, "account_id"))
        ),
        new_source_account,
        changed_source_account,
    ),
    ExtendedFieldFields: _Way(
        "extended_field",
        "extended field",
        lambda organisation, fields: organisation.extended_field_of.get(
            (_said(fields, "entity", "CUSTOMER").upper(), _said(fields, "name"))
        ),
        new_extended_field,
        changed_extended_field,
    ),
    CustomFieldFields: _Way(
        "custom_field",
        "custom field",
        lambda organisation, fields: organisation.custom_field_of.get(
            (_said(fields, "scope", "loyalty_registration"), _said(fields, "name"))
        ),
        new_custom_field,
        changed_custom_field,
    ),
    CardSeriesFields: _Way(
        "card_series",
        "card series",
        lambda organisation, fields: organisation.card_series_of.get(_said(fields, "code")),
        new_card_series,
        changed_card_series,
    ),
}
