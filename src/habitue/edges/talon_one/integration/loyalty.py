"""Points of profiles in the Integration API (contracts/talon_one/SEMANTICS.md sections 11.4-11.10).

An integration key sees the programs of its application's environment.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.loyalty import (
    ActivatedOut,
    BalancesOut,
    PointsOut,
    TransactionOut,
    points_out,
    render_activated,
)
from habitue.edges.talon_one.pages import PageSize, PageWithoutTotal, Skip
from habitue.edges.talon_one.profile_points import (
    BalancesQuery,
    TransactionsQuery,
    balances_of_profile,
    customer_of_profile,
    named_subledgers,
    profile_query,
    transactions_of_profile,
    uuids,
)
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import TRANSACTIONS_PER_ACTIVATION_MAX
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import LotRow, PointsOrder, PointsPage
from habitue.usecases.activate_points import Answering, activate_session, activate_transactions
from habitue.usecases.change_points import found_program
from habitue.usecases.delete_points import delete_points
from habitue.usecases.join_program import join_program
from habitue.usecases.read_logs import Part, part_of, read_lots
from habitue.usecases.read_past import lots_as_of
from habitue.usecases.shop import Shop

Instant = Annotated[datetime, Meta(tz=True)]
_ORDERS: dict[str, PointsOrder] = {
    "": "start",
    "startDate": "start",
    "-startDate": "-start",
    "expiryDate": "expiry",
    "-expiryDate": "-expiry",
}


class PointsQueryString(msgspec.Struct, rename="camel", kw_only=True):
    """Which unused points. `end_date` is ours: as of when, as for balances."""

    status: Literal["active", "pending", "expired"] = "active"
    subledger_id: list[str] | None = None
    customer_session_ids: list[str] | None = msgspec.field(name="customerSessionIDs", default=None)
    transaction_uuids: list[str] | None = msgspec.field(name="transactionUUIDs", default=None)
    page_size: PageSize = 50
    skip: Skip = 0
    sort: Literal["", "startDate", "-startDate", "expiryDate", "-expiryDate"] = ""
    end_date: Instant | None = None


class ActivateIn(msgspec.Struct, rename={"transaction_uuids": "transactionUUIDs"}):
    """What to activate: exactly one of both."""

    transaction_uuids: tuple[UUID, ...] | UnsetType | None = UNSET
    session_id: str | UnsetType | None = msgspec.field(name="sessionId", default=UNSET)


class DeleteIn(msgspec.Struct, rename="camel"):
    """Which ledgers to delete the transactions of; the main one is the empty text."""

    scope: Literal["AllSubledgers", "SelectedSubledgers"]
    subledger_ids: tuple[str, ...] | None = None


async def get_balances(call: Call[Any, BalancesQuery, None]) -> Answer:
    program = await program_of(call)
    return Answer(200, await balances_of_profile(call, program))


async def get_points(call: Call[Principal, PointsQueryString, None]) -> Answer:
    program = await program_of(call)
    found = await lots_of(call, program, await customer_of_profile(call, program))
    shown = [points_out(row, program.id) for row in found.rows]
    return Answer(200, PageWithoutTotal(found.has_more, shown))


async def lots_of(
    call: Call[Principal, PointsQueryString, None], program: LoyaltyProgram, owner_id: int
) -> Part[LotRow]:
    """The unused points that a request asks for, of a customer or a card."""
    query = call.query
    page = PointsPage(
        customer_id=owner_id,
        program_id=program.id,
        status=query.status,
        now=call.now,
        subledgers=named_subledgers(query.subledger_id),
        session_keys=query.customer_session_ids,
        keys=uuids(query.transaction_uuids),
        order=_ORDERS[query.sort],
        skip=query.skip,
        limit=query.page_size,
    )
    shop = call.services.shop
    if query.end_date is None:
        return await read_lots(shop, page)
    owner = PointsQuery(None, owner_id, program.id)
    return part_of(await lots_as_of(shop, owner, owner_id, page, query.end_date), page.limit)


async def get_transactions(call: Call[Principal, TransactionsQuery, None]) -> Answer:
    program = await program_of(call)
    return Answer(200, await transactions_of_profile(call, program))


async def post_join(call: Call[Principal, None, None]) -> Answer:
    program = await program_of(call)
    profile_id = integration_id(call, "integrationId")
    shop = call.services.shop
    await join_program(shop, program.id, profile_id, call.now, sandbox=program.sandbox)
    return Answer(200)


async def post_activate(call: Call[Principal, None, ActivateIn]) -> Answer:
    program, body, shop = await program_of(call), call.body, call.services.shop
    keys, session_id = body.transaction_uuids or (), body.session_id or ""
    if bool(keys) == bool(session_id):
        details = "exactly one of sessionId and transactionUUIDs is given"
        raise InvalidInput(Fault("", "Invalid choice", details))
    if len(keys) > TRANSACTIONS_PER_ACTIVATION_MAX:
        details = f"at most {TRANSACTIONS_PER_ACTIVATION_MAX} transactions are accepted"
        raise InvalidInput(Fault("/transactionUUIDs", "Too many", details))
    cause, answering = cause_of(call), Answering(render_activated(program), call.idempotency)
    if session_id:
        application_id = call.principal.application_id
        reply = await activate_session(
            shop, program, application_id, session_id, cause, call.now, answering
        )
    else:
        reply = await activate_transactions(shop, program, keys, cause, call.now, answering)
    return Answer(reply.status, reply.body)


async def post_delete(call: Call[Principal, None, DeleteIn]) -> Answer:
    program, body = await program_of(call), call.body
    selected = body.scope == "SelectedSubledgers"
    if selected and not body.subledger_ids:
        details = "SelectedSubledgers needs the ids of the subledgers"
        raise InvalidInput(Fault("/subledgerIds", "Missing", details))
    profile_id = integration_id(call, "integrationId")
    query = profile_query(program, profile_id)
    names = body.subledger_ids if selected else None
    cause, shop = cause_of(call), call.services.shop
    await delete_points(shop, query, profile_id, names, uuid4(), cause, call.now, call.idempotency)
    return Answer(204)


async def program_of(call: Call[Any, Any, Any]) -> LoyaltyProgram:
    """The program that the path names, in the caller's environment."""
    shop: Shop = call.services.shop
    sandbox = shop.program(call.principal.application_id).application.sandbox
    return await found_program(shop, call.integer("loyaltyProgramId"), sandbox=sandbox)


