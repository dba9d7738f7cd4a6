"""Removing what is known of a person: the person goes, the books stay.

Names, profiles, identifiers, consents, history and stored answers go, from all cards that are
joined in one; sessions keep their money and their states, without what describes a person, and so
do redemptions and counters (contracts/talon_one/SEMANTICS.md section 9). The identifiers are free
then: whoever comes under one of them is a new customer.
"""

from datetime import datetime
from uuid import UUID

from habitue.customers.card import Actor
from habitue.customers.claims import claim_key, profile_key
from habitue.customers.refusals import CustomerNotFound
from habitue.model.documents import encode
from habitue.model.errors import NotFound, ProfileBusy
from habitue.store import privacy
from habitue.store.database import Connection
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

_SESSION_DOOR = Actor(kind="APPLICATION")


async def erase_customer(
    shop: Shop, application_id: int, integration_id: str, now: datetime
) -> None:
    """Erases the customer of that profile id. Raises `NotFound` or `ProfileBusy`."""
    sandbox = shop.program(application_id).application.sandbox
    key = profile_key(integration_id, sandbox=sandbox)
    if not await _erase(shop, None, key, now, _SESSION_DOOR):
        raise NotFound("Customer profile", integration_id)


async def erase_card(shop: Shop, customer_id: int, actor: Actor, now: datetime) -> None:
    """Erases the customer of that id, or the one that it is a part of.

    Raises `CustomerNotFound` where there is nobody, or nothing is known any more, or `ProfileBusy`.
    """
    if not await _erase(shop, customer_id, None, now, actor):
        raise CustomerNotFound(customer_id)


async def _erase(
    shop: Shop, customer_id: int | None, key: UUID | None, now: datetime, actor: Actor
) -> bool:
    async def attempt(connection: Connection, locked: bool) -> bool:
        return await privacy.erase(connection, customer_id, key, now, encode(actor))

    async with shop.queue.turn([key or claim_key("customer", "id", str(customer_id))], ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)
