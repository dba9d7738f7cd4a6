"""Changing a customer who is there: what is told anew, and identifiers that come and go.

The customer is named by id, or by an identifier; by an identifier it is the part of the card under
whose root that identifier is claimed that the change belongs to.
"""

from collections.abc import Callable
from datetime import datetime

from habitue.customers.amend import decide_update
from habitue.customers.card import Card
from habitue.customers.change import CardDecision
from habitue.customers.change_identifiers import (
    IdentifierCommand,
    claim_keys_of,
    decide_identifiers,
)
from habitue.customers.lookup import CustomerNotInSource, Lookup, is_known_there, seek
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerErased, CustomerMerged, CustomerNotFound
from habitue.customers.register import Found
from habitue.customers.registration import Registration
from habitue.customers.sharing import is_identity
from habitue.customers.understand import understand_update
from habitue.model.idempotency import Idempotency
from habitue.usecases.card_writing import Render, Wanted, write_card
from habitue.usecases.enrolments import possible, with_notices
from habitue.usecases.find_customer import CardHolder, Resolved, Target, resolve
from habitue.usecases.issue_card import CardOrder
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def update_customer(
    shop: Shop,
    named: Target,
    registration: Registration,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """Lays what is told over what the card has of that source account.

    Raises `CustomerNotFound`, `CustomerNotInSource`, `CustomerMerged`, `CustomerErased`, what
    `understand_update` and `decide_update` raise, `CustomerBusy` and `KeyReused`; nothing is stored
    then.
    """

    resolved = await resolve(shop, named)

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        card, root_id = _card(found, resolved, organisation, now)
        programs = shop.configuration.loyalty_programs
        wanted, notices = possible(registration, programs, now)
        understood = understand_update(wanted, organisation, now)
        understood = with_notices(understood, notices)
        return decide_update(understood, card, root_id, organisation, now)

    return await write_card(shop, _wanted(resolved, now), decide, now, render, idempotency, order)


async def change_identifiers(
    shop: Shop,
    customer_id: int,
    command: IdentifierCommand,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """Adds and removes identifiers of one source account.

    Raises `CustomerNotFound`, `CustomerMerged`, `CustomerErased`, what `decide_identifiers` raises,
    `CustomerBusy` and `KeyReused`; nothing is stored then.
    """

    def wanted(organisation: Organisation) -> Wanted:
        return Wanted(claim_keys_of(command, organisation, now), (customer_id,))

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        card, root_id = _card(found, customer_id, organisation, now)
        return decide_identifiers(command, card, root_id, found, organisation, now)

    return await write_card(shop, wanted, decide, now, render, idempotency, order)


def _wanted(named: Resolved, now: datetime) -> Callable[[Organisation], Wanted]:
    def wanted(organisation: Organisation) -> Wanted:
        match named:
            case Lookup():
                return Wanted(seek(named, organisation.settings, now).claim_keys)
            case CardHolder():
                return Wanted((), (named.customer_id,))
        return Wanted((), (named,))

    return wanted


def _card(
    found: Found, named: Resolved, organisation: Organisation, now: datetime
) -> tuple[Card, int]:
    """The card that is named, and the root by which."""
    match named:
        case Lookup():
            customer_id, root_id = _led_to(found, named, organisation, now)
        case CardHolder():
            customer_id, root_id = named.customer_id, named.root_id
        case _:
            customer_id = root_id = named
    card = found.cards.get(customer_id)
    if card is None:
        raise CustomerNotFound(customer_id)
    if card.merged_into is not None:
        raise CustomerMerged(card.merged_into)
    if card.erased is not None:
        raise CustomerErased(card.id)
    return card, root_id


def _led_to(
    found: Found, lookup: Lookup, organisation: Organisation, now: datetime
) -> tuple[int, int]:
    """The customer whom the identifier leads to, and the root that it is claimed under."""
    settings = organisation.settings
    sought = seek(lookup, settings, now)
    for key in sought.claim_keys:
        holder = found.holders.get(key)
        if holder is not None and is_identity(holder.card_count, settings):
            if not is_known_there(found.cards[holder.customer_id].parts, lookup.place, sought):
                raise CustomerNotInSource(lookup.place.source, lookup.value)
            return holder.customer_id, holder.root_id
    raise CustomerNotFound(lookup.value)
