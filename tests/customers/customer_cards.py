"""Customer cards put into a database as they are, for tests of what is done with them."""

from datetime import UTC, datetime
from typing import Any

from habitue.customers.card import Actor, Card, HeldIdentifier, Part, Profile, Told
from habitue.customers.change import CardChange, ClaimWish, names_of
from habitue.customers.customer import Customer
from habitue.customers.identifier import Rejected, key_of, read_identifier
from habitue.store import cards
from habitue.store.cards import CardQuery
from habitue.usecases.card_state import write_of
from habitue.usecases.shop import Shop

REGISTERED = datetime(2025, 3, 4, 1, 15, 20, tzinfo=UTC)
TILL = Actor("TILL", 7100421, "orchard.till03")


def identifier(shop: Shop, source: str, kind: str, value: str) -> HeldIdentifier:
    """The identifier as that source tells it."""
    settings = shop.configuration.organisation.settings
    read = read_identifier(kind, value, source, settings, REGISTERED)
    assert not isinstance(read, Rejected), read
    return read


def profile(
    shop: Shop,
    source: str = "INSTORE",
    account_id: str = "",
    first_name: str = "",
    last_name: str = "",
    **more: Any,
) -> Profile:
    """A profile; `identifiers` are pairs of kind and value."""
    told = {"first_name": first_name, "last_name": last_name}
    pairs = more.pop("identifiers", ())
    return Profile(
        source=source,
        account_id=account_id,
        told={name: Told(value, REGISTERED) for name, value in told.items() if value},
        identifiers=tuple(identifier(shop, source, *pair) for pair in pairs),
        created=REGISTERED,
        created_by=TILL,
        modified=REGISTERED,
        modified_by=TILL,
        **more,
    )


async def make_card(shop: Shop, *profiles: Profile, **more: Any) -> int:
    """A new customer with those profiles, found by every identifier in them; the id."""
    read = await cards.load(shop.database, CardQuery([], [], None, REGISTERED))
    part = Part(
        root_id=read.new_id,
        registered=REGISTERED,
        created_by=TILL,
        created_from=profiles[0].source if profiles else "",
        profiles=profiles,
        **more,
    )
    customer = Customer(read.new_id, created=REGISTERED, last_activity=REGISTERED)
    settings = shop.configuration.organisation.settings
    claims = {
        key_of(held, settings.space_of(each.source)): ClaimWish(
            key_of(held, settings.space_of(each.source)),
            held.kind,
            held.value,
            read.new_id,
            each.source,
            each.account_id,
        )
        for each in profiles
        for held in each.identifiers
        if held.identity
    }
    change = CardChange(
        customer_id=read.new_id,
        version=0,
        root_id=read.new_id,
        kind="registered",
        actor=TILL,
        parts=(part,),
        claims=tuple(claims.values()),
        names=names_of(Card(customer, (part,))),
    )
    await cards.save(shop.database, write_of(change, REGISTERED))
    return read.new_id
