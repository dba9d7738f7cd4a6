"""What a message of the outbox becomes when it leaves: one signed request, as its destination wants
it by then.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from habitue.model.documents import decode_untyped, encode
from habitue.promotions.notification import Notice, Notification, ToldCard
from habitue.promotions.signing import signature_headers
from habitue.promotions.webhook import OutgoingRequest, request_of
from habitue.store import notifications
from habitue.store.outbox import MessageRow
from habitue.usecases.configure.coupons import read_coupon
from habitue.usecases.shop import Shop

#: Writes a notice in the words of a protocol.
Tell = Callable[[Notification, Notice], bytes]


class Undeliverable(Exception):
    """No answer came, or the address may not be asked; the message says why."""


async def outgoing(
    shop: Shop, message: MessageRow, moment: datetime, tell: Tell
) -> OutgoingRequest:
    """The request that the message makes at that moment. Raises `Undeliverable`."""
    if message.destination == "notification":
        secret, request = await _of_notification(shop, message, tell)
    else:
        secret, request = _of_webhook(shop, message)
    signed = signature_headers(secret, message.message_id, moment, request.body)
    return msgspec.structs.replace(request, headers=(*request.headers, *signed))


def kept_of(message: MessageRow, request: OutgoingRequest) -> bytes:
    """What is kept of a request. Of one about nobody it is what was noted: coupons name people, and
    what is about nobody in particular is not looked through when one of them is erased."""
    about_nobody = message.destination == "notification" and message.customer_id == 0
    return message.document if about_nobody else request.body


def _of_webhook(shop: Shop, message: MessageRow) -> tuple[str, OutgoingRequest]:
    webhook = shop.configuration.webhooks.get(message.destination_id)
    if webhook is None:
        raise Undeliverable("the webhook was deleted")
    try:
        return webhook.secret, request_of(webhook, decode_untyped(message.document))
    except KeyError as missing:
        raise Undeliverable(f"the webhook wants {missing.args[0]}, which was not given") from None


async def _of_notification(
    shop: Shop, message: MessageRow, tell: Tell
) -> tuple[str, OutgoingRequest]:
    notification = shop.configuration.notifications.get(message.destination_id)
    if notification is None:
        raise Undeliverable("the notification was deleted")
    document = decode_untyped(message.document)
    documents = [encode(each) for each in document.get("coupons", ())]
    if "coupon_ids" in document:
        documents = await notifications.coupons_of(
            shop.database, notification.entity_id, document["coupon_ids"]
        )
    card = None
    if "card_owner_id" in document:
        found = await notifications.card_of(shop.database, document["card_owner_id"])
        if found is None:
            raise Undeliverable("the card was deleted")
        card = ToldCard(*found)
    body = tell(notification, Notice(document, tuple(map(read_coupon, documents)), card))
    headers = (*notification.headers, ("Content-Type", "application/json"))
    return notification.secret, OutgoingRequest("POST", notification.url, headers, body)
