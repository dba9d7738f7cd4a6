"""The rules of registration under the vendor's keys (contracts/capillary/SPEC.md section 2.2).

Values are texts on the wire. Some keys name what this product always does, or never: they can be
read, and set to what they are already. A key that is not known is refused.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from habitue.customers.settings import RegistrationSettings
from habitue.edges.capillary.administration import GROUP, refreshed
from habitue.edges.capillary.answers import ORGANISATION_ID
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item, Listing, listing
from habitue.edges.capillary.organisation_codes import OrganisationRefused
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.model.errors import InvalidInput
from habitue.model.instants import parse_instant
from habitue.usecases.configure.registration_settings import update_registration_settings

SCOPE = "ORG"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_KINDS = {"mobile": "mobile", "email": "email", "externalid": "externalId"}


class Config(NamedTuple):
    """A key's setting; `read` gives None for a text that is no value of it."""

    setting: str
    read: Callable[[str], Any]


def _flag(text: str) -> bool | None:
    lowered = text.strip().lower()
    return lowered in _TRUE if lowered in (*_TRUE, *_FALSE) else None


def _kind(text: str) -> str | None:
    return _KINDS.get(text.strip().lower().replace("_", ""))


def _count(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def _moment(text: str) -> datetime | None:
    written = text.strip()
    whole = f"{written}T00:00:00Z" if len(written) == len("2000-01-31") else written
    return parse_instant(whole)


CONFIGS: Mapping[str, Config] = {
    "CONF_REGISTRATION_PRIMARY_KEY": Config("primary_kind", _kind),
    "CONF_REGISTRATION_PRIMARY_KEY_REQUIRED": Config("primary_required", _flag),
    "CONF_USERS_IS_MOBILE_REQUIRED": Config("mobile_required", _flag),
    "CONF_USERS_IS_EMAIL_REQUIRED": Config("email_required", _flag),
    "CONF_USERS_IS_EXTERNAL_ID_REQUIRED": Config("external_id_required", _flag),
    "CONF_ALLOW_MOBILE_UPDATE": Config("mobile_updatable", _flag),
    "CONF_ALLOW_EMAIL_UPDATE": Config("email_updatable", _flag),
    "CONF_LOYALTY_ALLOW_EXTERNAL_ID_UPDATE": Config("external_id_updatable", _flag),
    "CONF_PRIMARY_IDENTIFIER_STRICT_CHECK": Config("primary_strict", _flag),
    "CONF_SKIP_SECONDARY_ID_ON_PRIMARY_MISMATCH": Config("secondary_skipped_on_mismatch", _flag),
    "CONF_MIN_REGISTRATION_DATE": Config("registered_min", _moment),
    "CONF_RESTRICT_ORPHAN_V2_PROFILE": Config("orphans_refused", _flag),
    "CONF_REJECT_EMPTY_OR_NULL_EF_VALUES": Config("empty_extended_fields_refused", _flag),
    "CONF_MAX_CARDS_PER_ORG": Config("cards_per_customer_max", _count),
}
#: What holds here whatever a shop says.
FIXED: Mapping[str, str] = {
    "CONF_ALLOW_REGISTRATION_FROM_ANY_IDENTIFIERS": "true",
    "CONF_CLIENT_V2_API_ENABLED": "true",
    "CONF_USERS_USE_EXTERNAL_ID": "true",
    "CONF_USERS_IS_EMAIL_UNIQUE": "true",
    "CONF_INSTORE_V2_ENABLED": "false",
    "CONF_IDENTIFIERS_SYNC_ENABLED": "false",
    "CONF_ENABLE_PII_DELETION": "true",
    "CONF_CUSTOMER_DEFAULT_STATUS_ENABLED": "true",
    "CONF_COUNT_ONLY_ACTIVE_LABEL_CARD": "true",
    "CONF_ALLOW_CAMPAIGN_AND_VICTIM_USER_IDENTIFIER_REUSE": "false",
    "CONF_VICTIM_IDENTIFIER_RELEASE_ENABLED": "false",
    "USE_CRM_REGISTRATION_INFO_FROM_BASE_STORE": "true",
}


class ConfigIn(msgspec.Struct, rename="camel"):
    """A key and its value."""

    key_name: str
    value: str | bool | Integer
    scope: str = SCOPE


class ConfigOut(msgspec.Struct, rename="camel"):
    """A key and its value, of the one organisation."""

    entity_id: int
    key_name: str
    value: str
    scope: str


class ConfigFound(ConfigOut, rename="camel"):
    """The same, alone."""

    warnings: list[Item]


class ConfigSet(msgspec.Struct, rename="camel"):
    """A key that was set."""

    id: int
    entity_id: int
    key_name: str
    value: str
    warnings: list[Item]


async def list_configs(call: Call[TillPrincipal, None, None]) -> Answer:
    settings = (await refreshed(call)).configuration.organisation.settings
    keys = sorted([*CONFIGS, *FIXED])
    return listing([ConfigOut(*_told(key, settings)) for key in keys if value_of(key, settings)])


async def get_config(call: Call[TillPrincipal, None, None]) -> Answer:
    key, settings = call.path["name"], (await refreshed(call)).configuration.organisation.settings
    if not value_of(key, settings):
        raise OrganisationRefused("config_unset", key)
    return Answer(200, ConfigFound(*_told(key, settings), warnings=[]))


async def set_config(call: Call[TillPrincipal, None, ConfigIn]) -> Answer:
    body = call.body
    key = body.key_name.strip()
    text = str(body.value).lower() if isinstance(body.value, bool) else str(body.value)
    if body.scope.strip().upper() != SCOPE:
        raise OrganisationRefused("config_scope_invalid")
    if key in FIXED:
        if _flag(text) != _flag(FIXED[key]):
            raise OrganisationRefused("config_value_invalid", key, text)
        return Answer(200, _set(key, FIXED[key]))
    config = CONFIGS.get(key)
    if config is None:
        raise OrganisationRefused("config_unknown", key)
    value = config.read(text)
    if value is None and text.strip():
        raise OrganisationRefused("config_value_invalid", key, text)
    try:
        changes = {config.setting: value}
        settings = await update_registration_settings(call.services.shop, changes)
    except InvalidInput:
        raise OrganisationRefused("config_value_invalid", key, text) from None
    return Answer(200, _set(key, value_of(key, settings)))


def value_of(key: str, settings: RegistrationSettings) -> str:
    """The value of a key as text; empty where it has none, or is not known."""
    if key in FIXED:
        return FIXED[key]
    config = CONFIGS.get(key)
    value = None if config is None else getattr(settings, config.setting)
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def _told(key: str, settings: RegistrationSettings) -> tuple[int, str, str, str]:
    return ORGANISATION_ID, key, value_of(key, settings), SCOPE


def _set(key: str, value: str) -> ConfigSet:
    number = sorted([*CONFIGS, *FIXED]).index(key) + 1
    return ConfigSet(number, ORGANISATION_ID, key, value, [])


def config_operations() -> list[Operation]:
    """Reading and setting rules of registration by the vendor's keys."""
    operation = partial(Operation, door=CAPILLARY, group=GROUP)
    path = "/v2/organization/configs"
    return [
        operation(
            "listConfigs",
            "GET",
            path,
            list_configs,
            summary="The rules of registration, by key",
            responses={200: Listing},
        ),
        operation(
            "getConfig",
            "GET",
            f"{path}/{{name}}",
            get_config,
            summary="One rule of registration",
            responses={200: ConfigFound},
        ),
        operation(
            "setConfig",
            "POST",
            path,
            set_config,
            summary="Set a rule of registration",
            description="An empty value sets the product's default again.",
            body=ConfigIn,
            responses={200: ConfigSet},
            request_example=(
                b'{"keyName": "CONF_MAX_CARDS_PER_ORG", "value": "6", "scope": "ORG"}'
            ),
        ),
    ]
