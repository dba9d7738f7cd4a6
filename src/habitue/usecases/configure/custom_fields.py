"""Custom fields: the shop's own free fields, each in a scope, some bound to a pattern.

What is compulsory, and what options there are, is told to clients and not enforced; a pattern is
(contracts/capillary/SPEC.md section 9.1). Scope and name stay as they are.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.field_patterns import pattern_flaw, whole_matches
from habitue.customers.organisation import CustomField, Organisation
from habitue.model.errors import Fault
from habitue.model.limits import NAME_LENGTH_MAX
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.configure.entries import (
    change_entry,
    create_entry,
    fixed_faults,
    found,
    refuse_taken,
    required_faults,
)
from habitue.usecases.configure.extended_fields import OPTIONS_MAX
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.shop import Shop

CUSTOM_FIELD_SCOPES = (
    "loyalty_registration",
    "loyalty_transaction",
    "customer_feedback",
    "customer_preferences",
    "store_custom_fields",
    "points_redemption",
    "voucher_redemption",
    "check_in_feedback",
    "customer_card",
)
_FIXED = {"scope": "/scope", "name": "/name"}


class CustomFieldFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a custom field; without a label its name is shown."""

    name: str | UnsetType = UNSET
    label: str | UnsetType | None = UNSET
    scope: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    regex: str | UnsetType | None = UNSET
    error: str | UnsetType | None = UNSET
    options: tuple[str, ...] | UnsetType | None = UNSET
    default_value: str | UnsetType | None = UNSET
    compulsory: bool | UnsetType | None = UNSET
    disabled: bool | UnsetType | None = UNSET
    updatable: bool | UnsetType | None = UNSET
    personal: bool | UnsetType | None = UNSET


async def create_custom_field(shop: Shop, fields: CustomFieldFields, now: datetime) -> CustomField:
    """The new field. Raises `InvalidInput`, or `EntryExists`."""

    def make(organisation: Organisation, id_: int) -> CustomField:
        return new_custom_field(organisation, id_, fields, now)

    return await create_entry(shop, "custom_field", make)


async def update_custom_field(shop: Shop, field_id: int, fields: CustomFieldFields) -> CustomField:
    """The field as changed. Raises `NotFound` or `InvalidInput`."""

    def find(organisation: Organisation) -> CustomField:
        return found("Custom field", field_id, organisation.custom_fields)

    def change(organisation: Organisation, old: CustomField) -> CustomField:
        return changed_custom_field(organisation, old, fields)

    return await change_entry(shop, find, change)


def new_custom_field(
    organisation: Organisation, id_: int, fields: CustomFieldFields, now: datetime
) -> CustomField:
    """The field that `fields` describe. Raises `InvalidInput`, or `EntryExists`."""
    field = _laid_over(CustomField(id_, "", "", now), fields)
    refuse_if_any(_faults(field))
    taken = (field.scope, field.name) in organisation.custom_field_of
    refuse_taken("Custom field", f"{field.scope}:{field.name}", taken)
    return field


def changed_custom_field(
    organisation: Organisation, old: CustomField, fields: CustomFieldFields
) -> CustomField:
    """`old` with `fields` laid over it. Raises `InvalidInput`."""
    field = _laid_over(old, fields)
    refuse_if_any([*_faults(field), *fixed_faults(old, field, _FIXED)])
    return field


def _laid_over(old: CustomField, fields: CustomFieldFields) -> CustomField:
    field = laid_over(old, sent(fields))
    return msgspec.structs.replace(field, name=field.name.strip(), label=field.label or field.name)


def _faults(field: CustomField) -> Iterator[Fault]:
    yield from required_faults(field.name, "/name")
    if field.scope not in CUSTOM_FIELD_SCOPES:
        yield Fault("/scope", "Unknown", f"a scope is one of {', '.join(CUSTOM_FIELD_SCOPES)}")
    yield from required_faults(field.type, "/type")
    yield from text_faults(field.label, "/label", NAME_LENGTH_MAX)
    yield from text_faults(field.error, "/error", NAME_LENGTH_MAX)
    yield from text_faults(field.default_value, "/defaultValue", NAME_LENGTH_MAX)
    if len(field.options) > OPTIONS_MAX:
        yield Fault("/options", "Too many", f"at most {OPTIONS_MAX} options are accepted")
    for index, option in enumerate(field.options):
        yield from text_faults(option, f"/options/{index}", NAME_LENGTH_MAX)
    flaw = pattern_flaw(field.regex)
    if flaw:
        yield Fault("/regex", "Invalid pattern", f"the regular expression is not valid: {flaw}")
    default = field.default_value
    if default and field.regex and not flaw and not whole_matches(field.regex, default):
        yield Fault("/defaultValue", "Invalid", "the default does not match the pattern")
