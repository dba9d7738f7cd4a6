"""The rules of registration: changed by name, refused by name, stored as what differs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from habitue.customers.settings import RegistrationSettings
from habitue.model.errors import InvalidInput
from habitue.store.database import Database
from habitue.usecases.configure.registration_settings import (
    changed_settings,
    update_registration_settings,
)
from tests.configure.shops import opened

CHANGES: dict[str, Any] = {
    "primary_kind": "email",
    "primary_strict": True,
    "registered_min": "2020-01-01T00:00:00+08:00",
    "id_spaces": {"WECHAT": "china"},
    "survivorship": {"first_name": "longest"},
    "trusted_sources": ["WEBSITE", "INSTORE"],
    "rate_limit_preset": "us",
    "rate_limits": {"POST /v2/customers": 30},
    "phone_regions": {"WECHAT": "CN", "LINE": ""},
    "failure_status": 200,
}


async def test_settings_change_by_name_and_only_what_differs_is_stored(database: Database) -> None:
    shop = await opened(database)
    changed = await update_registration_settings(shop, CHANGES)
    assert changed.registered_min == datetime(2019, 12, 31, 16, 0, tzinfo=UTC)
    assert (changed.primary_kind, changed.trusted_sources) == ("email", ("WEBSITE", "INSTORE"))
    assert changed.space_of("WECHAT") == "china"
    assert changed.space_of("INSTORE") == "live"
    assert (await opened(database)).configuration.organisation.settings == changed
    document = await database.fetchval("SELECT document FROM organisation_entry WHERE id = 1")
    assert set(json.loads(document)["settings"]) == set(CHANGES)
    version = shop.configuration.version
    assert await update_registration_settings(shop, CHANGES) == changed
    assert shop.configuration.version == version
    reset = await update_registration_settings(shop, dict.fromkeys(CHANGES))
    assert reset == RegistrationSettings()


def test_survivorship_knows_fields_of_the_person_by_both_their_spellings() -> None:
    rules = {"firstName": "longest", "last_name": "most_trusted", "shoeSize": "longest"}
    changed = changed_settings(RegistrationSettings(), {"survivorship": rules})
    assert changed.survivorship == {**rules, "first_name": "longest"}
    again = changed_settings(changed, {"survivorship": rules})
    assert again == changed


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"colour": "red"}, ["/colour"]),
        ({"primary_kind": "face"}, ["/primaryKind"]),
        ({"primary_strict": "yes"}, ["/primaryStrict"]),
        ({"external_id_length": -1}, ["/externalIdLength"]),
        ({"shared_cards_max": 0}, ["/sharedCardsMax"]),
        ({"cards_per_customer_max": 10**30}, ["/cardsPerCustomerMax"]),
        ({"failure_status": 500}, ["/failureStatus"]),
        ({"registered_min": "yesterday"}, ["/registeredMin"]),
        ({"registered_min": "2020-01-01T00:00:00"}, ["/registeredMin"]),
        ({"id_spaces": {"MOON": "live"}}, ["/idSpaces/MOON"]),
        ({"id_spaces": {"LINE": "sandbox"}}, ["/idSpaces/LINE"]),
        ({"id_spaces": {"LINE": "A B"}}, ["/idSpaces/LINE"]),
        ({"phone_region": "Russia"}, ["/phoneRegion"]),
        ({"phone_regions": {"LINE": "jp"}}, ["/phoneRegions/LINE"]),
        ({"placeholder_domains": ["Example.com"]}, ["/placeholderDomains/0"]),
        ({"trusted_sources": ["INSTORE", "MOON"]}, ["/trustedSources/1"]),
        ({"survivorship": {"first_name": "newest"}}, ["/survivorship"]),
        ({"rate_limit_preset": "moon"}, ["/rateLimitPreset"]),
        ({"rate_limits": {"POST /v2/customers": -1}}, ["/rateLimits/POST ~1v2~1customers"]),
    ],
)
def test_a_bad_setting_is_named(changes: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        changed_settings(RegistrationSettings(), {"primary_required": True, **changes})
    assert [fault.pointer for fault in refusal.value.faults] == pointers


async def test_after_a_refusal_nothing_has_changed(database: Database) -> None:
    shop = await opened(database)
    with pytest.raises(InvalidInput):
        await update_registration_settings(shop, {"primary_required": True, "colour": "red"})
    assert (await shop.refresh()).version == 1
    assert shop.configuration.organisation.settings == RegistrationSettings()
