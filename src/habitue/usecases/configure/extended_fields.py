"""Extended fields: names and types that are the same in every source.

What stored values rest on cannot be changed: the entity, the name and the type. Options may come
and go; a value that was told under an option that is gone stays.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import ExtendedField, FieldType, Organisation
from habitue.model.errors import Fault
from habitue.model.limits import ATTRIBUTE_STRING_LENGTH_MAX, NAME_LENGTH_MAX
from habitue.usecases.configure.checks import api_name_faults, refuse_if_any, text_faults
from habitue.usecases.configure.entries import (
    change_entry,
    create_entry,
    duplicate_faults,
    fixed_faults,
    found,
    refuse_taken,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.shop import Shop

FIELD_ENTITIES = ("CUSTOMER", "CARD", "TRANSACTION", "REGULAR_LINEITEM")
OPTIONS_MAX = 500  # ours: a select box of more has become a search
_ENUMERATIONS = ("STANDARD_ENUM", "CUSTOM_ENUM")
_FIXED = {"entity": "/entity", "name": "/name", "type": "/type", "element_type": "/elementType"}


class ExtendedFieldFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an extended field; without a label its name is shown."""

    entity: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    label: str | UnsetType | None = UNSET
    type: FieldType | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType | None = UNSET
    length_max: int | UnsetType | None = UNSET
    parent_id: int | UnsetType | None = UNSET
    element_type: Literal["TEXT", "INTEGER", "DECIMAL"] | UnsetType | None = UNSET
    count_min: int | UnsetType | None = UNSET
    count_max: int | UnsetType | None = UNSET


async def create_extended_field(
    shop: Shop, fields: ExtendedFieldFields, now: datetime
) -> ExtendedField:
    """The new field. Raises `InvalidInput`, or `EntryExists`."""

    def make(organisation: Organisation, id_: int) -> ExtendedField:
        return new_extended_field(organisation, id_, fields, now)

    return await create_entry(shop, "extended_field", make)


async def update_extended_field(
    shop: Shop, field_id: int, fields: ExtendedFieldFields
) -> ExtendedField:
    """The field as changed. Raises `NotFound` or `InvalidInput`."""

    def find(organisation: Organisation) -> ExtendedField:
        return found("Extended field", field_id, organisation.extended_fields)

    def change(organisation: Organisation, old: ExtendedField) -> ExtendedField:
        return changed_extended_field(organisation, old, fields)

    return await change_entry(shop, find, change)


def new_extended_field(
    organisation: Organisation, id_: int, fields: ExtendedFieldFields, now: datetime
) -> ExtendedField:
    """The field that `fields` describe. Raises `InvalidInput`, or `EntryExists`."""
    missing = [name for name in ("name", "type") if getattr(fields, name) is UNSET]
    refuse_if_any(Fault(f"/{name}", "Missing", f"{name} is required") for name in missing)
    field = _laid_over(ExtendedField(id_, "", "", "STRING", now), fields)
    refuse_if_any(_faults(organisation, field))
    taken = (field.entity, field.name) in organisation.extended_field_of
    refuse_taken("Extended field", f"{field.entity}:{field.name}", taken)
    return field


def changed_extended_field(
    organisation: Organisation, old: ExtendedField, fields: ExtendedFieldFields
) -> ExtendedField:
    """`old` with `fields` laid over it. Raises `InvalidInput`."""
    field = _laid_over(old, fields)
    refuse_if_any([*_faults(organisation, field), *fixed_faults(old, field, _FIXED)])
    return field


def _laid_over(old: ExtendedField, fields: ExtendedFieldFields) -> ExtendedField:
    field = laid_over(old, sent(fields))
    return msgspec.structs.replace(
        field,
        entity=field.entity.strip().upper(),
        label=field.label or field.name,
        options=tuple(each.strip() for each in field.options),
    )


def _faults(organisation: Organisation, field: ExtendedField) -> Iterator[Fault]:
    if field.entity not in FIELD_ENTITIES:
        yield Fault("/entity", "Unknown", f"an entity is one of {', '.join(FIELD_ENTITIES)}")
    yield from api_name_faults(field.name, "Title")
    yield from text_faults(field.label, "/label", NAME_LENGTH_MAX)
    yield from _option_faults(field)
    if not 0 <= field.length_max <= ATTRIBUTE_STRING_LENGTH_MAX:
        bounds = f"from 0 to {ATTRIBUTE_STRING_LENGTH_MAX}"
        yield Fault("/lengthMax", "Out of range", f"a length is {bounds}")
    if field.count_min < 0 or field.count_max < 0:
        yield Fault("/countMin", "Out of range", "a count is not negative")
    elif field.count_max and field.count_min > field.count_max:
        yield Fault("/countMax", "Out of range", "the largest count is below the smallest")
    if field.parent_id and field.parent_id not in organisation.extended_fields:
        yield Fault("/parentId", "Unknown", f"Extended field {field.parent_id} does not exist")


def _option_faults(field: ExtendedField) -> Iterator[Fault]:
    if field.type in _ENUMERATIONS and not field.options:
        yield Fault("/options", "Missing", "an enumeration has options")
    if field.options and field.type not in (*_ENUMERATIONS, "LIST"):
        yield Fault("/options", "Not supported", "only an enumeration or a list has options")
    if len(field.options) > OPTIONS_MAX:
        yield Fault("/options", "Too many", f"at most {OPTIONS_MAX} options are accepted")
    for index, option in enumerate(field.options):
        if not option:
            yield Fault(f"/options/{index}", "Missing", "an option has a visible character")
        yield from text_faults(option, f"/options/{index}", NAME_LENGTH_MAX)
    yield from duplicate_faults(field.options, "/options")
