"""Orders that pages tell, as closed sessions of the session door.

Off unless the shop names an application (`orders_application_id`). The session's id comes of the
order's id, so an order is one session however often it is told. An order may be told in pieces, one
product at a time: then the session is closed anew with all of them.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.customers.claims import claim_key, profile_key
from habitue.customers.identifier import EXTERNAL_ID, INTEGRATION_ID
from habitue.customers.timeline import Document, united_items
from habitue.model.documents import decode_untyped
from habitue.model.errors import InvalidInput, NotFound, SessionBusy
from habitue.model.limits import EVENT_AGE_DAYS_MAX
from habitue.pricing.cart import CartItem
from habitue.promotions.decide import SessionCommand
from habitue.promotions.program import Program
from habitue.promotions.session import SessionUpdate
from habitue.store import events, visitors
from habitue.usecases.find_customer import read_customers
from habitue.usecases.read_session import read_session
from habitue.usecases.reopen_session import reopen_session
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import update_session
from habitue.usecases.writing import Reply

_TRIES_MAX = 3


class Buyer(msgspec.Struct, frozen=True):
    """Whose timeline the order is in, and the device that told it."""

    customer_id: int
    device_key: UUID

    @property
    def mark(self) -> str:
        """What the order's session is marked with, so that no other device changes it."""
        return f"device:{self.device_key.hex}"


def session_id_of(order: str) -> str:
    """The session's id in its application."""
    return f"order:{order}"


async def close_order(shop: Shop, visitor: Buyer, order: str, now: datetime) -> bool:
    """Makes the order a closed session with all items that were told of it; whether it is one now.

    An order that the session door refuses (too many items) stays an event alone, and one that was
    told from another device first stays as it was told there.
    """
    application_id = shop.configuration.organisation.settings.orders_application_id
    if application_id not in shop.configuration.applications:
        return False
    turn = claim_key("order", str(application_id), order)
    async with shop.queue.turn([turn], SessionBusy):
        for _ in range(_TRIES_MAX):
            items = await _items(shop, visitor.customer_id, order, now)
            try:
                if not items or await _is_settled(shop, visitor, order, items, now):
                    return bool(items)
                await _close(shop, visitor, order, items, now)
            except InvalidInput:
                continue
            return True
    return False


async def _items(shop: Shop, customer_id: int, order: str, now: datetime) -> list[CartItem]:
    since = now - timedelta(days=EVENT_AGE_DAYS_MAX)
    stored = await events.order_documents(shop.database, customer_id, order, since)
    documents: list[Document] = [decode_untyped(each) for each in stored]
    return [
        CartItem(item["id"], int(item.get("quantity", 1)), Decimal(item.get("price", 0)))
        for item in united_items(documents)
    ]


async def _is_settled(
    shop: Shop, visitor: Buyer, order: str, items: list[CartItem], now: datetime
) -> bool:
    """Whether nothing is left to do; a closed session that lacks items is open afterwards."""
    application_id = shop.configuration.organisation.settings.orders_application_id
    try:
        session = await read_session(shop, application_id, session_id_of(order), now)
    except NotFound:
        return False
    if session.state == "open":
        return visitor.mark not in session.identifiers
    lacks = {each.sku for each in items} - {each.sku for each in session.cart_items}
    if session.state != "closed" or not lacks or visitor.mark not in session.identifiers:
        return True
    await reopen_session(shop, application_id, session_id_of(order), now, _unseen)
    return False


async def _close(
    shop: Shop, visitor: Buyer, order: str, items: list[CartItem], now: datetime
) -> None:
    application_id = shop.configuration.organisation.settings.orders_application_id
    update = SessionUpdate(
        state="closed",
        profile_id=await _store_side_id(shop, visitor.customer_id, now),
        cart_items=tuple(items),
        identifiers=(visitor.mark,),
    )
    command = SessionCommand(application_id, session_id_of(order), update)
    await update_session(shop, command, now, _unseen)


async def _store_side_id(shop: Shop, customer_id: int, now: datetime) -> str | None:
    """The id by which the session door knows the customer; None for a guest whom nobody knows.

    Somebody who is known by a contact alone gets an id from us.
    """
    card = (await read_customers(shop, [customer_id])).get(customer_id)
    if card is None or card.merged_into is not None or card.erased is not None:
        return None
    for _, profile in card.profiles():
        for each in profile.identifiers:
            if each.identity and each.kind in (EXTERNAL_ID, INTEGRATION_ID):
                return each.normal_form
    own_id = f"visitor:{customer_id}"
    key = profile_key(own_id, sandbox=False)
    return own_id if await visitors.give_id(shop.database, customer_id, key, own_id, now) else None


def _unseen(outcome: SessionOutcome, program: Program) -> Reply:
    return Reply(200, b"")
