"""Finding a customer by an identifier or by id, to read the card or to change it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

import msgspec

from habitue.customers.card import Card
from habitue.customers.identifier import CARD
from habitue.customers.lookup import (
    CARD_EXTERNAL_ID,
    CustomerNotInSource,
    KnownPart,
    Lookup,
    Sought,
    is_known_there,
    seek,
)
from habitue.customers.refusals import CustomerErased, CustomerMerged, CustomerNotFound
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sharing import is_identity
from habitue.model.documents import decoder_of
from habitue.store import card_reading
from habitue.store.card_reading import CardsReading
from habitue.store.cards import CardRow, CardsRow, ClaimRow
from habitue.store.loyalty_cards import CardQuery
from habitue.usecases.card_rows import read_cards
from habitue.usecases.card_state import card_of
from habitue.usecases.shop import Shop

#: Whom a request is about: a customer's id, or an identifier.
Target: TypeAlias = int | Lookup


class CardHolder(msgspec.Struct, frozen=True):
    """Who holds the loyalty card that a request names, and under which root."""

    customer_id: int
    root_id: int


#: A target whose loyalty card, if it is one, has been looked up.
Resolved: TypeAlias = Target | CardHolder


class FoundCustomer(msgspec.Struct, frozen=True):
    """The card, and the root that the request names: the id, or whose identifier led there."""

    card: Card
    root_id: int


async def find_customer(shop: Shop, target: Target, now: datetime) -> FoundCustomer:
    """The customer who is asked for. An identifier on too many cards leads to nobody.

    Raises `CustomerNotFound`, `CustomerNotInSource` where only other sources know the customer by
    the identifier, `CustomerMerged` or `CustomerErased`.
    """
    resolved = await resolve(shop, target)
    row, sought, settings = await _read(shop, resolved, now)
    return found_in(row, resolved, sought, settings)


async def identify_customer(shop: Shop, lookup: Lookup, now: datetime) -> int:
    """The id of the customer whom the identifier leads to. Raises as `find_customer` does."""
    if lookup.kind in (CARD, CARD_EXTERNAL_ID):
        return (await find_customer(shop, lookup, now)).card.id
    row, sought, settings = await _read(shop, lookup, now)
    claim = _deciding(row, sought, settings, lookup)
    found = {each.id: each for each in row.cards if not each.anonymous}
    card = _standing(found.get(claim.customer_id), lookup.value)
    parts = map(_KNOWN_PART.decode, card.parts)
    if not is_known_there(parts, lookup.place, sought):
        raise CustomerNotInSource(lookup.place.source, lookup.value)
    return card.id


_KNOWN_PART = decoder_of(KnownPart)


async def _read(
    shop: Shop, target: Resolved, now: datetime
) -> tuple[CardsReading, Sought, RegistrationSettings]:
    """What the target leads to, under the settings that hold while it is read."""
    while True:
        version, settings = shop.configuration.version, shop.configuration.organisation.settings
        sought, ids = sought_of(target, settings, now)
        row = await card_reading.read(shop.database, sought.claim_keys, ids)
        if row.configuration_version == version:
            return row, sought, settings
        await shop.refresh()


async def resolve(shop: Shop, target: Target) -> Resolved:
    """The target, with whoever holds the card in the place of a card's number or other id.

    A card belongs to its customer, whatever the source (contracts/capillary/SPEC.md section 2).
    Raises `CustomerNotFound`.
    """
    if not isinstance(target, Lookup) or target.kind not in (CARD, CARD_EXTERNAL_ID):
        return target
    is_number = target.kind == CARD
    query = CardQuery((target.value,)) if is_number else CardQuery(external_ids=(target.value,))
    reading = await read_cards(shop, shop.database, query, locked=False)
    names = ((each.number if is_number else each.external_id, each) for each in reading.cards)
    card = next((each for name, each in names if name == target.value), None)
    if card is None or card.customer_id is None:
        raise CustomerNotFound(target.value)
    return CardHolder(card.customer_id, card.root_id or card.customer_id)


async def read_customers(shop: Shop, customer_ids: Sequence[int]) -> dict[int, Card]:
    """The cards of these customers by id, whatever has become of them; unknown ids are left out."""
    row = await card_reading.read(shop.database, [], customer_ids)
    if row.configuration_version != shop.configuration.version:
        await shop.refresh()
    found = (card_of(each) for each in row.cards)
    return {card.id: card for card in found if not card.customer.anonymous}


_NOTHING = Sought([], frozenset())


def sought_of(
    target: Resolved, settings: RegistrationSettings, now: datetime
) -> tuple[Sought, list[int]]:
    """The identifier, if the target is one, and the ids that have to be read."""
    if isinstance(target, Lookup):
        return seek(target, settings, now), []
    return _NOTHING, [target.customer_id if isinstance(target, CardHolder) else target]


def found_in(
    row: CardsReading | CardsRow,
    target: Resolved,
    sought: Sought,
    settings: RegistrationSettings,
) -> FoundCustomer:
    """Whom the target names among what was read. Raises as `find_customer` does."""
    found = {each.id: card_of(each) for each in row.cards if not each.anonymous}
    if isinstance(target, CardHolder):
        card = _standing(found.get(target.customer_id), target.customer_id)
        return FoundCustomer(card, target.root_id)
    if not isinstance(target, Lookup):
        return FoundCustomer(_standing(found.get(target), target), target)
    claim = _deciding(row, sought, settings, target)
    card = _standing(found.get(claim.customer_id), target.value)
    if not is_known_there(card.parts, target.place, sought):
        raise CustomerNotInSource(target.place.source, target.value)
    return FoundCustomer(card, claim.root_id)


def _deciding(
    row: CardsReading | CardsRow, sought: Sought, settings: RegistrationSettings, lookup: Lookup
) -> ClaimRow:
    """The first claim that leads to somebody."""
    claims = {each.key: each for each in row.claims if is_identity(each.card_count, settings)}
    claim = next((claims[key] for key in sought.claim_keys if key in claims), None)
    if claim is None:
        raise CustomerNotFound(lookup.value)
    return claim


_AnyCard = TypeVar("_AnyCard", Card, CardRow)


def _standing(card: _AnyCard | None, key: object) -> _AnyCard:
    if card is None:
        raise CustomerNotFound(key)
    if card.erased is not None:
        raise CustomerErased(card.id)
    if card.merged_into is not None:
        raise CustomerMerged(card.merged_into)
    return card
