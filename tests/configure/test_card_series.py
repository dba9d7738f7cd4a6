"""Card series: the rules of their codes, numbers, expiry and triggers."""

from typing import Any

import pytest

from habitue.customers.card_facts import CardRefused
from habitue.customers.organisation import CardSeries, Organisation
from habitue.model.errors import InvalidInput
from habitue.store.database import Database
from habitue.usecases.configure.card_series import (
    CardSeriesFields,
    GenerationFields,
    create_card_series,
    new_card_series,
    update_card_series,
)
from tests.configure.shops import NOW, opened

GOLD: dict[str, Any] = {
    "code": "GOLDPHY25",
    "name": "Gold physical",
    "type": "PHYSICAL",
    "expires": True,
    "expiry_days": 365,
    "generates": True,
    "generation": GenerationFields(prefix="GOLD", suffix="2025", offset=0, length=16),
    "trigger": "SERIES_ID",
    "active_cards_max": 1,
}


def gold(**changes: Any) -> CardSeriesFields:
    """The series of the contract's example, with changes."""
    return CardSeriesFields(**{**GOLD, **changes})


async def test_a_series_is_made_read_and_changed(database: Database) -> None:
    shop = await opened(database)
    series = await create_card_series(shop, gold(), NOW)
    assert series == CardSeries(
        id=101,
        code="GOLDPHY25",
        name="Gold physical",
        type="PHYSICAL",
        created=NOW,
        expires=True,
        expiry_days=365,
        generates=True,
        prefix="GOLD",
        suffix="2025",
    )
    other = await opened(database)
    assert other.configuration.organisation.card_series_of == {"GOLDPHY25": series}
    fields = CardSeriesFields(active=False, generation=GenerationFields(method="LUHNALGO"))
    changed = await update_card_series(shop, 101, fields)
    assert (changed.active, changed.method, changed.length) == (False, "LUHNALGO", 16)
    assert shop.configuration.organisation.card_series == {101: changed}


@pytest.mark.parametrize(
    ("changes", "reason", "pointer"),
    [
        ({"code": " "}, "series_code_missing", "/code"),
        ({"code": "GOLD-25"}, "not_alphanumeric", "/code"),
        ({"code": "G" * 51}, "series_invalid", "/code"),
        ({"type": ""}, "series_type_missing", "/type"),
        ({"type": "PAPER"}, "type_invalid", "/type"),
        ({"expiry_days": -1}, "expiry_negative", "/expiryDays"),
        ({"expiry_days": 0}, "expiry_missing", "/expiryDays"),
        ({"expiry_days": 36_501}, "expiry_missing", "/expiryDays"),
        ({"generation": None}, "generation_missing", "/generation"),
        ({"trigger": "MOON"}, "series_invalid", "/trigger"),
        ({"trigger": "OU_ID"}, "org_unit_invalid", "/conceptCode"),
        ({"active_cards_max": -1}, "active_max_negative", "/activeCardsMax"),
        ({"generation": GenerationFields(length=4)}, "length_too_small", "/generation/length"),
        ({"generation": GenerationFields(length=151)}, "length_too_large", "/generation/length"),
        ({"generation": GenerationFields(offset=-1)}, "offset_invalid", "/generation/offset"),
        (
            {"generation": GenerationFields(offset=10_000, length=5)},
            "offset_invalid",
            "/generation/offset",
        ),
        ({"generation": GenerationFields(prefix="G" * 51)}, "prefix_invalid", "/generation/prefix"),
        ({"generation": GenerationFields(suffix="a b")}, "suffix_invalid", "/generation/suffix"),
        (
            {"generation": GenerationFields(method="DICE")},
            "configuration_invalid",
            "/generation/method",
        ),
    ],
)
def test_what_no_series_can_be_is_refused_with_its_reason(
    changes: dict[str, Any], reason: str, pointer: str
) -> None:
    with pytest.raises(CardRefused) as refusal:
        new_card_series(Organisation(), 1, gold(**changes), NOW)
    assert (refusal.value.fact.reason, refusal.value.fact.pointer) == (reason, pointer)


def test_a_name_is_bounded() -> None:
    with pytest.raises(InvalidInput) as refusal:
        new_card_series(Organisation(), 1, gold(name="x" * 256), NOW)
    assert [fault.pointer for fault in refusal.value.faults] == ["/name"]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {"generation": GenerationFields(prefix="X")}, "series_exists"),
        ({}, {"code": "OTHER"}, "generation_duplicate"),
        (
            {"trigger": "REGISTRATION"},
            {"code": "OTHER", "trigger": "REGISTRATION", "generates": False},
            "registration_trigger_exists",
        ),
        (
            {"trigger": "OU_ID", "concept_code": "brand"},
            {"code": "OTHER", "trigger": "OU_ID", "concept_code": "brand", "generates": False},
            "org_unit_trigger_exists",
        ),
    ],
)
async def test_two_series_do_not_get_in_each_others_way(
    database: Database, first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    shop = await opened(database)
    made = await create_card_series(shop, gold(**first), NOW)
    with pytest.raises(CardRefused) as refusal:
        await create_card_series(shop, gold(**second), NOW)
    assert refusal.value.fact.reason == reason
    assert shop.configuration.organisation.card_series == {made.id: made}
    if reason != "series_exists" and reason != "generation_duplicate":
        await update_card_series(shop, made.id, CardSeriesFields(active=False))
        await create_card_series(shop, gold(**second), NOW)


async def test_an_unknown_series_is_not_changed(database: Database) -> None:
    shop = await opened(database)
    with pytest.raises(CardRefused) as refusal:
        await update_card_series(shop, 999, CardSeriesFields(active=False))
    assert refusal.value.fact.reason == "series_unknown"
    assert (await shop.refresh()).version == 1
