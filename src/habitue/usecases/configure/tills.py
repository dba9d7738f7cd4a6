"""Tills: the places that registrations are attributed to, by their codes.

A till's code stays as it is: cards are attributed to it.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import Organisation, Till
from habitue.model.errors import Fault
from habitue.model.limits import NAME_LENGTH_MAX
from habitue.usecases.configure.checks import description_faults, refuse_if_any, text_faults
from habitue.usecases.configure.entries import (
    change_entry,
    create_entry,
    fixed_faults,
    found,
    refuse_taken,
    required_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.shop import Shop


class TillFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a till; without a name it is called by its code."""

    code: str | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    store_code: str | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


async def create_till(shop: Shop, fields: TillFields, now: datetime) -> Till:
    """The new till. Raises `InvalidInput`, or `EntryExists`."""

    def make(organisation: Organisation, id_: int) -> Till:
        return new_till(organisation, id_, fields, now)

    return await create_entry(shop, "till", make)


async def update_till(shop: Shop, till_id: int, fields: TillFields) -> Till:
    """The till as changed. Raises `NotFound` or `InvalidInput`."""

    def find(organisation: Organisation) -> Till:
        return found("Till", till_id, organisation.tills)

    def change(organisation: Organisation, old: Till) -> Till:
        return changed_till(organisation, old, fields)

    return await change_entry(shop, find, change)


def new_till(organisation: Organisation, id_: int, fields: TillFields, now: datetime) -> Till:
    """The till that `fields` describe. Raises `InvalidInput`, or `EntryExists`."""
    till = _laid_over(Till(id_, "", "", now), fields)
    refuse_if_any(_faults(till))
    refuse_taken("Till", till.code, till.code in organisation.till_of)
    return till


def changed_till(organisation: Organisation, old: Till, fields: TillFields) -> Till:
    """`old` with `fields` laid over it. Raises `InvalidInput`."""
    till = _laid_over(old, fields)
    refuse_if_any([*_faults(till), *fixed_faults(old, till, {"code": "/code"})])
    return till


def _laid_over(old: Till, fields: TillFields) -> Till:
    till = laid_over(old, sent(fields))
    code = till.code.strip()
    return msgspec.structs.replace(till, code=code, name=till.name or code)


def _faults(till: Till) -> Iterator[Fault]:
    yield from required_faults(till.code, "/code")
    if ":" in till.code:
        # What comes before the colon is the name in HTTP Basic authentication.
        yield Fault("/code", "Invalid code", "a till's code has no colon")
    yield from text_faults(till.name, "/name", NAME_LENGTH_MAX)
    yield from text_faults(till.store_code, "/storeCode", NAME_LENGTH_MAX)
    yield from text_faults(till.external_id, "/externalId", NAME_LENGTH_MAX)
    yield from description_faults(till.description)
