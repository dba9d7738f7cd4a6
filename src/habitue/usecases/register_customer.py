"""Registering a customer: whoever comes under whatever identifier is one customer."""

from datetime import datetime

from habitue.customers.change import CardDecision
from habitue.customers.organisation import Organisation
from habitue.customers.register import Found, claim_keys, decide_registration
from habitue.customers.registration import Registration
from habitue.customers.understand import understand
from habitue.model.idempotency import Idempotency
from habitue.usecases.card_writing import Render, Wanted, write_card
from habitue.usecases.issue_card import CardOrder
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def register_customer(
    shop: Shop,
    registration: Registration,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """Registers the customer, or attaches the profiles to the one who is there already.

    Raises what `understand` and `decide_registration` raise, `CustomerBusy` and `KeyReused`;
    nothing is stored then.
    """

    def wanted(organisation: Organisation) -> Wanted:
        return Wanted(claim_keys(understand(registration, organisation, now), organisation))

    def decide(found: Found, organisation: Organisation) -> CardDecision:
        understood = understand(registration, organisation, now)
        return decide_registration(understood, found, organisation, now)

    return await write_card(shop, wanted, decide, now, render, idempotency, order)
