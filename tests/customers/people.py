"""Builds customer cards for tests, out of the few values that a test is about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from habitue.customers.card import Card, Channel, HeldIdentifier, Part, Profile, Told
from habitue.customers.customer import Customer

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    """The moment that many days after the start."""
    return START + timedelta(days=number)


def told(values: Mapping[str, Any], at: datetime = START) -> dict[str, Told]:
    """Values that were all told at that moment."""
    return {name: Told(value, at) for name, value in values.items()}


def profile(
    source: str = "INSTORE",
    at: datetime = START,
    account_id: str = "",
    fields: Mapping[str, Any] | None = None,
    identifiers: tuple[HeldIdentifier, ...] = (),
    channels: tuple[Channel, ...] = (),
    **traits: Any,
) -> Profile:
    """A profile with these traits, everything told at one moment."""
    return Profile(
        source=source,
        account_id=account_id,
        told=told(traits, at),
        fields=told(fields or {}, at),
        identifiers=identifiers,
        channels=channels,
        created=at,
        modified=at,
    )


def part(root_id: int = 1, *profiles: Profile, **fields: Any) -> Part:
    """A part with these profiles."""
    return Part(root_id=root_id, profiles=profiles, **{"registered": START, **fields})


def card(*parts: Part, **fields: Any) -> Card:
    """A card of these parts, the first being the customer's own."""
    id_ = parts[0].root_id if parts else 1
    return Card(Customer(id_, START, START), parts, **fields)
