"""Tills, source accounts and fields of a shop: made, changed, and refused with the field named."""

from typing import Any

import msgspec
import pytest

from habitue.customers.organisation import (
    CustomField,
    ExtendedField,
    Organisation,
    SourceAccount,
    Till,
)
from habitue.model.errors import InvalidInput, NotFound
from habitue.store.database import Database
from habitue.usecases.configure.custom_fields import (
    CustomFieldFields,
    create_custom_field,
    new_custom_field,
    update_custom_field,
)
from habitue.usecases.configure.entries import EntryExists
from habitue.usecases.configure.extended_fields import (
    ExtendedFieldFields,
    create_extended_field,
    new_extended_field,
    update_extended_field,
)
from habitue.usecases.configure.source_accounts import (
    SourceAccountFields,
    create_source_account,
    new_source_account,
    update_source_account,
)
from habitue.usecases.configure.tills import TillFields, create_till, new_till, update_till
from habitue.usecases.shop import Shop
from tests.configure.shops import NOW, opened

ACCOUNT: dict[str, Any] = {"source": "mobile_app", "account_id": " app-1 "}
TILL: dict[str, Any] = {"code": "orchard.till03"}
EXTENDED: dict[str, Any] = {"name": "size", "type": "CUSTOM_ENUM", "options": ("S", "M")}
CUSTOM: dict[str, Any] = {"name": "pin", "regex": "[0-9]{4}", "default_value": "0000"}


async def create(shop: Shop, kind: str, **fields: Any) -> msgspec.Struct:
    """A new entry of that kind."""
    match kind:
        case "account":
            return await create_source_account(shop, SourceAccountFields(**fields), NOW)
        case "till":
            return await create_till(shop, TillFields(**fields), NOW)
        case "extended":
            return await create_extended_field(shop, ExtendedFieldFields(**fields), NOW)
    return await create_custom_field(shop, CustomFieldFields(**fields), NOW)


def new(kind: str, **fields: Any) -> msgspec.Struct:
    """What a new entry of that kind would be in a shop that has none."""
    match kind:
        case "account":
            return new_source_account(Organisation(), 1, SourceAccountFields(**fields), NOW)
        case "till":
            return new_till(Organisation(), 1, TillFields(**fields), NOW)
        case "extended":
            return new_extended_field(Organisation(), 1, ExtendedFieldFields(**fields), NOW)
    return new_custom_field(Organisation(), 1, CustomFieldFields(**fields), NOW)


async def change(shop: Shop, kind: str, id_: int, **fields: Any) -> msgspec.Struct:
    """The entry as changed."""
    match kind:
        case "account":
            return await update_source_account(shop, id_, SourceAccountFields(**fields))
        case "till":
            return await update_till(shop, id_, TillFields(**fields))
        case "extended":
            return await update_extended_field(shop, id_, ExtendedFieldFields(**fields))
    return await update_custom_field(shop, id_, CustomFieldFields(**fields))


GIVEN = {"account": ACCOUNT, "till": TILL, "extended": EXTENDED, "custom": CUSTOM}


async def test_entries_are_made_with_defaults(database: Database) -> None:
    shop = await opened(database)
    made = [await create(shop, kind, **fields) for kind, fields in GIVEN.items()]
    assert made == [
        SourceAccount(101, "MOBILE_APP", "app-1", "app-1", NOW),
        Till(102, "orchard.till03", "orchard.till03", NOW),
        ExtendedField(103, "size", "size", "CUSTOM_ENUM", NOW, options=("S", "M")),
        CustomField(104, "pin", "pin", NOW, regex="[0-9]{4}", default_value="0000"),
    ]
    organisation = (await opened(database)).configuration.organisation
    assert organisation.source_account_at["MOBILE_APP", "app-1"] == made[0]
    assert organisation.till_of["orchard.till03"] == made[1]
    assert organisation.extended_field_of["CUSTOMER", "size"] == made[2]
    assert organisation.custom_field_of["loyalty_registration", "pin"] == made[3]


