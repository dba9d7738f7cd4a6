"""Requests about customers: wire shapes, and what they ask for in the words of the house.

Clients in the wild send booleans and numbers as strings, dates that are empty, and keys nobody has
heard of (contracts/capillary/SPEC.md section 3.1); all of these are understood. What is of another
JSON type is refused with the field's pointer.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

from habitue.customers.card import Actor, Channel, ConsentEntry, Enrollment, LoyaltyType
from habitue.customers.consent import channel_of, purpose_of
from habitue.customers.refusals import Named, RegistrationDateInvalid, SourceUnknown
from habitue.customers.registration import OfferedIdentifier, OfferedProfile, Registration
from habitue.customers.sources import SOURCES
from habitue.customers.subscriptions import CHANNELS, PRIORITIES
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.http.numbers import ENCODER, Integer
from habitue.model.instants import parse_instant
from habitue.model.limits import (
    AMOUNT_MAX,
    CHANNEL_DETAILS_BYTES_MAX,
    CODE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    SUBSCRIPTIONS_PER_REQUEST_MAX,
)
from habitue.model.numbers import is_amount

Flag: TypeAlias = bool | str | None
Whole: TypeAlias = Integer | str | None

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_ENDPOINTS = {
    "REFERRAL_ENDPOINT": "REFERRAL_ENDPOINT",
    "DVS_ENDPOINT": "DVS_ENDPOINT",
    "TIMELINE_ENDPOINT": "TIMELINE_ENDPOINT",
    "POINTENGINE_ENDPOINT": "POINTENGINE_ENDPOINT",
    "POINTSENGINE_ENDPOINT": "POINTENGINE_ENDPOINT",
}
_LOYALTY_TYPES: dict[str, LoyaltyType] = {"loyalty": "loyalty", "non_loyalty": "non_loyalty"}
_STATES = {"OPTIN": True, "OPTOUT": False}


class IdentifierIn(msgspec.Struct, rename="camel"):
    """An identifier; all but type and value are for loyalty cards."""

    type: str | None = None
    value: str | Integer | None = None
    series_id: Whole = None
    series_code: str | None = None
    status_label: str | None = None
    card_external_id: str | None = None
    extended_fields: dict[str, Any] | None = None
    custom_fields: dict[str, Any] | None = None

    def offered(self, pointer: str) -> OfferedIdentifier:
        """Raises `InvalidInput` where type or value are missing."""
        if not self.type:
            raise Named(f"{pointer}/type", "Missing", "the type of an identifier is required")
        return OfferedIdentifier(
            kind=self.type,
            value="" if self.value is None else str(self.value),
            series_id=whole(self.series_id, f"{pointer}/seriesId"),
            series_code=self.series_code or "",
            status_label=self.status_label or "",
            external_id=self.card_external_id or "",
            extended_fields=self.extended_fields or {},
            custom_fields=self.custom_fields or {},
        )


class ChannelIn(msgspec.Struct, rename="camel"):
    """A communication channel."""

    type: str | None = None
    value: str | Integer | None = None
    primary: Flag = None
    verified: Flag = None
    subscribed: Flag = None
    meta: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None

    def channel(self, pointer: str) -> Channel:
        """Raises `InvalidInput` where a flag is none."""
        return Channel(
            type=self.type or "",
            value="" if self.value is None else str(self.value).strip(),
            primary=flag(self.primary, f"{pointer}/primary") or False,
            verified=flag(self.verified, f"{pointer}/verified") or False,
            subscribed=flag(self.subscribed, f"{pointer}/subscribed"),
            meta=_details(_meta(self.meta or {}), f"{pointer}/meta"),
            attributes=_details(self.attributes or {}, f"{pointer}/attributes"),
        )


class ProfileIn(msgspec.Struct, rename="camel"):
    """What one source account tells. Names are read in the spelling of the reference, too."""

    source: str | None = None
    account_id: str | Integer | None = None
    first_name: str | None = None
    last_name: str | None = None
    printed_first_name: str | None = msgspec.field(default=None, name="Firstname")
    printed_last_name: str | None = msgspec.field(default=None, name="Lastname")
    identifiers: list[IdentifierIn] | None = None
    comm_channels: list[ChannelIn] | None = None
    fields: dict[str, Any] | None = None

    def offered(self, index: int, source: str | None, account_id: str | None) -> OfferedProfile:
        """`source` and `account_id` are those of the query, for a profile that has none."""
        pointer = f"/profiles/{index}"
        told = {
            "first_name": self.first_name or self.printed_first_name,
            "last_name": self.last_name or self.printed_last_name,
        }
        account = None if self.account_id is None else str(self.account_id)
        return OfferedProfile(
            source=self.source or source,
            account_id=account or account_id,
            told={name: value for name, value in told.items() if value},
            fields=self.fields or {},
            identifiers=tuple(
                each.offered(f"{pointer}/identifiers/{place}")
                for place, each in enumerate(self.identifiers or ())
            ),
            channels=tuple(
                each.channel(f"{pointer}/commChannels/{place}")
                for place, each in enumerate(self.comm_channels or ())
            ),
        )


class AttributionIn(msgspec.Struct, rename="camel"):
    create_date: str | None = None


class LoyaltyInfoIn(msgspec.Struct, rename="camel"):
    loyalty_type: str | None = None
    attribution_v2: AttributionIn | None = msgspec.field(default=None, name="attributionV2")


class EnrollmentIn(msgspec.Struct, rename="camel"):
    """The wish to be in a loyalty program."""

    program_id: Whole = None
    tier_number: Whole = None
    loyalty_points: Any = None
    tier_expiry_date: str | None = None
    points_expiry_date: str | None = None

    def enrollment(self, pointer: str, now: datetime) -> Enrollment:
        """Raises `InvalidInput` for a number that is none, or a date that is none."""
        program_id = whole(self.program_id, f"{pointer}/programId")
        if program_id is None:
            raise Named(f"{pointer}/programId", "Missing", "the id of a program is required")
        return Enrollment(
            program_id=program_id,
            enrolled=now,
            tier_number=_tier_number(self.tier_number, f"{pointer}/tierNumber"),
            points=_points(self.loyalty_points, f"{pointer}/loyaltyPoints"),
            tier_expiry=_date(self.tier_expiry_date, f"{pointer}/tierExpiryDate"),
            points_expiry=_date(self.points_expiry_date, f"{pointer}/pointsExpiryDate"),
        )


class SubscriptionIn(msgspec.Struct, rename="camel"):
    """Whether the person may be written to on a channel, for a priority."""

    channel: str | None = None
    priority: str | None = None
    type: str | None = None
    account_id: str | None = None
    source_name: str | None = None
    org_unit_id: Whole = None


class SubscriptionInfoIn(msgspec.Struct):
    subscriptions: list[SubscriptionIn] | None = None


class CustomerIn(msgspec.Struct, rename="camel"):
    """The body of a registration and of an update."""

    profiles: list[ProfileIn] | None = None
    loyalty_info: LoyaltyInfoIn | None = None
    loyalty_type: str | None = None
    create_date: str | None = None
    associated_with: str | None = None
    extended_fields: dict[str, Any] | None = None
    loyalty_program_enrollments: list[EnrollmentIn] | EnrollmentIn | None = None
    end_points_enabled: list[str] | None = None
    referral_code: str | None = None
    status_label: str | None = None
    subscription_info: SubscriptionInfoIn | None = None

    def registration(
        self, source: str | None, account_id: str | None, actor: Actor, now: datetime
    ) -> Registration:
        """What is asked for. Raises `InvalidInput` and `RegistrationDateInvalid`."""
        profiles = self.profiles or []
        return Registration(
            profiles=tuple(
                each.offered(index, source, account_id) for index, each in enumerate(profiles)
            ),
            actor=actor,
            loyalty_type=self._loyalty_type(),
            registered=self._registered(),
            associated_with=self.associated_with or "",
            extended_fields=self.extended_fields or {},
            enrollments=self._enrollments(now),
            endpoints=_endpoints(self.end_points_enabled or ()),
            referral_code=self._referral_code(),
            status_label=self.status_label or "",
            consents=self._consents(actor, now),
        )

    def _referral_code(self) -> str:
        code = (self.referral_code or "").strip()
        if len(code) > CODE_LENGTH_MAX:
            details = f"a referral code has at most {CODE_LENGTH_MAX} characters"
            raise Named("/referralCode", "Too long", details)
        return code

    def _loyalty_type(self) -> LoyaltyType | None:
        nested = self.loyalty_info.loyalty_type if self.loyalty_info else None
        pointer = "/loyaltyInfo/loyaltyType" if nested else "/loyaltyType"
        wanted = nested or self.loyalty_type
        if not wanted:
            return None
        found = _LOYALTY_TYPES.get(wanted.strip().lower().replace("-", "_"))
        if found is None:
            raise Named(pointer, "Invalid", "a loyalty type is loyalty or non_loyalty")
        return found

    def _registered(self) -> datetime | None:
        pointer, text = "/createDate", self.create_date
        nested = self.loyalty_info.attribution_v2 if self.loyalty_info else None
        if not text and nested:
            pointer, text = "/loyaltyInfo/attributionV2/createDate", nested.create_date
        if not text:
            return None
        moment = _instant(text)
        if moment is None:
            raise RegistrationDateInvalid(pointer)
        return moment

    def _enrollments(self, now: datetime) -> tuple[Enrollment, ...]:
        sent = self.loyalty_program_enrollments
        listed = [] if sent is None else sent if isinstance(sent, list) else [sent]
        return tuple(
            each.enrollment(f"/loyaltyProgramEnrollments/{index}", now)
            for index, each in enumerate(listed)
        )

    def _consents(self, actor: Actor, now: datetime) -> tuple[ConsentEntry, ...]:
        sent = self.subscription_info.subscriptions if self.subscription_info else None
        return consent_entries(sent or (), "/subscriptionInfo/subscriptions", actor, now)


def consent_entries(
    sent: Sequence[SubscriptionIn], pointer: str, actor: Actor, now: datetime
) -> tuple[ConsentEntry, ...]:
    """Subscriptions as what the person said.

    Raises `RequestFault` or `InvalidInput` for what a subscription cannot be.
    """
    if len(sent) > SUBSCRIPTIONS_PER_REQUEST_MAX:
        raise RequestFault("batch_too_large", subject=str(SUBSCRIPTIONS_PER_REQUEST_MAX))
    return tuple(
        _consent(each, f"{pointer}/{index}", actor, now) for index, each in enumerate(sent)
    )


def flag(value: Flag, pointer: str) -> bool | None:
    """A boolean, sent as such or as text; empty is not sent. Raises `InvalidInput`."""
    if value is None or isinstance(value, bool):
        return value
    text = value.strip().lower()
    if not text or text in _TRUE | _FALSE:
        return text in _TRUE if text else None
    raise Named(pointer, "Invalid type", "Expected `true` or `false`")


def whole(value: Whole, pointer: str) -> int | None:
    """A whole number, sent as such or as text; empty is not sent. Raises `InvalidInput`."""
    if value is None or isinstance(value, int):
        return value
    text = value.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= 15:
        return int(text)
    raise Named(pointer, "Invalid type", "Expected a whole number")


def _tier_number(value: Whole, pointer: str) -> int | None:
    number = whole(value, pointer)
    if number is not None and number < 1:
        raise Named(pointer, "Out of range", "tiers are numbered from 1, the lowest")
    return number


def _points(value: Any, pointer: str) -> Decimal | None:
    """Points, sent as a number or as text; empty is not sent."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise Named(pointer, "Invalid type", "Expected a number")
    try:
        points = Decimal(value)
    except InvalidOperation:
        raise Named(pointer, "Invalid type", "Expected a number") from None
    if not is_amount(points) or points < 0:
        raise Named(pointer, "Out of range", f"points are from 0 to {AMOUNT_MAX}")
    return points


