"""A registration as it is asked for, and as it is understood.

Words: a caller *offers* profiles and identifiers as they were sent; `customers.understand` reads
them into what is *understood*: normal forms, types, sources that exist.

Invariants: an understood registration has a known source in every profile, each source account
once; what was offered is kept beside it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from habitue.customers.card import (
    Actor,
    Channel,
    ConsentEntry,
    Enrollment,
    HeldIdentifier,
    LoyaltyType,
    Profile,
    StatusChange,
    Told,
)
from habitue.customers.notices import Notice


class OfferedIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier as it was sent. What follows the value is for loyalty cards."""

    kind: str
    value: str
    series_id: int | None = None
    series_code: str = ""
    status_label: str = ""
    external_id: str = ""
    extended_fields: dict[str, Any] = {}
    custom_fields: dict[str, Any] = {}


class OfferedProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile as it was sent. `account_id` of None was not sent; `told` is by name of trait."""

    source: str | None
    account_id: str | None = None
    told: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    identifiers: tuple[OfferedIdentifier, ...] = ()
    channels: tuple[Channel, ...] = ()


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a registration asks for. Values of None and empty ones were not sent."""

    profiles: tuple[OfferedProfile, ...]
    actor: Actor = Actor()
    loyalty_type: LoyaltyType | None = None
    registered: datetime | None = None
    associated_with: str = ""
    extended_fields: dict[str, Any] = {}
    enrollments: tuple[Enrollment, ...] = ()
    endpoints: tuple[str, ...] = ()
    referral_code: str = ""
    status_label: str = ""
    consents: tuple[ConsentEntry, ...] = ()


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """A registration with everything read. `primary` is the identifier that decides, if there is
    one; `consents` are what was said outright and beside channels."""

    registration: Registration
    profiles: tuple[Profile, ...]
    primary: HeldIdentifier | None
    extended_fields: dict[str, Told] = {}
    associated_with: str = ""
    status: StatusChange | None = None
    consents: tuple[ConsentEntry, ...] = ()
    notices: tuple[Notice, ...] = ()

    def identifiers(self) -> Iterator[tuple[Profile, HeldIdentifier]]:
        """Every identifier that somebody can be recognised by, with its profile."""
        for profile in self.profiles:
            for each in profile.identifiers:
                if each.identity:
                    yield profile, each
