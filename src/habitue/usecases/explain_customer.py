"""Why are these one customer: what leads to the card, and what was joined in it.

Every identifier with when, where and under which root it was told and how many cards carry it;
every merge with its reason, who did it and when, undone ones too.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.customers.refusals import CustomerNotFound
from habitue.customers.sharing import is_identity
from habitue.model.documents import decoder_of
from habitue.store import merges
from habitue.usecases.shop import Shop


class Link(msgspec.Struct, frozen=True):
    """An identifier that leads to the card. One that is `shared` by too many recognises nobody."""

    claim_key: UUID
    kind: str
    value: str
    root_id: int
    source: str
    account_id: str
    since: datetime
    card_count: int
    shared: bool = False


class Joining(msgspec.Struct, frozen=True):
    """A merge of one of the cards, as it was done and, where `undone_at` is set, undone."""

    id: int
    victim_id: int
    survivor_id: int
    at: datetime
    actor: Actor
    reason: MergeReason
    undone_at: datetime | None = None
    undone_by: Actor | None = None


class Explanation(msgspec.Struct, frozen=True):
    """One customer: the cards that are joined in it, what leads to it, and how it came to be.

    `links` and `joinings` are oldest first.
    """

    customer_id: int
    asked_id: int
    erased: datetime | None
    roots: tuple[int, ...]
    links: tuple[Link, ...]
    joinings: tuple[Joining, ...]


_LINKS: "msgspec.json.Decoder[Any]" = decoder_of(tuple[Link, ...])
_JOININGS: "msgspec.json.Decoder[Any]" = decoder_of(tuple[Joining, ...])


async def explain_customer(shop: Shop, customer_id: int) -> Explanation:
    """Why the customer of that id is who it is; a card that was joined leads to the one it is in.

    Raises `CustomerNotFound`.
    """
    row = await merges.load_story(shop.database, customer_id)
    if row is None:
        raise CustomerNotFound(customer_id)
    settings = shop.configuration.organisation.settings
    links = tuple(
        msgspec.structs.replace(each, shared=not is_identity(each.card_count, settings))
        for each in _LINKS.decode(row.links)
    )
    return Explanation(
        row.customer_id,
        customer_id,
        row.erased,
        tuple(row.roots),
        links,
        _JOININGS.decode(row.joinings),
    )
