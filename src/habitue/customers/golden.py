"""The golden view: of everything that sources told about one person, the one value to show.

Words: the *candidates* for a field are its values in all profiles of the card. The shop's rule of
survivorship for the field picks one (`RegistrationSettings.survivorship`, by the field's name):
*most recent*, where nothing is set; *most trusted*, by the order of `trusted_sources`; *longest*.
A *contact* is where the person is best reached on a channel.

Invariants: every value says where it was told and when; the view depends on what the card holds
and on nothing else: candidates that a rule likes alike are told apart by time, then trust, then the
order of the parts, then the name of the source. Extended fields are of the card, not of a source:
where nothing is set the survivor's stands, and what only others have is added
(contracts/capillary/SPEC.md section 7.4). The status is that of `customers.status`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import msgspec

from habitue.customers.births import age_years
from habitue.customers.card import Card, HeldIdentifier, LoyaltyType, Profile, Told
from habitue.customers.consent import channel_of
from habitue.customers.settings import RegistrationSettings, Survivorship
from habitue.customers.traits import read_trait, typed_trait
from habitue.model.attributes import Attributes


class GoldenValue(msgspec.Struct, frozen=True):
    """A value, the source account that told it, and when."""

    value: Any
    source: str
    account_id: str
    at: datetime


class Contact(msgspec.Struct, frozen=True):
    """Where the person is best reached on one channel, and who told it when."""

    value: str
    verified: bool
    primary: bool
    source: str
    account_id: str
    at: datetime


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """The view: traits, custom and extended fields by name, contacts by channel.

    `registered` is the earliest date of enrolment of all that was joined; somebody is a loyalty
    customer who is one under any of them; `associated_with` is the survivor's, if it has one.
    """

    traits: dict[str, GoldenValue]
    fields: dict[str, GoldenValue]
    extended_fields: dict[str, GoldenValue]
    contacts: dict[str, Contact]
    loyalty_type: LoyaltyType
    registered: datetime
    associated_with: str


class _Candidate(NamedTuple):
    golden: GoldenValue
    part_index: int


def golden_view(card: Card, settings: RegistrationSettings) -> Golden:
    """The golden view of the card under the shop's rules."""
    profiles = _profiles(card)
    return Golden(
        traits=_survivors(_told_in(profiles, "told"), settings),
        fields=_survivors(_told_in(profiles, "fields"), settings),
        extended_fields=_extended_fields(card, settings),
        contacts=_contacts(profiles),
        loyalty_type=_loyalty_type(card),
        registered=min((each.registered for each in card.parts), default=card.customer.created),
        associated_with=next(
            (each.associated_with for each in card.parts if each.associated_with), ""
        ),
    )


def age_of(golden: Golden, today: date) -> int | None:
    """Full years of age on `today`: by the birthday, or by an age that was told; None if neither
    was."""
    for name in ("birthday", "age"):
        if (told := golden.traits.get(name)) is not None:
            return age_years(typed_trait(name, told.value), today)
    return None


def attributes_of(golden: Golden) -> Attributes:
    """What rules can see of the view: the built-in attributes of profiles, as far as known.

    Extended fields of the usual names stand in for traits that nobody told.
    """
    found = {
        "Name": _full_name(golden),
        "Email": _contact(golden, "email"),
        "Phone": _contact(golden, "mobile"),
        "BirthDate": _birth_time(golden),
        "SignupDate": _time(golden.registered),
        **{name: _trait(golden, trait) for name, trait in _ATTRIBUTES.items()},
    }
    return {name: value for name, value in found.items() if value}


def filled_attributes(
    before: Card, after: Card, settings: RegistrationSettings
) -> dict[str, Any] | None:
    """The attributes of the customer in `after`, those that nobody set filled from its view.

    An attribute counts as filled as long as it has the value that the view of `before` gives it;
    one that was set otherwise is left alone. None where nothing changes.
    """
    old = attributes_of(golden_view(before, settings))
    new = attributes_of(golden_view(after, settings))
    attributes = after.customer.attributes
    kept = {
        name: value
        for name, value in attributes.items()
        if name in new or name not in old or old[name] != value
    }
    filled = {
        name: value
        for name, value in new.items()
        if name not in attributes or attributes[name] == old.get(name)
    }
    result = {**kept, **filled}
    return None if result == attributes else result


def _profiles(card: Card) -> list[tuple[int, Profile]]:
    """Profiles with the place of their part, in an order that does not depend on when they came."""
    profiles = [
        (index, profile) for index, part in enumerate(card.parts) for profile in part.profiles
    ]
    return sorted(profiles, key=lambda each: (each[0], each[1].place))


def _told_in(
    profiles: Iterable[tuple[int, Profile]], which: str
) -> Iterator[tuple[str, _Candidate]]:
    for index, profile in profiles:
        told: Mapping[str, Told] = getattr(profile, which)
        for name, each in told.items():
            value = GoldenValue(each.value, profile.source, profile.account_id, each.at)
            yield name, _Candidate(value, index)