def _instant(text: str) -> datetime | None:
    """A time without an offset is one in UTC (contracts/capillary/SPEC.md section 11)."""
    return parse_instant(text.strip()) or parse_instant(f"{text.strip()}Z")


def _date(text: str | None, pointer: str) -> datetime | None:
    if not text or not text.strip():
        return None
    moment = _instant(text)
    if moment is None:
        raise Named(pointer, "Invalid type", "Expected a time like 2026-03-03T23:59:59+08:00")
    return moment


def _endpoints(names: Sequence[str]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name not in _ENDPOINTS:
            details = f'there is no endpoint "{name[:80]}"'
            raise Named(f"/endPointsEnabled/{index}", "Unknown", details)
    return tuple(dict.fromkeys(_ENDPOINTS[name] for name in names))


def _meta(sent: dict[str, Any]) -> dict[str, Any]:
    """What is said of a channel; flags that came as text become flags, what is empty is dropped."""
    read = {name: _meta_value(value) for name, value in sent.items()}
    return {name: value for name, value in read.items() if value not in ("", None)}


def _details(sent: dict[str, Any], pointer: str) -> dict[str, Any]:
    """What is said of a channel. Raises `InvalidInput` where it is a document of its own."""
    if len(ENCODER.encode(sent)) > CHANNEL_DETAILS_BYTES_MAX:
        details = f"at most {CHANNEL_DETAILS_BYTES_MAX} bytes are possible"
        raise Named(pointer, "Too long", details)
    return sent


def _meta_value(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return value


def _consent(sent: SubscriptionIn, pointer: str, actor: Actor, now: datetime) -> ConsentEntry:
    channel, priority = (sent.channel or "").strip(), purpose_of(sent.priority or "")
    kind, source = (sent.type or "").strip().upper(), (sent.source_name or "").strip().upper()
    if channel_of(channel) not in CHANNELS:
        raise RequestFault("subscription_channel_invalid", subject=channel)
    if priority not in PRIORITIES:
        raise RequestFault("subscription_priority_invalid", subject=priority)
    if kind not in _STATES:
        raise RequestFault("subscription_status_invalid", subject=kind)
    if source and source not in SOURCES:
        raise SourceUnknown(f"{pointer}/sourceName", source)
    if len(sent.account_id or "") > NAME_LENGTH_MAX:
        details = f"an account has at most {NAME_LENGTH_MAX} characters"
        raise Named(f"{pointer}/accountId", "Too long", details)
    return ConsentEntry(
        channel=channel.upper(),
        purpose=priority,
        state="granted" if _STATES[kind] else "withdrawn",
        at=now,
        source=source,
        account_id=sent.account_id or "",
        by=actor,
    )
