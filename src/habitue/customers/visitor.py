"""What a page says of its visitor, and how it is read.

Words: an *offer* is what a page (or a server of the shop) says of whoever sits before a device. Its
*identifiers* come by the field they stood in; its traits and custom values by their names. What
cannot be read is left out with a *warning* that names the field: a bad telephone number never costs
the customer. The *trust* of an offer says what is proven: nothing, whose id it is, or everything.

Invariants: nothing raises; what is empty was not offered; a guest (an id that a template printed as
nothing) is offered no id (contracts/tracker/SPEC.md sections 1.3, 1.4, 2.5 and 5).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from habitue.customers.card import Actor, ConsentEntry, HeldIdentifier, Told
from habitue.customers.consent import agreed_entry
from habitue.customers.identifier import Rejected, read_identifier
from habitue.customers.readings import Failed, read_text
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sources import TRACKER
from habitue.customers.traits import read_trait
from habitue.model.limits import (
    CUSTOM_VALUES_MAX,
    EVENT_TEXT_LENGTH_MAX,
    IDENTIFIERS_PER_PROFILE_MAX,
    NAME_LENGTH_MAX,
    STOCK_LENGTH_MAX,
)

Trust = Literal["none", "id", "full"]
_NOTHING = frozenset({"", "null", "undefined"})
_LOCATIONS = ("location", "loyalty_card_location")


class Warned(msgspec.Struct, frozen=True):
    """A field that was left out, and why."""

    field: str
    code: str


class OfferedId(msgspec.Struct, frozen=True):
    """An identifier as it was offered, and the field in which it stood."""

    field: str
    kind: str
    value: Any


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a visitor. `agrees` is a tracker's flag as it was sent, of which absence
    means yes; it counts where `speaks_of_consent`. `consents` are what was said outright."""

    identifiers: tuple[OfferedId, ...] = ()
    traits: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    speaks_of_consent: bool = False
    agrees: Any = None
    consents: tuple[ConsentEntry, ...] = ()
    trust: Trust = "none"
    actor: Actor = Actor("BROWSER")


class ReadId(msgspec.Struct, frozen=True):
    """An identifier that could be read, and its field."""

    field: str
    held: HeldIdentifier


class ReadOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that was read."""

    offer: Offer
    identifiers: tuple[ReadId, ...]
    told: dict[str, Told]
    fields: dict[str, Told]
    consents: tuple[ConsentEntry, ...]
    warnings: tuple[Warned, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said that can be kept."""
        return not (self.identifiers or self.told or self.fields or self.consents)


def says_nothing(value: Any) -> bool:
    """Whether the value is one that templates print where they know nothing."""
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None


def locations_of(offer: Offer) -> list[str]:
    """The regions that the offer names, of which the shop has to know whether they exist."""
    found = (offer.traits.get(name) for name in _LOCATIONS)
    texts = [str(each).strip() for each in found if isinstance(each, str | int)]
    return [each for each in texts if 0 < len(each) <= STOCK_LENGTH_MAX and "\0" not in each]


def read_offer(
    offer: Offer, settings: RegistrationSettings, stocks: frozenset[str], at: datetime
) -> ReadOffer:
    """The offer as it is understood; `stocks` are those of its regions that exist."""
    warnings: list[Warned] = []
    identifiers = _identifiers(offer, settings, at, warnings)
    return ReadOffer(
        offer=offer,
        identifiers=identifiers,
        told=_told(offer.traits, stocks, at, warnings),
        fields=_fields(offer.custom, at, warnings),
        consents=_consents(offer, at, warnings),
        warnings=tuple(warnings),
    )


def _identifiers(
    offer: Offer, settings: RegistrationSettings, at: datetime, warnings: list[Warned]
) -> tuple[ReadId, ...]:
    read: dict[tuple[str, str], ReadId] = {}
    for each in offer.identifiers[:IDENTIFIERS_PER_PROFILE_MAX]:
        if says_nothing(each.value):
            continue
        held = read_identifier(each.kind, _whole(each.value), TRACKER, settings, at)
        if isinstance(held, Rejected):
            warnings.append(Warned(each.field, held.reason))
            continue
        if held.remark:
            warnings.append(Warned(each.field, held.remark))
        read.setdefault((held.kind, held.normal_form), ReadId(each.field, held))
    warnings += [
        Warned(each.field, "too_many") for each in offer.identifiers[IDENTIFIERS_PER_PROFILE_MAX:]
    ]
    return tuple(read.values())


def _whole(value: Any) -> Any:
    """A number without a fraction is its digits: templates print 100500.0 as well."""
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 30:
        whole = int(value)
        return whole if whole == value else value
    return value


def _told(
    traits: Mapping[str, Any], stocks: frozenset[str], at: datetime, warnings: list[Warned]
) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for name, raw in traits.items():
        if says_nothing(raw):
            continue
        reading = read_trait(name, raw, at.date())
        for fault in reading.faults:
            field = f"{name}/{fault.path}" if fault.path else name
            warnings.append(Warned(field, fault.reason))
        if reading.truncated:
            warnings.append(Warned(name, "truncated"))
        if name in _LOCATIONS and reading.value is not None and reading.value not in stocks:
            warnings.append(Warned(name, "unknown_stock"))
        elif reading.value is not None:
            told[name] = Told(reading.value, at)
    return told


def _fields(custom: Mapping[str, Any], at: datetime, warnings: list[Warned]) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for name, raw in custom.items():
        field = f"custom/{name[:NAME_LENGTH_MAX]}"
        if not name.strip() or len(name) > NAME_LENGTH_MAX:
            warnings.append(Warned(field, "name"))
        elif len(told) >= CUSTOM_VALUES_MAX:
            warnings.append(Warned(field, "too_many"))
        elif not says_nothing(raw):
            try:
                told[read_text(name, NAME_LENGTH_MAX)] = Told(_plain(raw), at)
            except Failed as failed:
                warnings.append(Warned(field, failed.reason))
    return told


def _plain(raw: Any) -> Any:
    """A custom value: a text, a number, a yes or no, or a small structure of these."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, dict | list):
        if len(msgspec.json.encode(raw)) > EVENT_TEXT_LENGTH_MAX:
            raise Failed("too_long")
        return raw
    if isinstance(raw, int | Decimal):
        read_text(raw, EVENT_TEXT_LENGTH_MAX)
        return raw
    return read_text(raw, EVENT_TEXT_LENGTH_MAX)


def _consents(offer: Offer, at: datetime, warnings: list[Warned]) -> tuple[ConsentEntry, ...]:
    if not offer.speaks_of_consent:
        return offer.consents
    entry = agreed_entry(offer.agrees, at, TRACKER, by=offer.actor)
    if entry is None:
        warnings.append(Warned("consent_email", "wrong_type"))
        return offer.consents
    return (*offer.consents, entry)
