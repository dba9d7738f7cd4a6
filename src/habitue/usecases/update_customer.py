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
from habitue.customers.lookup import Lookup, claim_keys
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerErased, CustomerMerged, CustomerNotFound
from habitue.customers.register import Found
from habitue.customers.registration import Registration
from habitue.customers.understand import understand_update
from habitue.model.idempotency import Idempotency
from habitue.usecases.card_writing import Render, Wanted, write_card
from habitue.usecases.issue_card import CardOrder
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply

#: Whom a change is about: an id, or an identifier and where it was told.
Named = int | Lookup


async def update_customer(
    shop: Shop,
    named: Named,
    registration: Registration,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """Lays what is told over what the card has of that source account.

    Raises `CustomerNotFound`, `CustomerMerged`, `CustomerErased`, what `understand_update` and
    `decide_update` raise, `CustomerBusy` and `KeyReused`; nothing is stored then.
    """

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        card, root_id = _card(found, named, organisation, now)
        understood = understand_update(registration, organisation, now)
        return decide_update(understood, card, root_id, organisation, now)

    return await write_card(shop, _wanted(named, now), decide, now, render, idempotency, order)


async def change_identifiers(
    shop: Shop,
    named: Named,
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
    of_customer = _wanted(named, now)

    def wanted(organisation: Organisation) -> Wanted:
        asked = of_customer(organisation)
        keys = claim_keys_of(command, organisation, now)
        return Wanted([*asked.claim_keys, *keys], asked.customer_ids)

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        card, root_id = _card(found, named, organisation, now)
        return decide_identifiers(command, card, root_id, found, organisation, now)

    return await write_card(shop, wanted, decide, now, render, idempotency, order)


def _wanted(named: Named, now: datetime) -> Callable[[Organisation], Wanted]:
    def wanted(organisation: Organisation) -> Wanted:
        if isinstance(named, int):
            return Wanted((), (named,))
        return Wanted(claim_keys(named, organisation.settings, now))

    return wanted


def _card(
    found: Found, named: Named, organisation: Organisation, now: datetime
) -> tuple[Card, int]:
    """The card that is named, and the root by which."""
    if isinstance(named, int):
        card = found.cards.get(named)
        root_id = named
    else:
        keys = claim_keys(named, organisation.settings, now)
        holder = next((found.holders[key] for key in keys if key in found.holders), None)
        card = found.cards[holder.customer_id] if holder else None
        root_id = holder.root_id if holder else 0
    if card is None:
        raise CustomerNotFound(named if isinstance(named, int) else named.value)
    if card.merged_into is not None:
        raise CustomerMerged(card.merged_into)
    if card.erased is not None:
        raise CustomerErased(card.id)
    return card, root_id
