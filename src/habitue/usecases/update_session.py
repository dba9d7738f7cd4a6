"""A cart becomes effects: the main job.

A live update is laid over the stored session; a dry run sees only its own payload and stores
nothing (contracts/talon_one/SEMANTICS.md section 3.1). Two round trips: one that reads everything,
one that writes everything.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.claims import profile_key, session_key
from habitue.model.errors import SessionBusy
from habitue.model.idempotency import Idempotency
from habitue.promotions.campaign import Application
from habitue.promotions.decide import Decision, SessionCommand, State, decide_update
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking
from habitue.store import sessions
from habitue.store.database import Connection
from habitue.store.receipts import valid_since
from habitue.store.sessions import SessionQuery, SessionRow
from habitue.usecases.change_points import card_turn
from habitue.usecases.resources import questions, travel_alone
from habitue.usecases.session_state import (
    SessionOutcome,
    outcome_of,
    receipt_key,
    state_of,
    stored_codes,
    write_of,
)
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply, settled

Render = Callable[[SessionOutcome, Program], Reply]


async def update_session(
    shop: Shop,
    command: SessionCommand,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Evaluates the session and, unless the run is dry, stores what came of it.

    `render` puts the outcome into the caller's protocol; with `idempotency` its answer is stored
    and given again to the same request. Raises `InvalidInput`, `SessionBusy`, `KeyReused`.
    """
    if command.purpose.dry:
        return await _dry_run(shop, command, now, render)

    def decide(state: State, program: Program) -> Decision:
        return decide_update(state, command, program, now)

    return await write_session(shop, command, decide, now, render, idempotency)


async def write_session(
    shop: Shop,
    command: SessionCommand,
    decide: Callable[[State, Program], Decision],
    now: datetime,
    render: Render,
    idempotency: Idempotency | None,
    *,
    gives_back: bool = False,
) -> Reply:
    """Loads what `command` names, decides, and saves; the answer that `render` makes of it.

    With `gives_back` it is for a reopening or a return: what was given before is read as well.
    Raises what `decide` raises, `SessionBusy` and `KeyReused`; nothing is stored then.
    """

    program = shop.program(command.application_id)
    query = query_of(command, program, now, idempotency, gives_back=gives_back)
    replaces_cart = command.update.cart_items is not None

    async def attempt(connection: Connection, locked: bool) -> Reply:
        known, row, current = await read_current(
            shop, connection, command, query, program, now, locked, gives_back=gives_back
        )
        earlier = earlier_reply(row.receipt, idempotency)
        if earlier is not None:
            return earlier
        state = state_of(row, current, now, replaces_cart=replaces_cart)
        decision = decide(state, current)
        reply = render(outcome_of(decision, state, row, now, dry=False), current)
        write = write_of(known, row, decision, current.application, idempotency, reply)
        alone = travel_alone(decision.resource_changes)
        await sessions.save(connection, write, alone=alone)
        return reply

    keys = (*query.claim_keys, *_card_turns(command, program))
    async with shop.queue.turn(keys, SessionBusy):
        return await settled(shop, attempt, SessionBusy)


def _card_turns(command: SessionCommand, program: Program) -> Iterator[UUID]:
    """The turns of the cards that the session names, where it may post to them."""
    if command.update.state == "closed":
        for id_ in program.loyalty_wanted():
            if program.loyalty[id_].card_based:
                for identifier in command.update.loyalty_cards or ():
                    yield card_turn(id_, identifier)


async def _dry_run(shop: Shop, command: SessionCommand, now: datetime, render: Render) -> Reply:
    update = command.update
    payload = msgspec.structs.replace(
        update, profile_id=update.profile_id or "", coupon_codes=update.coupon_codes or ()
    )
    command = msgspec.structs.replace(command, update=payload)
    program = shop.program(command.application_id)
    query = query_of(command, program, now)
    _, row, program = await read_current(shop, shop.database, command, query, program, now)
    state = _started_over(state_of(row, program, now))
    decision = decide_update(state, command, program, now)
    return render(outcome_of(decision, state, row, now, dry=True), program)


def _started_over(state: State) -> State:
    """The state for a dry run: nothing of the session counts but whether it is the first one."""
    stored = state.stored
    owned = stored is not None and stored.customer_id == state.owner.id
    first = stored.first_session if stored is not None and owned else None
    return msgspec.structs.replace(state, stored=None, first_session=first)


async def read_current(
    shop: Shop,
    connection: Connection,
    command: SessionCommand,
    query: SessionQuery,
    program: Program,
    now: datetime,
    locked: bool = False,
    *,
    gives_back: bool = False,
) -> tuple[SessionQuery, SessionRow, Program]:
    """Everything for a decision, read and compiled at one and the same configuration version.

    `query` is that of `command` for `program`; where the configuration has moved on, another one
    is read for the newer program.
    """
    while True:
        if locked:
            await sessions.lock(connection, query)
            if "updateattribute" in program.calls:
                await sessions.lock_codes(connection, query)
        row = await sessions.load(connection, query)
        if row.configuration_version == program.version:
            return query, row, program
        await shop.refresh()
        program = shop.program(command.application_id)
        questioned, budgets = questions(program, _asking(command, now, gives_back=gives_back))
        query = msgspec.structs.replace(
            query,
            profile_key=_profile_key(command.update.profile_id, program.application),
            codes=_codes(command, program.application),
            asked=questioned,
            budgets=budgets,
        )


def query_of(
    command: SessionCommand,
    program: Program,
    now: datetime,
    idempotency: Idempotency | None = None,
    *,
    gives_back: bool = False,
) -> SessionQuery:
    """What to read for the command."""
    update = command.update
    application = program.application
    questioned, budgets = questions(program, _asking(command, now, gives_back=gives_back))
    return SessionQuery(
        session_key=session_key(application.id, command.integration_id),
        application_id=application.id,
        profile_key=_profile_key(update.profile_id, application),
        detach=update.profile_id == "",
        codes=_codes(command, application),
        receipt_key=receipt_key(idempotency),
        receipts_since=valid_since(now),
        asked=questioned,
        budgets=budgets,
    )


def _asking(command: SessionCommand, now: datetime, *, gives_back: bool) -> Asking:
    update = command.update
    return Asking(
        now,
        gives_back=gives_back or update.state == "cancelled",
        dry=command.purpose.dry,
        campaign_ids=command.purpose.campaign_ids,
        profile_id=update.profile_id,
        coupon_codes=update.coupon_codes,
        referral_code=update.referral_code,
        loyalty_cards=update.loyalty_cards,
        identifiers=update.identifiers,
        store_integration_id=update.store_integration_id,
        cart_items=update.cart_items,
        evaluates_cart=not gives_back and (update.state != "cancelled" or update.lacks_prices),
        tells=command.tells,
    )


def _codes(command: SessionCommand, application: Application) -> tuple[str, ...] | None:
    codes = command.update.coupon_codes
    return None if codes is None else stored_codes(codes, application)


def _profile_key(profile_id: str | None, application: Application) -> UUID | None:
    return profile_key(profile_id, sandbox=application.sandbox) if profile_id else None
