"""The customer as one person: the golden view, and whether they may be written to.

Of every field the value that the shop's rule chooses, with where and when it was told; of every
channel and purpose what the person said last, and what follows from it. The vendor's protocol has
neither.
"""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.card import Card
from habitue.customers.consent import MARKETING, TRANSACTIONAL, Permission, may_write, standings
from habitue.customers.golden import Contact, Golden, GoldenValue, age_of, golden_view
from habitue.customers.lookup import Place
from habitue.customers.sources import ALL
from habitue.customers.status import blocking_label
from habitue.edges.capillary.answers import moment
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.reading import GROUP, TillCall
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.usecases.read_customer import read_customer
from habitue.usecases.shop import Shop

#: What a status label may stop, of all that is called so.
COMMUNICATIONS = "communications"


class ValueOut(msgspec.Struct, rename="camel"):
    """A value, and the source account that told it."""

    value: Any
    source: str
    account_id: str
    told_on: str


class ContactOut(ValueOut, rename="camel"):
    """Where the person is best reached on a channel."""

    verified: bool
    primary: bool


class GoldenOut(msgspec.Struct, rename="camel"):
    """The golden view; `age` is in full years today, if anything is known of it."""

    id: int
    loyalty_type: str
    registered_on: str
    associated_with: str
    traits: dict[str, ValueOut]
    fields: dict[str, ValueOut]
    extended_fields: dict[str, ValueOut]
    contacts: dict[str, ContactOut]
    age: int | UnsetType = UNSET


class PermissionOut(msgspec.Struct, rename="camel"):
    """Whether the person may be written to, why, and what they said about it."""

    channel: str
    purpose: str
    allowed: bool
    reason: str
    said_on: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    wording: str | UnsetType = UNSET


class PermissionsOut(msgspec.Struct):
    """By channel and purpose."""

    id: int
    permissions: list[PermissionOut]


class ChannelQuery(msgspec.Struct):
    """A channel, and a purpose (BULK for news, TRANS for what belongs to an order)."""

    channel: str | None = None
    purpose: str | None = None


async def get_golden_view(call: TillCall[None, None]) -> Answer:
    shop: Shop = call.services.shop
    card = await _card(call)
    golden = golden_view(card, shop.configuration.organisation.settings)
    return Answer(200, _golden_out(card.id, golden, call.now.date()))


async def get_permissions(call: TillCall[ChannelQuery, None]) -> Answer:
    shop: Shop = call.services.shop
    card, query = await _card(call), call.query
    organisation = shop.configuration.organisation
    blocked = blocking_label(card, organisation, COMMUNICATIONS) is not None
    asked = {(query.channel, query.purpose or MARKETING)} if query.channel else _known(card, call)
    permissions = [
        _permission_out(channel, purpose, may_write(card, channel, purpose, call.now, blocked))
        for channel, purpose in sorted(asked)
    ]
    return Answer(200, PermissionsOut(card.id, permissions))


def _known(card: Card, call: TillCall[ChannelQuery, None]) -> set[tuple[str, str]]:
    """Everything about which something was said, and both purposes of each known channel."""
    channels = {channel.type for _, profile in card.profiles() for channel in profile.channels}
    said = set(standings(card, call.now))
    return said | {(each, purpose) for each in channels for purpose in (MARKETING, TRANSACTIONAL)}


async def _card(call: TillCall[Any, None]) -> Card:
    return await read_customer(call.services.shop, call.integer("customerId"), Place(ALL), call.now)


def _golden_out(customer_id: int, golden: Golden, today: date) -> GoldenOut:
    age = age_of(golden, today)
    return GoldenOut(
        id=customer_id,
        loyalty_type=golden.loyalty_type,
        registered_on=moment(golden.registered),
        associated_with=golden.associated_with,
        traits=_values(golden.traits),
        fields=_values(golden.fields),
        extended_fields=_values(golden.extended_fields),
        contacts={channel: _contact(each) for channel, each in golden.contacts.items()},
        age=UNSET if age is None else age,
    )


def _values(values: Mapping[str, GoldenValue]) -> dict[str, ValueOut]:
    return {
        name: ValueOut(each.value, each.source, each.account_id, moment(each.at))
        for name, each in values.items()
    }


def _contact(contact: Contact) -> ContactOut:
    return ContactOut(
        value=contact.value,
        source=contact.source,
        account_id=contact.account_id,
        told_on=moment(contact.at),
        verified=contact.verified,
        primary=contact.primary,
    )


def _permission_out(channel: str, purpose: str, permission: Permission) -> PermissionOut:
    entry = permission.entry
    return PermissionOut(
        channel=channel,
        purpose=purpose,
        allowed=permission.allowed,
        reason=permission.reason,
        said_on=UNSET if entry is None else moment(entry.at),
        source=UNSET if entry is None else entry.source,
        wording=UNSET if entry is None or not entry.wording else entry.wording,
    )


def golden_operations() -> list[Operation]:
    """The operations that show a customer as one person."""
    operation = partial(
        Operation,
        method="GET",
        door=CAPILLARY,
        group=GROUP,
        description="Not part of the vendor's protocol.",
    )
    one = "/v2/customers/{customerId:int}"
    return [
        operation(
            id="getGoldenView",
            path=f"{one}/goldenView",
            handler=get_golden_view,
            summary="Read what holds of a customer, with where and when it was told",
            responses={200: GoldenOut},
        ),
        operation(
            id="getPermissions",
            path=f"{one}/permissions",
            handler=get_permissions,
            summary="Say whether a customer may be written to, and why",
            query=ChannelQuery,
            responses={200: PermissionsOut},
        ),
    ]
