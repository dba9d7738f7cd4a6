"""Batches as the script sends most of them, read in one go: events of products, and nothing else.

Words: a batch is *plain* where every message is an event of a usual name that lists products by
ids, amounts and stocks, each well within its bounds. What is plain is as it is stored already, so
it is read by its types alone, at a fraction of the time. Everything else, and whatever is doubtful,
is no plain batch and goes the general way, which decides what is wrong with it.

Invariant: of a plain batch the general way would make the same.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from habitue.customers.claims import MessageKeys
from habitue.edges.tracker.receiving import AGE_MS_MAX, TIME_MAX, Sender
from habitue.edges.tracker.wire import Fields
from habitue.model.limits import (
    ITEM_ID_LENGTH_MAX,
    ITEM_QUANTITY_MAX,
    ITEMS_PER_EVENT_MAX,
    MESSAGES_PER_REQUEST_MAX,
)
from habitue.usecases.collect_events import Message

_ID_LENGTH_MAX = 100
#: What a text of a message may hold: nothing that would be trimmed, replaced or refused.
_PLAIN_BYTES = bytes(set(range(0x21, 0x7F)) - set(b"\\"))
_Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=_ID_LENGTH_MAX)]
_ItemId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=ITEM_ID_LENGTH_MAX)]
_Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=TIME_MAX)]
_Quantity: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=ITEM_QUANTITY_MAX)]
_Name: TypeAlias = Literal["view", "category", "cart", "remove_from_cart", "wish", "remove_wish"]


class _Plain(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What has the fields that are named here and no others."""


class Item(_Plain):
    """A product, as it is sent and as it is stored."""

    id: _ItemId
    quantity: _Quantity | msgspec.UnsetType = msgspec.UNSET
    stock: _ItemId | msgspec.UnsetType = msgspec.UNSET


class Listed(_Plain):
    """The products that an event is about."""

    items: Annotated[list[Item], msgspec.Meta(max_length=ITEMS_PER_EVENT_MAX)]


class Told(_Plain):
    """One message."""

    id: _Id
    at: _Time
    type: Literal["event"]
    name: _Name
    data: Listed
    dialect: Literal["rr", "r46"]


class Batch(_Plain):
    """What one request says."""

    shop: str
    did: str
    sid: str
    page: dict[str, str]
    consent: Literal["granted", "unknown"]
    sent: _Time
    messages: Annotated[list[Told], msgspec.Meta(max_length=MESSAGES_PER_REQUEST_MAX)]
    stream: str = ""

    @property
    def fields(self) -> Fields:
        """What the request says beside its messages."""
        names = ("shop", "did", "sid", "page", "stream")
        return {name: getattr(self, name) for name in names}


_DECODER = msgspec.json.Decoder(Batch)


def plain_batch(body: bytes) -> Batch | None:
    """The batch, if it is a plain one."""
    before, found, messages = body.partition(b'"messages":')
    if not found or b"\\u" in before or messages.translate(None, _PLAIN_BYTES):
        return None
    try:
        return _DECODER.decode(body)
    except ValueError:  # msgspec's errors, and those of texts that are not UTF-8
        return None


def plain_events(batch: Batch, sender: Sender) -> Iterator[Message]:
    """The messages of the batch, each with what is known of the page."""
    key_of, sent, page = MessageKeys(sender.shop, sender.device.id).key, batch.sent, sender.page
    count = len(batch.messages)
    for index, message in enumerate(batch.messages):
        age_ms = sent - message.at
        if not 0 <= age_ms <= AGE_MS_MAX:
            age_ms = 0 if age_ms < 0 else AGE_MS_MAX
        document: dict[str, Any] = {"items": message.data.items, **page}
        # Clocks count milliseconds; what was done in one of them keeps its order.
        age_us = age_ms * 1000 + count - index
        yield Message(key_of(message.id), age_us, message.name, document)
