"""The rules of registration, changed one by one by name.

Names are those of `RegistrationSettings`; a value of None takes the product's default again. A
fault's pointer is the name as a shop file spells it: `/primaryKind`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from habitue.customers.organisation import SettingsEntry
from habitue.customers.settings import RegistrationSettings, Survivorship
from habitue.customers.sources import SOURCES
from habitue.customers.traits import TRAITS
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import NAME_LENGTH_MAX, STOCK_LENGTH_MAX, TRACKER_SECRET_LENGTH_MIN
from habitue.model.pointers import escape
from habitue.promotions.configuration import Configuration
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.limit_rate import PRESETS
from habitue.usecases.shop import Shop

SHARED_CARDS_MAX_MAX = 10_000
PLACEHOLDERS_MAX = 1_000
_WRONG_AT = re.compile(r" - at `\$\.([a-z_]+)([^`]*)`$")
_SPACE = re.compile(r"[a-z][a-z0-9_]{0,49}")
#: Spaces that other things have: sandboxes' customers, and sessions.
_SPACES_TAKEN = frozenset({"sandbox", "session"})
_REGION = re.compile(r"([A-Z]{2})?")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_CAPITAL = re.compile(r"[A-Z]")
_KNOWN = {field.name for field in msgspec.structs.fields(RegistrationSettings)}


async def update_registration_settings(
    shop: Shop, changes: Mapping[str, Any]
) -> RegistrationSettings:
    """The rules as changed. Raises `InvalidInput`, with nothing changed."""

    async def decide(configuration: Configuration) -> Decision[RegistrationSettings]:
        old = configuration.organisation.settings
        new = changed_settings(old, changes)
        entry = SettingsEntry(settings=new)
        return Decision(new, () if new == old else (Change(entry),))

    return await settle(shop, decide)


def changed_settings(old: RegistrationSettings, changes: Mapping[str, Any]) -> RegistrationSettings:
    """`old` with `changes` laid over it. Raises `InvalidInput`."""
    refuse_if_any(
        Fault(_pointer(escape(name)), "Unknown", f'there is no setting "{name[:80]}"')
        for name in changes
        if name not in _KNOWN
    )
    defaults = RegistrationSettings()
    values = {
        name: getattr(defaults, name) if value is None else value for name, value in changes.items()
    }
    try:
        new = msgspec.convert({**msgspec.structs.asdict(old), **values}, RegistrationSettings)
    except msgspec.ValidationError as error:
        raise InvalidInput(_fault_of(str(error))) from None
    new = msgspec.structs.replace(new, survivorship=_with_plain_names(new.survivorship))
    refuse_if_any(_faults(new))
    return new


def _with_plain_names(rules: Mapping[str, Survivorship]) -> dict[str, Survivorship]:
    """The rules by field, those of the person's own fields under their plain names too: a shop
    file says `firstName`."""
    plain = {_CAPITAL.sub(r"_\g<0>", name).lower(): rule for name, rule in rules.items()}
    return {**{name: rule for name, rule in plain.items() if name in TRAITS}, **rules}


def _fault_of(message: str) -> Fault:
    match = _WRONG_AT.search(message)
    if match is None:
        return Fault("", "Invalid", message)
    return Fault(_pointer(match[1]), "Invalid", message[: match.start()])


def _pointer(name: str) -> str:
    first, *rest = name.split("_")
    return "/" + first + "".join(map(str.title, rest))


def _faults(settings: RegistrationSettings) -> Iterator[Fault]:
    yield from _bound_faults(settings)
    yield from _source_faults(settings)
    yield from _tracker_faults(settings)
    yield from text_faults(settings.external_id_prefix, "/externalIdPrefix", NAME_LENGTH_MAX)
    if settings.registered_min is not None and settings.registered_min.tzinfo is None:
        yield Fault("/registeredMin", "Invalid", "a moment has an offset")
    if _REGION.fullmatch(settings.phone_region) is None:
        yield Fault("/phoneRegion", "Invalid", "a region is two capital letters, or empty")
    for name in ("placeholder_domains", "placeholder_local_parts"):
        texts = getattr(settings, name)
        if len(texts) > PLACEHOLDERS_MAX:
            yield Fault(_pointer(name), "Too many", f"at most {PLACEHOLDERS_MAX} are accepted")
        for index, text in enumerate(texts):
            if not text or text != text.strip().lower():
                details = "a placeholder is in small letters, without spaces around it"
                yield Fault(f"{_pointer(name)}/{index}", "Invalid", details)
    if settings.rate_limit_preset not in PRESETS:
        details = f"a preset is one of {', '.join(PRESETS)}"
        yield Fault("/rateLimitPreset", "Unknown", details)
    for endpoint, limit in settings.rate_limits.items():
        if limit < 0:
            at = f"/rateLimits/{escape(endpoint)}"
            yield Fault(at, "Out of range", "a limit is not negative; 0 is no limit")


def _bound_faults(settings: RegistrationSettings) -> Iterator[Fault]:
    bounds = {
        "external_id_length": (0, NAME_LENGTH_MAX),
        "shared_cards_max": (1, SHARED_CARDS_MAX_MAX),
        "cards_per_customer_max": (0, SHARED_CARDS_MAX_MAX),
        "tracker_new_devices_per_minute": (0, SHARED_CARDS_MAX_MAX),
        "tracker_proxies": (0, 10),
        "orders_application_id": (0, 2**53 - 1),
    }
    for name, (least, most) in bounds.items():
        if not least <= getattr(settings, name) <= most:
            yield Fault(_pointer(name), "Out of range", f"from {least} to {most}")
    status = settings.failure_status
    if status != 200 and not 400 <= status <= 499:
        yield Fault("/failureStatus", "Out of range", "a failure is answered with 200 or 4xx")


def _tracker_faults(settings: RegistrationSettings) -> Iterator[Fault]:
    for index, origin in enumerate(settings.tracker_origins):
        if _ORIGIN.fullmatch(origin) is None:
            details = "an origin is https://shop.example, in small letters, without a path"
            yield Fault(f"/trackerOrigins/{index}", "Invalid", details)
    for index, stock in enumerate(settings.tracker_stocks):
        yield from text_faults(stock, f"/trackerStocks/{index}", STOCK_LENGTH_MAX)
    if len(set(settings.tracker_order)) < max(1, len(settings.tracker_order)):
        yield Fault("/trackerOrder", "Invalid", "each kind stands once, and at least one does")
    if 0 < len(settings.tracker_secret) < TRACKER_SECRET_LENGTH_MIN:
        details = f"a secret has at least {TRACKER_SECRET_LENGTH_MIN} characters"
        yield Fault("/trackerSecret", "Too short", details)


def _source_faults(settings: RegistrationSettings) -> Iterator[Fault]:
    for name in ("id_spaces", "phone_regions"):
        for source in getattr(settings, name):
            if source not in SOURCES:
                yield _unknown_source(f"{_pointer(name)}/{escape(source)}", source)
    for index, source in enumerate(settings.trusted_sources):
        if source not in SOURCES:
            yield _unknown_source(f"/trustedSources/{index}", source)
    for source, space in settings.id_spaces.items():
        if _SPACE.fullmatch(space) is None or space in _SPACES_TAKEN:
            details = "a space is a name of small letters, digits and underscores"
            yield Fault(f"/idSpaces/{escape(source)}", "Invalid", details)
    for source, region in settings.phone_regions.items():
        if _REGION.fullmatch(region) is None:
            details = "a region is two capital letters, or empty"
            yield Fault(f"/phoneRegions/{escape(source)}", "Invalid", details)


def _unknown_source(pointer: str, source: str) -> Fault:
    return Fault(pointer, "Unknown", f'there is no source "{source[:80]}"')
