"""Removing what is known of a person: attributes go, the books stay.

Sessions keep their money and their states, without attributes and identifiers; so do redemptions
and counters (contracts/talon_one/SEMANTICS.md section 9).
"""

from datetime import datetime

from habitue.customers.claims import profile_key
from habitue.model.errors import NotFound, ProfileBusy
from habitue.store import customers
from habitue.store.database import Connection
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled


async def erase_customer(
    shop: Shop, application_id: int, integration_id: str, now: datetime
) -> None:
    """Erases the customer of that id. Raises `NotFound` or `ProfileBusy`."""
    sandbox = shop.program(application_id).application.sandbox
    key = profile_key(integration_id, sandbox=sandbox)

    async def attempt(connection: Connection, locked: bool) -> bool:
        return await customers.erase(connection, key, now)

    async with shop.queue.turn([key], ProfileBusy):
        if not await settled(shop, attempt, ProfileBusy):
            raise NotFound("Customer profile", integration_id)