@pytest.mark.parametrize(
    ("kind", "changes", "changed"),
    [
        ("account", {"name": "The app", "active": False}, {"name": "The app", "active": False}),
        ("account", {"settings": {"key": "1"}}, {"settings": {"key": "1"}}),
        ("till", {"name": "Till 3", "store_code": "orchard"}, {"store_code": "orchard"}),
        ("extended", {"options": ("S", "M", "L")}, {"options": ("S", "M", "L")}),
        ("extended", {"label": None}, {"label": "size"}),
        ("custom", {"label": "The PIN", "disabled": True}, {"disabled": True}),
    ],
)
async def test_an_entry_is_changed(
    database: Database, kind: str, changes: dict[str, Any], changed: dict[str, Any]
) -> None:
    shop = await opened(database)
    await create(shop, kind, **GIVEN[kind])
    entry = await change(shop, kind, 101, **changes)
    assert {name: getattr(entry, name) for name in changed} == changed
    version = shop.configuration.version
    assert await change(shop, kind, 101, **changes) == entry
    assert shop.configuration.version == version


@pytest.mark.parametrize(
    ("kind", "fields", "pointers"),
    [
        ("account", {}, ["/source", "/accountId"]),
        ("account", {"source": "MYSPACE", "account_id": "1"}, ["/source"]),
        ("account", {"source": "INSTORE", "account_id": "1"}, ["/source"]),
        ("account", {**ACCOUNT, "name": "x" * 256}, ["/name"]),
        ("account", {**ACCOUNT, "settings": {str(n): n for n in range(201)}}, ["/settings"]),
        ("till", {}, ["/code"]),
        ("till", {"code": "a:b"}, ["/code"]),
        ("till", {"code": "t\0"}, ["/code", "/name"]),
        ("till", {**TILL, "description": "x" * 10_001}, ["/description"]),
        ("extended", {}, ["/name", "/type"]),
        ("extended", {"name": "two words", "type": "STRING"}, ["/name"]),
        ("extended", {"name": "size", "type": "STANDARD_ENUM"}, ["/options"]),
        ("extended", {"name": "size", "type": "STRING", "options": ("S",)}, ["/options"]),
        ("extended", {**EXTENDED, "options": ("S", "s ", "")}, ["/options/2", "/options/1"]),
        ("extended", {**EXTENDED, "entity": "SHOE"}, ["/entity"]),
        ("extended", {**EXTENDED, "parent_id": 9_999}, ["/parentId"]),
        ("extended", {**EXTENDED, "length_max": -1}, ["/lengthMax"]),
        ("extended", {"name": "a", "type": "LIST", "count_min": 3, "count_max": 2}, ["/countMax"]),
        ("custom", {}, ["/name"]),
        ("custom", {"name": "x", "scope": "moon"}, ["/scope"]),
        ("custom", {"name": "x", "regex": "("}, ["/regex"]),
        ("custom", {"name": "x", "regex": "(?=a)"}, ["/regex"]),
        ("custom", {**CUSTOM, "default_value": "no"}, ["/defaultValue"]),
    ],
)
def test_what_cannot_be_is_refused_with_its_fields(
    kind: str, fields: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        new(kind, **fields)
    assert [fault.pointer for fault in refusal.value.faults] == pointers


async def test_after_a_refusal_nothing_has_changed(database: Database) -> None:
    shop = await opened(database)
    for kind in GIVEN:
        with pytest.raises(InvalidInput):
            await create(shop, kind)
    assert await shop.refresh() == (await opened(database)).configuration
    assert shop.configuration.version == 1


@pytest.mark.parametrize(
    ("kind", "changes", "pointers"),
    [
        ("account", {"source": "LINE", "account_id": "2"}, ["/source", "/accountId"]),
        ("till", {"code": "other"}, ["/code"]),
        ("extended", {"type": "STRING", "options": ()}, ["/type"]),
        ("extended", {"name": "fit", "entity": "CARD"}, ["/entity", "/name"]),
        ("custom", {"name": "other"}, ["/name"]),
    ],
)
async def test_what_stored_values_rest_on_stays(
    database: Database, kind: str, changes: dict[str, Any], pointers: list[str]
) -> None:
    shop = await opened(database)
    entry = await create(shop, kind, **GIVEN[kind])
    with pytest.raises(InvalidInput) as refusal:
        await change(shop, kind, 101, **changes)
    assert [(fault.pointer, fault.title) for fault in refusal.value.faults] == [
        (pointer, "Fixed") for pointer in pointers
    ]
    assert await change(shop, kind, 101) == entry
    assert shop.configuration.version == 2


@pytest.mark.parametrize("kind", GIVEN)
async def test_a_name_is_taken_once_and_an_id_must_exist(database: Database, kind: str) -> None:
    shop = await opened(database)
    await create(shop, kind, **GIVEN[kind])
    with pytest.raises(EntryExists):
        await create(shop, kind, **GIVEN[kind])
    with pytest.raises(NotFound):
        await change(shop, kind, 999)
    assert (await shop.refresh()).version == 2
