"""What staff ask about a customer: its history, why it is one and that it be two again, everything
held, and its erasure.

None of this is part of the vendor's protocol; it stands at this door because whoever has a till's
credentials has the customer in front of them (docs/decisions/0033).
"""

from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.card import Actor
from habitue.edges.capillary.answers import identifier_spelling, moment
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import (
    Done,
    IdentifierChanged,
    Item,
    Listing,
    Pagination,
    done,
    identifier_changed,
    listing,
)
from habitue.edges.capillary.reading import GROUP, TillCall, attribution_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.model.limits import HISTORY_PAGE_SIZE_MAX
from habitue.usecases.erase_customer import erase_card
from habitue.usecases.explain_customer import Explanation, Joining, Link, explain_customer
from habitue.usecases.export_customer import export_customer
from habitue.usecases.read_history import RecordedChange, read_history
from habitue.usecases.shop import Shop
from habitue.usecases.unmerge_customers import unmerge_customers


class PageQuery(msgspec.Struct):
    """Which lines to show."""

    limit: Integer = 10
    offset: Integer = 0


class ByOut(msgspec.Struct):
    """Who did something; `context` is what the caller said of itself."""

    type: str
    id: int
    code: str
    context: str


class ChangeOut(msgspec.Struct, rename="camel"):
    """One change; `userId` is the card that was named, which may have been joined since."""

    id: int
    user_id: int
    kind: str
    changed_on: str
    changed_by: ByOut
    changes: Any


class LinkOut(msgspec.Struct, rename="camel"):
    """An identifier that leads to the customer, or is shared by too many to lead to anybody."""

    type: str
    value: str
    user_id: int
    source: str
    account_id: str
    since: str
    customer_count: int
    shared: bool


class MergeOut(msgspec.Struct, rename="camel"):
    """A merge that made the customer what it is, or was undone."""

    id: int
    victim_id: int
    survivor_id: int
    merged_on: str
    merged_by: ByOut
    reason: str
    identifier_type: str
    source: str
    account_id: str
    request_id: int
    comments: str
    undone_on: str | UnsetType = UNSET
    undone_by: ByOut | UnsetType = UNSET


class ExplanationOut(msgspec.Struct, rename="camel"):
    """Why these are one customer."""

    id: int
    requested_id: int
    joined_ids: list[int]
    identifiers: list[LinkOut]
    merges: list[MergeOut]
    warnings: list[Item]


async def get_history(call: TillCall[PageQuery, None]) -> Answer:
    limit, offset = call.query.limit, call.query.offset
    if offset < 0:
        raise RequestFault("offset_negative", "offset")
    if limit <= 0:
        raise RequestFault("limit_too_small", "limit")
    if limit > HISTORY_PAGE_SIZE_MAX:
        raise RequestFault("limit_too_large", "limit")
    shop, customer_id = call.services.shop, call.integer("customerId")
    history = await read_history(shop, customer_id, limit, offset, call.now)
    return listing(list(map(_change, history.changes)), Pagination(limit, offset, history.total))


async def explain(call: TillCall[None, None]) -> Answer:
    explanation = await explain_customer(call.services.shop, call.integer("customerId"))
    return Answer(200, _explanation(explanation))


async def export(call: TillCall[None, None]) -> Answer:
    return Answer(200, await export_customer(call.services.shop, call.integer("customerId")))


async def erase(call: TillCall[None, None]) -> Answer:
    shop: Shop = call.services.shop
    actor = attribution_in(call).actor
    await erase_card(shop, call.integer("customerId"), actor, call.now)
    return done()


async def unmerge(call: TillCall[None, None]) -> Answer:
    shop: Shop = call.services.shop
    customer_id = call.integer("customerId")
    await unmerge_customers(shop, customer_id, attribution_in(call).actor, call.now)
    return identifier_changed(customer_id)


def _change(change: RecordedChange) -> ChangeOut:
    return ChangeOut(
        change.id,
        change.root_id,
        change.kind,
        moment(change.at),
        _by(change.actor),
        change.changes,
    )


def _explanation(explanation: Explanation) -> ExplanationOut:
    return ExplanationOut(
        id=explanation.customer_id,
        requested_id=explanation.asked_id,
        joined_ids=list(explanation.roots),
        identifiers=list(map(_link, explanation.links)),
        merges=list(map(_merge, explanation.joinings)),
        warnings=[],
    )


def _link(link: Link) -> LinkOut:
    return LinkOut(
        identifier_spelling(link.kind),
        link.value,
        link.root_id,
        link.source,
        link.account_id,
        moment(link.since),
        link.card_count,
        link.shared,
    )


def _merge(joining: Joining) -> MergeOut:
    reason = joining.reason
    return MergeOut(
        id=joining.id,
        victim_id=joining.victim_id,
        survivor_id=joining.survivor_id,
        merged_on=moment(joining.at),
        merged_by=_by(joining.actor),
        reason=reason.kind,
        identifier_type=identifier_spelling(reason.identifier_kind),
        source=reason.source,
        account_id=reason.account_id,
        request_id=reason.request_id,
        comments=reason.comment,
        undone_on=UNSET if joining.undone_at is None else moment(joining.undone_at),
        undone_by=UNSET if joining.undone_by is None else _by(joining.undone_by),
    )


def _by(actor: Actor) -> ByOut:
    return ByOut(actor.kind, actor.id, actor.code, actor.context)


_OURS = "Not part of the vendor's protocol."
_TAKEN_APART = f"""{_OURS} Whatever made them one, a registration or a request, both are
again what they were, with all that has arrived since at the one that it named."""


def staff_operations() -> list[Operation]:
    """The operations that the vendor's protocol does not have."""
    operation = partial(Operation, door=CAPILLARY, group=GROUP, description=_OURS)
    one = "/v2/customers/{customerId:int}"
    return [
        operation(
            id="getCustomerHistory",
            method="GET",
            path=f"{one}/history",
            handler=get_history,
            summary="Read what has happened to a customer, the last first",
            query=PageQuery,
            responses={200: Listing},
        ),
        operation(
            id="explainCustomer",
            method="GET",
            path=f"{one}/explain",
            handler=explain,
            summary="Say why these are one customer",
            responses={200: ExplanationOut},
        ),
        operation(
            id="exportCustomer",
            method="GET",
            path=f"{one}/export",
            handler=export,
            summary="Read everything that is held on one person",
            responses={200: dict[str, Any]},
        ),
        operation(
            id="eraseCustomer",
            method="DELETE",
            path=one,
            handler=erase,
            summary="Remove a person's details; the books stay",
            responses={200: Done},
        ),
        operation(
            id="unmergeCustomer",
            method="POST",
            path=f"{one}/unmerge",
            handler=unmerge,
            summary="Take a customer out of the one that it was merged into",
            description=_TAKEN_APART,
            responses={200: IdentifierChanged},
        ),
    ]
