"""Between rows and values: customer cards as they were read, and as they are to be written.

Shared by the use cases that decide about customer cards.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from habitue.customers.card import Card, Part
from habitue.customers.change import CardChange, ClaimWish
from habitue.customers.customer import Customer
from habitue.model.documents import decoder_of, encode
from habitue.model.idempotency import Idempotency
from habitue.store.cards import CardRow, CardWrite
from habitue.usecases.session_state import receipt_key
from habitue.usecases.writing import Reply

_PART = decoder_of(Part)
_ATTRIBUTES = decoder_of(dict[str, Any])


def card_of(row: CardRow) -> Card:
    """The card that was read."""
    customer = Customer(
        id=row.id,
        created=row.created,
        last_activity=row.last_activity,
        version=row.version,
        anonymous=row.anonymous,
        session_count=row.session_count,
        closed_sessions=row.closed_sessions,
        total_sales=row.total_sales,
        attributes=_ATTRIBUTES.decode(row.attributes),
    )
    parts = tuple(_PART.decode(each) for each in row.parts)
    return Card(customer, parts, row.merged_into, row.erased)


def write_of(change: CardChange, now: datetime) -> CardWrite:
    """The whole change of one card as the arguments of one statement."""
    return CardWrite(
        customer_id=change.customer_id,
        version=change.version,
        now=now,
        attributes=None if change.attributes is None else encode(change.attributes),
        parts=encode([{"root_id": each.root_id, "document": each} for each in change.parts]),
        claims=_claims(change.claims),
        released=change.released,
        holders=_holders(change.holders, change.root_id),
        names=None if change.names is None else encode(_names(change.names)),
        change_root=change.root_id,
        change_kind=change.kind,
        change_actor=encode(change.actor),
        changes=encode(change.changes) if change.changes else None,
    )


def receipted(write: CardWrite, idempotency: Idempotency | None, reply: Reply) -> CardWrite:
    """The same write, with the answer stored beside it if the caller gave a key."""
    if idempotency is None:
        return write
    return msgspec.structs.replace(
        write,
        receipt_key=receipt_key(idempotency),
        receipt_hash=idempotency.request_hash,
        receipt_status=reply.status,
        receipt_answer=reply.body,
    )


def _claims(claims: Sequence[ClaimWish]) -> bytes | None:
    return encode(claims) if claims else None


def _holders(keys: Iterable[UUID], root_id: int) -> bytes | None:
    held = [{"key": key, "root_id": root_id} for key in keys]
    return encode(held) if held else None


def _names(names: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"root_id": root_id, "name": name} for root_id, name in names]
