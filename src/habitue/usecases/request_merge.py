"""Asking for two customers to be merged, and deciding about it.

Approval merges first and notes it on the request afterwards. The merge knows the request that it
was made for, so an approval that was interrupted between the two is finished by repeating it.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from habitue.customers.card import Actor
from habitue.customers.claims import claim_key
from habitue.customers.lookup import CustomerNotInSource
from habitue.customers.merge import (
    MergedWithItself,
    MergeReason,
    NotMerged,
    SandboxMixed,
    SurvivorMerged,
    VictimMerged,
)
from habitue.customers.merge_request import (
    MergeRequest,
    MergeRequestReason,
    MergeRequestRefused,
    MergeRequestState,
    check_new,
    check_transition,
)
from habitue.customers.refusals import (
    CustomerBusy,
    CustomerErased,
    CustomerMerged,
    CustomerNotFound,
)
from habitue.model.documents import decoder_of, encode
from habitue.model.idempotency import Idempotency
from habitue.store import merge_requests
from habitue.store.failures import AlreadyExists
from habitue.store.merge_requests import MergeRequestRow, MergeRequestWrite
from habitue.store.receipts import valid_since
from habitue.usecases.find_customer import Target, find_customer
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.session_state import receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.unmerge_customers import unmerge_customers
from habitue.usecases.writing import Reply, earlier_reply

_ACTOR = decoder_of(Actor)


async def request_merge(
    shop: Shop,
    victim: Target,
    survivor: Target,
    comments: str,
    actor: Actor,
    now: datetime,
    render: Callable[[MergeRequest], Reply],
    idempotency: Idempotency | None = None,
) -> Reply:
    """A pending request. Raises `MergeRequestRefused`, `CustomerErased`, `KeyReused`."""
    victim_id = await _customer(shop, victim, now, "victim_unknown", "victim_merged")
    survivor_id = await _customer(shop, survivor, now, "survivor_unknown", "survivor_merged")
    ids, key = [victim_id, survivor_id], receipt_key(idempotency)
    async with shop.queue.turn([_turn(victim_id)], CustomerBusy):
        read = await merge_requests.load_new(shop.database, ids, key, valid_since(now))
        earlier = earlier_reply(read.receipt, idempotency)
        if earlier is not None:
            return earlier
        check_new(victim_id, survivor_id, map(_request_of, read.pending))
        request = MergeRequest(
            id=read.new_id,
            victim_id=victim_id,
            survivor_id=survivor_id,
            comments=comments,
            created=now,
            created_by=actor,
            modified=now,
            modified_by=actor,
        )
        reply = render(request)
        try:
            await merge_requests.add(shop.database, _write(request, idempotency, reply))
        except AlreadyExists:
            raise MergeRequestRefused("victim_pending") from None
        return reply


async def read_request(shop: Shop, request_id: int) -> MergeRequest:
    """The request of that id. Raises `MergeRequestRefused`."""
    return _request_of(await _load(shop, request_id))


async def decide_request(
    shop: Shop,
    request_id: int,
    state: MergeRequestState,
    comments: str,
    actor: Actor,
    now: datetime,
) -> MergeRequest:
    """The request in its new state; approval merges the customers, undoing takes them apart.

    Raises `MergeRequestRefused`, and what merging and unmerging raise; nothing changes then.
    """
    async with shop.queue.turn([_turn(request_id)], CustomerBusy):
        while True:
            row = await _load(shop, request_id)
            request = _request_of(row)
            if not _is_unfinished_approval(row, state):
                check_transition(request, state)
            if state == "APPROVED" and not row.merged:
                await _merge(shop, request, comments, actor, now)
            elif state == "REJECTED" and row.merged:
                raise MergeRequestRefused("transition_forbidden", "APPROVED", state)
            elif state == "UNDONE" and row.merged:
                await _unmerge(shop, row, actor, now)
            if await merge_requests.decide(
                shop.database, row, state, comments or row.comments, now, encode(actor)
            ):
                return await read_request(shop, request_id)


async def _merge(
    shop: Shop, request: MergeRequest, comments: str, actor: Actor, now: datetime
) -> None:
    reason = MergeReason(
        kind="request", request_id=request.id, comment=comments or request.comments
    )
    try:
        await merge_customers(shop, request.survivor_id, request.victim_id, actor, reason, now)
    except MergedWithItself:
        raise MergeRequestRefused("same_customer") from None
    except SandboxMixed as mixed:
        is_victim = mixed.customer_id == request.victim_id
        raise MergeRequestRefused("victim_unknown" if is_victim else "survivor_unknown") from None
    except SurvivorMerged as merged:
        raise MergeRequestRefused("survivor_merged", merged.survivor_id) from None
    except VictimMerged as merged:
        # Another process may have been faster with the very same request.
        if not (await _load(shop, request.id)).merged:
            raise MergeRequestRefused("victim_merged", merged.survivor_id) from None


async def _unmerge(shop: Shop, row: MergeRequestRow, actor: Actor, now: datetime) -> None:
    # Another process may have been faster: what was to be taken apart is apart.
    with suppress(NotMerged):
        await unmerge_customers(shop, row.victim_id, actor, now)


def _is_unfinished_approval(row: MergeRequestRow, wanted: MergeRequestState) -> bool:
    """Whether the merge was made while somebody else rejected it: the merge is what happened."""
    return row.merged and wanted == "APPROVED" and row.state == "REJECTED"


async def _customer(
    shop: Shop,
    target: Target,
    now: datetime,
    unknown: MergeRequestReason,
    merged: MergeRequestReason,
) -> int:
    try:
        return (await find_customer(shop, target, now)).card.id
    except (CustomerNotFound, CustomerNotInSource, CustomerErased):
        raise MergeRequestRefused(unknown) from None
    except CustomerMerged as refusal:
        raise MergeRequestRefused(merged, refusal.survivor_id) from None


async def _load(shop: Shop, request_id: int) -> MergeRequestRow:
    row = await merge_requests.load(shop.database, request_id)
    if row is None:
        raise MergeRequestRefused("request_unknown", request_id)
    return row


def _request_of(row: MergeRequestRow) -> MergeRequest:
    return MergeRequest(
        id=row.id,
        victim_id=row.victim_id,
        survivor_id=row.survivor_id,
        state=row.state,  # type: ignore[arg-type]
        comments=row.comments,
        created=row.created,
        created_by=_ACTOR.decode(row.created_by),
        modified=row.modified,
        modified_by=_ACTOR.decode(row.modified_by),
    )


def _write(
    request: MergeRequest, idempotency: Idempotency | None, reply: Reply
) -> MergeRequestWrite:
    return MergeRequestWrite(
        id=request.id,
        victim_id=request.victim_id,
        survivor_id=request.survivor_id,
        comments=request.comments,
        now=request.created,
        actor=encode(request.created_by),
        receipt_key=receipt_key(idempotency),
        receipt_hash=idempotency.request_hash if idempotency else None,
        receipt_status=reply.status if idempotency else None,
        receipt_answer=reply.body if idempotency else None,
    )


def _turn(number: int) -> UUID:
    return claim_key("merge_request", "id", str(number))
