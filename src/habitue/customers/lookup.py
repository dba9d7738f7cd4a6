"""Asking for a customer by an identifier: what is asked, and whom it leads to.

Words: a *lookup* names a source (or `ALL`), its account, and one identifier. A source that is named
must know the identifier itself: a customer who is known by it elsewhere only is not found there
(contracts/capillary/SPEC.md section 6.1). With `ALL` each source is asked in turn, in its own space
and by its own habits of writing phones; the first that leads to somebody decides.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.card import HeldIdentifier, Part
from habitue.customers.identifier import (
    Rejected,
    canonical_kind,
    claim_kind,
    key_of,
    read_identifier,
)
from habitue.customers.refusals import AccountMissing, Named, SourceMissing, SourceUnknown
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sources import ALL, SOURCES
from habitue.model.errors import NotFound
from habitue.model.limits import IDENTIFIER_LENGTH_MAX


class IdentifierTypeMissing(Named):
    """The type of the identifier was not named."""

    def __init__(self) -> None:
        super().__init__("identifierName", "Missing", "the type of an identifier is required")


class IdentifierValueMissing(Named):
    """The value of the identifier was not named."""

    def __init__(self) -> None:
        super().__init__("identifierValue", "Missing", "the value of an identifier is required")


class IdentifierTypeUnknown(Named):
    """There is no identifier of that type."""

    def __init__(self, kind: str) -> None:
        details = f'there is no identifier of type "{kind[:80]}"'
        super().__init__("identifierName", "Unknown", details)
        self.kind = kind[:80]


class CustomerNotInSource(NotFound):
    """The customer is known, but not in the source that was named."""

    def __init__(self, source: str, key: object) -> None:
        super().__init__("Customer", key)
        self.source = source


#: A loyalty card by its id in another system; it leads to whoever holds the card.
CARD_EXTERNAL_ID = "cardExternalId"


class Place(msgspec.Struct, frozen=True):
    """The source that was asked, or `ALL`, and its account."""

    source: str
    account_id: str = ""

    @property
    def everywhere(self) -> bool:
        """Whether all sources were asked."""
        return self.source == ALL

    def holds(self, source: str, account_id: str) -> bool:
        """Whether a profile of that source account is asked for."""
        return self.everywhere or (self.source, self.account_id) == (source, account_id)


class Lookup(msgspec.Struct, frozen=True):
    """One identifier, and where it was asked for; `kind` is in its own spelling."""

    place: Place
    kind: str
    value: str


def place_of(source: str | None, account_id: str | None) -> Place:
    """Where to look. Raises `SourceMissing`, `SourceUnknown` or `AccountMissing`."""
    name = (source or "").strip().upper()
    if not name:
        raise SourceMissing("source")
    if name == ALL:
        return Place(ALL)
    known = SOURCES.get(name)
    if known is None:
        raise SourceUnknown("source", name)
    account = (account_id or "").strip()
    if known.has_accounts and not account:
        raise AccountMissing("accountId", name)
    return Place(name, account)


def lookup_of(place: Place, kind: str | None, value: str | None) -> Lookup:
    """Whom to look for, and where.

    Raises `IdentifierTypeMissing`, `IdentifierTypeUnknown`, `IdentifierValueMissing`, or
    `InvalidInput` for a value that is longer than any identifier.
    """
    type_, text = (kind or "").strip(), (value or "").strip()
    if not type_:
        raise IdentifierTypeMissing
    is_external = type_.lower() == CARD_EXTERNAL_ID.lower()
    canonical = CARD_EXTERNAL_ID if is_external else canonical_kind(type_)
    if canonical is None:
        raise IdentifierTypeUnknown(type_)
    if not text:
        raise IdentifierValueMissing
    if len(text) > IDENTIFIER_LENGTH_MAX:
        details = f"an identifier has at most {IDENTIFIER_LENGTH_MAX} characters"
        raise Named("identifierValue", "Too long", details)
    return Lookup(place, canonical, text)


class Sought(msgspec.Struct, frozen=True):
    """What an identifier is, as the sources that were asked read it: the claims that may lead to
    the customer, in the order in which they decide, and the kinds and normal forms. Nothing where
    the value cannot be anybody's."""

    claim_keys: list[UUID]
    forms: frozenset[tuple[str, str]]


def seek(lookup: Lookup, settings: RegistrationSettings, now: datetime) -> Sought:
    """What to look for."""
    readings = list(_readings(lookup, settings, now))
    keys = (key_of(each, settings.space_of(source)) for source, each in readings)
    forms = frozenset((claim_kind(each.kind), each.normal_form) for _, each in readings)
    return Sought(list(dict.fromkeys(keys)), forms)


class KnownIdentifier(msgspec.Struct, frozen=True):
    """An identifier, as far as it is compared."""

    kind: str
    normal_form: str


class KnownProfile(msgspec.Struct, frozen=True):
    """By which identifiers a source account knows a customer."""

    source: str
    account_id: str = ""
    identifiers: tuple[KnownIdentifier, ...] = ()


class KnownPart(msgspec.Struct, frozen=True):
    """What of a card's part says who knows the customer by what. Read by itself, where nothing else
    of a card is asked for, it takes a third of the time."""

    profiles: tuple[KnownProfile, ...] = ()


def is_known_there(parts: Iterable[Part | KnownPart], place: Place, sought: Sought) -> bool:
    """Whether the source that was asked knows the customer by this identifier."""
    if place.everywhere:
        return True
    for part in parts:
        for profile in part.profiles:
            if place.holds(profile.source, profile.account_id):
                for each in profile.identifiers:
                    if (claim_kind(each.kind), each.normal_form) in sought.forms:
                        return True
    return False


def _readings(
    lookup: Lookup, settings: RegistrationSettings, now: datetime
) -> Iterator[tuple[str, HeldIdentifier]]:
    for source in SOURCES if lookup.place.everywhere else (lookup.place.source,):
        identifier = read_identifier(
            lookup.kind, lookup.value, source, settings, now, has_opinion=False
        )
        if not isinstance(identifier, Rejected) and identifier.identity:
            yield source, identifier
