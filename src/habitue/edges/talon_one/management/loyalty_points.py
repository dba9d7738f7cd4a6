"""Points of profiles in the Management API: what staff give and take, and look at."""

from functools import partial
from typing import Any
from uuid import uuid4

import msgspec

from habitue.edges.http.numbers import Number
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.loyalty import BalancesOut, TransactionOut
from habitue.edges.talon_one.management.paging import PageWithoutTotal
from habitue.edges.talon_one.management.shared import Id, Instant, ManagementCall, managed
from habitue.edges.talon_one.profile_points import (
    BalancesQuery,
    TransactionsQuery,
    balances_of_profile,
    profile_query,
    transactions_of_profile,
)
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.terms import Wish
from habitue.model.errors import Fault, InvalidInput
from habitue.usecases.adjust_points import Adjustment, add_points, deduct_points
from habitue.usecases.change_points import loyalty_program


class DeductIn(msgspec.Struct, rename="camel"):
    """Points to take."""

    points: Number
    name: str | None = None
    subledger_id: str | None = None
    application_id: Id | None = None


class AddIn(DeductIn, rename="camel"):
    """Points to give; a duration and a moment for the same thing exclude each other."""

    validity_duration: str | None = None
    valid_until: Instant | None = None
    pending_duration: str | None = None
    pending_until: Instant | None = None


async def put_add_points(call: ManagementCall[None, AddIn]) -> Answer:
    program, profile_id = program_named(call), integration_id(call, "integrationId")
    adjustment = adjustment_of(call, call.body, add_wish(call.body))
    query = profile_query(program, profile_id, adjustment.subledger)
    await add_points(call.services.shop, query, profile_id, adjustment, call.now, call.idempotency)
    return Answer(204)


async def put_deduct_points(call: ManagementCall[None, DeductIn]) -> Answer:
    program, profile_id = program_named(call), integration_id(call, "integrationId")
    adjustment = adjustment_of(call, call.body, Wish())
    query = profile_query(program, profile_id, adjustment.subledger)
    await deduct_points(
        call.services.shop, query, profile_id, adjustment, call.now, call.idempotency
    )
    return Answer(204)


async def get_ledger_balances(call: ManagementCall[BalancesQuery, None]) -> Answer:
    return Answer(200, await balances_of_profile(call, program_named(call)))


async def get_ledger_transactions(call: ManagementCall[TransactionsQuery, None]) -> Answer:
    return Answer(200, await transactions_of_profile(call, program_named(call)))


def program_named(call: ManagementCall[Any, Any]) -> LoyaltyProgram:
    return loyalty_program(call.services.shop, call.integer("loyaltyProgramId"))


def adjustment_of(call: ManagementCall[Any, Any], body: DeductIn, wish: Wish) -> Adjustment:
    applications = call.services.shop.configuration.applications
    if body.application_id is not None and body.application_id not in applications:
        details = f"Application {body.application_id} does not exist"
        raise InvalidInput(Fault("/applicationId", "Unknown", details))
    cause = cause_of_staff(call, body.name or "", body.application_id)
    return Adjustment(uuid4(), body.points, body.subledger_id or MAIN_LEDGER, cause, wish)


def add_wish(body: AddIn) -> Wish:
    """When points that are given start and end."""
    return Wish(
        pending=body.pending_duration,
        pending_until=body.pending_until,
        validity=body.validity_duration,
        valid_until=body.valid_until,
    )


def cause_of_staff(
    call: ManagementCall[Any, Any], name: str = "", application_id: int | None = None
) -> Cause:
    """Why staff changed points."""
    actor = f"key {call.principal.key_id}"
    return Cause(name=name, actor=actor, application_id=application_id)


def operations() -> list[Operation]:
    """The operations on points of profiles."""
    profile = "/v1/loyalty_programs/{loyaltyProgramId:int}/profile/{integrationId}"
    operation = partial(managed, group="Loyalty")
    return [
        operation(
            "addLoyaltyPoints",
            "PUT",
            f"{profile}/add_points",
            put_add_points,
            "Add points to a customer profile",
            {204: None},
            body=AddIn,
            idempotent=True,
        ),
        operation(
            "removeLoyaltyPoints",
            "PUT",
            f"{profile}/deduct_points",
            put_deduct_points,
            "Deduct points from a customer profile",
            {204: None},
            body=DeductIn,
            idempotent=True,
        ),
        operation(
            "getLoyaltyLedgerBalances",
            "GET",
            f"{profile}/ledger_balances",
            get_ledger_balances,
            "Get a customer's loyalty balances",
            {200: BalancesOut},
            query=BalancesQuery,
        ),
        operation(
            "getLoyaltyProgramProfileLedgerTransactions",
            "GET",
            f"{profile}/ledger_transactions",
            get_ledger_transactions,
            "List a customer's loyalty transactions",
            {200: PageWithoutTotal[TransactionOut]},
            query=TransactionsQuery,
        ),
    ]
