"""Reading a registration: what was sent becomes what is understood.

What is wrong with something secondary is noticed and left out; what is wrong with something that
decides is refused, with nothing stored. The order of the checks is that of
contracts/capillary/SPEC.md section 3.3.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from habitue.customers.card import (
    Actor,
    Channel,
    ConsentEntry,
    HeldIdentifier,
    Profile,
    StatusChange,
    Told,
)
from habitue.customers.consent import flag_entry
from habitue.customers.email import NoEmail, read_email
from habitue.customers.fields import read_custom_fields, read_extended_fields
from habitue.customers.identifier import CARD, Rejected, canonical_kind, read_identifier
from habitue.customers.notices import Notice, NoticeKind
from habitue.customers.organisation import Organisation, StatusLabel
from habitue.customers.phone import NoPhone, read_phone
from habitue.customers.refusals import (
    AccountMissing,
    AccountUnknown,
    ChannelInvalid,
    IdentifiersMissing,
    LabelUnknown,
    Named,
    PrimaryInvalid,
    RegistrationDateInvalid,
    SourceMissing,
    SourceUnknown,
)
from habitue.customers.registration import (
    OfferedProfile,
    Registration,
    Understood,
)
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sources import CHANNEL_TYPES, INSTORE, SOURCES
from habitue.customers.traits import read_trait
from habitue.model.limits import (
    CHANNEL_VALUE_LENGTH_MAX,
    CHANNELS_PER_PROFILE_MAX,
    IDENTIFIERS_PER_PROFILE_MAX,
    NAME_LENGTH_MAX,
    PROFILES_PER_REGISTRATION_MAX,
)

#: How far the caller's clock may run ahead of ours.
_CLOCK_TOLERANCE = timedelta(minutes=10)
#: What is noticed of an identifier that cannot be held.
INVALID: dict[str, NoticeKind] = {
    "mobile": "mobile_invalid",
    "email": "email_invalid",
    "externalId": "external_id_invalid",
}


class _Reading:
    """What is gathered while a registration is read."""

    def __init__(self, organisation: Organisation, actor: Actor, now: datetime) -> None:
        self.organisation = organisation
        self.settings: RegistrationSettings = organisation.settings
        self.actor = actor
        self.now = now
        self.notices: list[Notice] = []

    def note(self, kind: NoticeKind, subject: str, pointer: str) -> None:
        self.notices.append(Notice(kind, subject, pointer))


def understand(registration: Registration, organisation: Organisation, now: datetime) -> Understood:
    """The registration as it is understood.

    Raises `SourceMissing`, `SourceUnknown`, `AccountMissing`, `AccountUnknown`, `PrimaryInvalid`,
    `IdentifiersMissing`, `ChannelInvalid`, `RegistrationDateInvalid`, `LabelUnknown`.
    """
    reading = _Reading(organisation, registration.actor, now)
    if not registration.profiles:
        raise IdentifiersMissing("/profiles")
    _refuse_too_many(registration.profiles, PROFILES_PER_REGISTRATION_MAX, "/profiles")
    places = [_place(reading, *each) for each in enumerate(registration.profiles)]
    _refuse_twice(places)
    profiles = tuple(
        _profile(reading, index, offered, *place)
        for (index, offered), place in zip(enumerate(registration.profiles), places, strict=True)
    )
    _check_registered(reading, registration.registered)
    primary = _primary(profiles, reading.settings)
    _check_required(profiles, reading.settings)
    fields, notices = read_extended_fields(registration.extended_fields, organisation, now)
    reading.notices += notices
    return Understood(
        registration=registration,
        profiles=profiles,
        primary=primary,
        extended_fields=fields,
        associated_with=known_till(reading.notices, registration, organisation),
        status=_status(reading, registration.status_label),
        consents=_consents(registration, profiles),
        notices=tuple(reading.notices),
    )


def understand_update(
    registration: Registration, organisation: Organisation, now: datetime
) -> Understood:
    """What is told of a customer who is known already: identifiers are left aside.

    Raises what `understand` raises, but for identifiers.
    """
    profiles = tuple(
        msgspec.structs.replace(each, identifiers=()) for each in registration.profiles
    )
    registration = msgspec.structs.replace(registration, profiles=profiles)
    reading = _Reading(organisation, registration.actor, now)
    _refuse_too_many(profiles, PROFILES_PER_REGISTRATION_MAX, "/profiles")
    places = [_place(reading, *each) for each in enumerate(profiles)]
    _refuse_twice(places)
    read = tuple(
        _profile(reading, index, offered, *place)
        for (index, offered), place in zip(enumerate(profiles), places, strict=True)
    )
    fields, notices = read_extended_fields(registration.extended_fields, organisation, now)
    reading.notices += notices
    return Understood(
        registration=registration,
        profiles=read,
        primary=None,
        extended_fields=fields,
        associated_with=known_till(reading.notices, registration, organisation),
        status=_status(reading, registration.status_label) if registration.status_label else None,
        consents=_consents(registration, read),
        notices=tuple(reading.notices),
    )


def place_of(
    source: str | None, account_id: str | None, organisation: Organisation, pointer: str
) -> tuple[str, str]:
    """A source account that the shop has.

    A source of several accounts takes any account until the shop has named one of them. Raises
    `SourceMissing`, `SourceUnknown`, `AccountMissing` or `AccountUnknown`.
    """
    if not source:
        raise SourceMissing(f"{pointer}/source")
    known = SOURCES.get(source.strip().upper())
    if known is None:
        raise SourceUnknown(f"{pointer}/source", source)
    account = (account_id or "").strip()
    if known.has_accounts and not account:
        raise AccountMissing(f"{pointer}/accountId", known.name)
    accounts = {
        each.account_id
        for each in organisation.source_accounts.values()
        if each.source == known.name and each.active
    }
    is_unknown = known.name == INSTORE or (accounts and account not in accounts)
    if account and (is_unknown or len(account) > NAME_LENGTH_MAX):
        raise AccountUnknown(f"{pointer}/accountId", known.name, account)
    return known.name, account


def _place(reading: _Reading, index: int, offered: OfferedProfile) -> tuple[str, str]:
    pointer = f"/profiles/{index}"
    return place_of(offered.source, offered.account_id, reading.organisation, pointer)


def _profile(
    reading: _Reading, index: int, offered: OfferedProfile, source: str, account_id: str
) -> Profile:
    pointer = f"/profiles/{index}"
    fields, notices = read_custom_fields(
        offered.fields,
        "loyalty_registration",
        reading.organisation,
        reading.now,
        pointer=f"{pointer}/fields",
    )
    reading.notices += notices
    return Profile(
        source=source,
        account_id=account_id,
        told=_told(reading, offered.told, pointer),
        fields=fields,
        identifiers=_identifiers(reading, offered, source, pointer),
        channels=read_channels(reading.notices, offered, source, reading.settings, pointer),
        created=reading.now,
        created_by=reading.actor,
        modified=reading.now,
        modified_by=reading.actor,
    )


def _told(reading: _Reading, raw: dict[str, Any], pointer: str) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for name, value in raw.items():
        trait = read_trait(name, value, reading.now.date())
        if trait.notice is not None:
            reading.note(trait.notice, name, f"{pointer}/{name}")
        if trait.value is not None:
            told[name] = Told(trait.value, reading.now)
    return told


def _identifiers(
    reading: _Reading, offered: OfferedProfile, source: str, pointer: str
) -> tuple[HeldIdentifier, ...]:
    _refuse_too_many(offered.identifiers, IDENTIFIERS_PER_PROFILE_MAX, f"{pointer}/identifiers")
    held: dict[tuple[str, str], HeldIdentifier] = {}
    for index, each in enumerate(offered.identifiers):
        if canonical_kind(each.kind) == CARD:
            continue
        read = read_identifier(each.kind, each.value, source, reading.settings, reading.now)
        place = f"{pointer}/identifiers/{index}/value"
        if isinstance(read, Rejected):
            _reject(reading, read, place)
        else:
            held.setdefault((read.kind, read.normal_form), read)
            if read.remark:
                reading.note("placeholder", read.value, place)
    return tuple(held.values())


def _reject(reading: _Reading, rejected: Rejected, pointer: str) -> None:
    if rejected.kind == reading.settings.primary_kind:
        raise PrimaryInvalid(pointer, rejected.value)
    reading.note(INVALID.get(rejected.kind, "identifier_invalid"), rejected.value, pointer)


def read_channels(
    notices: list[Notice],
    offered: OfferedProfile,
    source: str,
    settings: RegistrationSettings,
    pointer: str,
) -> tuple[Channel, ...]:
    """The channels that can be used; the others are noticed and left out.

    Raises `ChannelInvalid` for a type that does not exist.
    """
    _refuse_too_many(offered.channels, CHANNELS_PER_PROFILE_MAX, f"{pointer}/commChannels")
    kept: dict[tuple[str, str], Channel] = {}
    for index, channel in enumerate(offered.channels):
        place = f"{pointer}/commChannels/{index}"
        if channel.type not in CHANNEL_TYPES:
            raise ChannelInvalid(f"{place}/type", channel.type)
        wrong = _wrong_address(channel, source, settings)
        if wrong is not None:
            notices.append(Notice(wrong, channel.value, f"{place}/value"))
        else:
            kept[(channel.type, channel.value)] = channel
    return tuple(kept.values())


def _wrong_address(
    channel: Channel, source: str, settings: RegistrationSettings
) -> NoticeKind | None:
    if channel.type == "email":
        email = read_email(channel.value, settings)
        return "channel_email_invalid" if isinstance(email, NoEmail) else None
    if channel.type in ("mobile", "whatsapp"):
        phone = read_phone(channel.value, settings.phone_region_of(source))
        return "channel_mobile_invalid" if isinstance(phone, NoPhone) else None
    fits = 0 < len(channel.value.strip()) <= CHANNEL_VALUE_LENGTH_MAX
    return None if fits else "identifier_invalid"


def _check_registered(reading: _Reading, registered: datetime | None) -> None:
    if registered is None:
        return
    earliest = reading.settings.registered_min
    if registered > reading.now + _CLOCK_TOLERANCE or (earliest and registered < earliest):
        raise RegistrationDateInvalid("/createDate")


def _primary(
    profiles: tuple[Profile, ...], settings: RegistrationSettings
) -> HeldIdentifier | None:
    for profile in profiles:
        for each in profile.identifiers:
            if each.kind == settings.primary_kind and each.identity:
                return each
    if settings.primary_required:
        raise IdentifiersMissing("/profiles/0/identifiers")
    return None


def _check_required(profiles: tuple[Profile, ...], settings: RegistrationSettings) -> None:
    kinds = {each.kind for profile in profiles for each in profile.identifiers if each.identity}
    required = {
        "mobile": settings.mobile_required,
        "email": settings.email_required,
        "externalId": settings.external_id_required,
    }
    missing = [kind for kind, wanted in required.items() if wanted and kind not in kinds]
    if missing or not kinds:
        raise IdentifiersMissing("/profiles/0/identifiers")


def _consents(registration: Registration, profiles: Iterable[Profile]) -> tuple[ConsentEntry, ...]:
    """What was said outright, and what the flags beside channels say."""
    flags = (
        flag_entry(
            channel.type,
            channel.subscribed,
            profile.created,
            profile.source,
            profile.account_id,
            by=profile.created_by,
        )
        for profile in profiles
        for channel in profile.channels
        if channel.subscribed is not None
    )
    return (*registration.consents, *flags)


def known_till(
    notices: list[Notice], registration: Registration, organisation: Organisation
) -> str:
    """The till that the registration is to be attributed to; the caller's own where the one named
    does not exist."""
    wanted, actor = registration.associated_with, registration.actor
    if not wanted or wanted == actor.code:
        return wanted
    if wanted in organisation.till_of:
        return wanted
    notices.append(Notice("till_unknown", wanted, "/associatedWith"))
    return ""


def _status(reading: _Reading, label: str) -> StatusChange | None:
    labels = reading.organisation.status_labels.values()
    found = _labelled(labels, label)
    if found is None and label:
        raise LabelUnknown("/statusLabel", label)
    if found is None:
        reading.note("status_label_default_missing", "", "/statusLabel")
        return None
    return StatusChange(found.status, found.label, "", reading.now, reading.actor)


def _labelled(labels: Iterable[StatusLabel], label: str) -> StatusLabel | None:
    """The label of that name; without a name the default of those who are active."""
    for each in labels:
        if (each.label == label) if label else (each.status == "ACTIVE" and each.is_default):
            return each
    return None


def _refuse_twice(places: list[tuple[str, str]]) -> None:
    for index, place in enumerate(places):
        if place in places[:index]:
            details = f"there is another profile in {place[0]} in this request"
            raise Named(f"/profiles/{index}/source", "Duplicate", details)


def _refuse_too_many(values: tuple[Any, ...], limit: int, pointer: str) -> None:
    if len(values) > limit:
        raise Named(pointer, "Too many", f"at most {limit} are possible")