def cause_of(call: Call[Principal, Any, Any]) -> Cause:
    """Who asks."""
    return Cause(actor=f"key {call.principal.key_id}", application_id=call.principal.application_id)


_PROGRAM = "/v1/loyalty_programs/{loyaltyProgramId:int}"
_PROFILE = f"{_PROGRAM}/profile/{{integrationId}}"


def _operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
    return Operation(
        id=id_, method=method, path=path, handler=handler, door=INTEGRATION, group="Loyalty", **more
    )


def loyalty_operations() -> list[Operation]:
    """What integrations do with the points of profiles."""
    return [*_reading_operations(), *_changing_operations()]


def _reading_operations() -> list[Operation]:
    return [
        _operation(
            "getLoyaltyBalances",
            "GET",
            f"{_PROFILE}/balances",
            get_balances,
            summary="Get a customer's loyalty balances",
            query=BalancesQuery,
            responses={200: BalancesOut},
        ),
        _operation(
            "getLoyaltyProgramProfilePoints",
            "GET",
            f"{_PROFILE}/points",
            get_points,
            summary="List a customer's unused loyalty points",
            query=PointsQueryString,
            responses={200: PageWithoutTotal[PointsOut]},
        ),
        _operation(
            "getLoyaltyProgramProfileTransactions",
            "GET",
            f"{_PROFILE}/transactions",
            get_transactions,
            summary="List a customer's loyalty transactions",
            query=TransactionsQuery,
            responses={200: PageWithoutTotal[TransactionOut]},
        ),
    ]


def _changing_operations() -> list[Operation]:
    return [
        _operation(
            "joinLoyaltyProgram",
            "POST",
            f"{_PROFILE}/join",
            post_join,
            summary="Join a customer to a loyalty program",
            responses={200: None},
        ),
        _operation(
            "deleteLoyaltyTransactionsFromLedgers",
            "POST",
            f"{_PROFILE}/delete_transactions",
            post_delete,
            summary="Delete a customer's transactions from ledgers",
            body=DeleteIn,
            idempotent=True,
            responses={204: None},
        ),
        _operation(
            "activateLoyaltyPoints",
            "POST",
            f"{_PROGRAM}/activate_points",
            post_activate,
            summary="Activate points that await an action",
            body=ActivateIn,
            idempotent=True,
            responses={200: ActivatedOut},
        ),
    ]