def _survivors(
    candidates: Iterable[tuple[str, _Candidate]], settings: RegistrationSettings
) -> dict[str, GoldenValue]:
    """Of each field the candidate that its rule likes best."""
    by_name: dict[str, list[_Candidate]] = {}
    for name, candidate in candidates:
        if not _is_empty(candidate.golden.value):
            by_name.setdefault(name, []).append(candidate)
    return {
        name: _survivor(each, settings.survivorship.get(name, "most_recent"), settings)
        for name, each in sorted(by_name.items())
    }


def _survivor(
    candidates: list[_Candidate], rule: Survivorship, settings: RegistrationSettings
) -> GoldenValue:
    def rank(candidate: _Candidate) -> tuple[Any, ...]:
        golden, index = candidate
        trust = _trust(golden.source, settings)
        if rule == "most_trusted":
            return trust, golden.at, -index
        length = _length(golden.value) if rule == "longest" else 0
        return length, golden.at, trust, -index

    return max(candidates, key=rank).golden


def _extended_fields(card: Card, settings: RegistrationSettings) -> dict[str, GoldenValue]:
    """By the rule of each field where there is one, otherwise the first part that has it."""
    by_rule: list[tuple[str, _Candidate]] = []
    first: dict[str, GoldenValue] = {}
    for index, part in enumerate(card.parts):
        for name, each in part.extended_fields.items():
            value = GoldenValue(each.value, part.created_from, "", each.at)
            if name in settings.survivorship:
                by_rule.append((name, _Candidate(value, index)))
            elif not _is_empty(each.value):
                first.setdefault(name, value)
    return dict(sorted({**first, **_survivors(by_rule, settings)}.items()))


def _contacts(profiles: list[tuple[int, Profile]]) -> dict[str, Contact]:
    """By channel: a verified contact before others, a primary one, the most recent one."""
    by_channel: dict[str, list[Contact]] = {}
    for _, profile in profiles:
        for channel, contact in _contacts_in(profile):
            by_channel.setdefault(channel, []).append(contact)
    return {
        channel: max(each, key=lambda contact: (contact.verified, contact.primary, contact.at))
        for channel, each in sorted(by_channel.items())
    }


def _contacts_in(profile: Profile) -> Iterator[tuple[str, Contact]]:
    """Channels, and identifiers of the person's own that somebody can be reached by.

    A channel that another card's identifier stands behind stays (families share telephones); one
    that is known to be nobody's does not.
    """
    place = profile.place
    bogus = {(each.kind, text) for each in profile.identifiers for text in _bogus(each)}
    for channel in profile.channels:
        type_ = channel_of(channel.type)
        if channel.value and (type_, channel.value) not in bogus:
            told = (channel.verified, channel.primary, *place, profile.modified)
            yield type_, Contact(channel.value, *told)
    for each in profile.identifiers:
        if each.identity and each.kind in ("email", "mobile"):
            yield each.kind, Contact(each.value, False, False, *place, each.since)


def _bogus(identifier: HeldIdentifier) -> tuple[str, ...]:
    """What the address is written like, where it is a placeholder or too many people's."""
    is_bogus = not identifier.identity and identifier.remark.startswith(("placeholder", "shared"))
    return (identifier.value, identifier.normal_form) if is_bogus else ()


def _loyalty_type(card: Card) -> LoyaltyType:
    types = {part.loyalty_type for part in card.parts}
    return "loyalty" if "loyalty" in types else "non_loyalty"


def _trust(source: str, settings: RegistrationSettings) -> int:
    """Higher is more trusted; sources that the shop does not name are trusted least."""
    order = settings.trusted_sources
    return len(order) - order.index(source) if source in order else 0


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else len(str(value))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


#: Built-in attributes that are traits, and names that shops give extended fields for a trait.
_ATTRIBUTES = {
    "Gender": "gender",
    "Language": "language",
    "Country": "country",
    "City": "city",
    "PostalCode": "postal_code",
    "Timezone": "timezone",
}
_STAND_INS = {
    "postal_code": ("zip", "zipcode", "pincode", "postalcode"),
    "birthday": ("dateofbirth", "birthdate", "dob"),
}


def _trait(golden: Golden, name: str) -> Any:
    """The value of a trait, or that of an extended field of such a name that can be read as one."""
    if (told := golden.traits.get(name)) is not None:
        return told.value
    names = {name.replace("_", ""), *_STAND_INS.get(name, ())}
    for field, each in golden.extended_fields.items():
        if field.replace("_", "").casefold() in names:
            return read_trait(name, each.value, each.at.date()).value
    return None


def _full_name(golden: Golden) -> str | None:
    parts = (golden.traits.get(f"{each}_name") for each in ("first", "middle", "last"))
    joined = " ".join(str(each.value) for each in parts if each is not None)
    whole = golden.traits.get("name")
    return joined or (str(whole.value) if whole else None)


def _contact(golden: Golden, channel: str) -> str | None:
    contact = golden.contacts.get(channel)
    return contact.value if contact else None


def _birth_time(golden: Golden) -> str | None:
    birthday = _trait(golden, "birthday")
    return f"{birthday}T00:00:00Z" if birthday else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
