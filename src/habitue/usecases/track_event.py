"""A custom event becomes effects, at once and for good.

Like the update of a profile with the rules: read in one round trip, written in another one. Whoever
the event happens to comes to be if unknown (contracts/talon_one/SEMANTICS.md section 10).
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.model.documents import encode
from habitue.model.errors import ProfileBusy
from habitue.model.idempotency import Idempotency
from habitue.promotions.audiences import after
from habitue.promotions.decide_event import EventCommand, decide_event
from habitue.promotions.decide_profile import ProfileDecision
from habitue.promotions.naming import with_names
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking
from habitue.promotions.webhook import with_messages
from habitue.store import customers
from habitue.store.customers import ProfileQuery, ProfileRow, ProfileWrite
from habitue.store.database import Connection
from habitue.store.receipts import valid_since
from habitue.usecases.resources import RESOURCES, changes_of, resources_of
from habitue.usecases.session_state import customer_of, receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.update_profile import ProfileOutcome, read_profiles, receipted
from habitue.usecases.writing import Reply, earlier_reply, settled


class EventOutcome(ProfileOutcome, frozen=True, kw_only=True):
    """What came of an event, with the event itself."""

    command: EventCommand

    @property
    def cards(self) -> tuple[str, ...]:
        """The loyalty cards that the event names."""
        return self.command.loyalty_cards or ()


Render = Callable[[EventOutcome, Program], Reply]


async def track_event(
    shop: Shop,
    application_id: int,
    command: EventCommand,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Stores the event and what it does, unless it is dry.

    Raises `InvalidInput`, `EventExists`, `ProfileBusy` and `KeyReused`.
    """
    sandbox = shop.program(application_id).application.sandbox
    key = profile_key(command.profile_id, sandbox=sandbox)
    request = ProfileQuery([key], receipt_key(idempotency), valid_since(now))
    asking = Asking(
        now,
        dry=command.purpose.dry,
        campaign_ids=command.purpose.campaign_ids,
        profile_id=command.profile_id,
        loyalty_cards=command.loyalty_cards,
        store_integration_id=command.store_integration_id or None,
        event_id=command.integration_id or None,
        connected_session_id=command.connected_session_id or None,
        tells=command.tells,
    )

    async def attempt(connection: Connection, locked: bool) -> Reply:
        _, rows, program = await read_profiles(
            shop, connection, application_id, request, locked, (asking, RESOURCES)
        )
        (row,) = rows
        earlier = earlier_reply(row.receipt, idempotency)
        if earlier is not None:
            return earlier
        outcome = _outcome(command, row, program, now)
        reply = render(outcome, program)
        if not outcome.dry:
            write = _write(request, row, outcome, application_id)
            await customers.save(connection, [receipted(write, idempotency, reply)])
        return reply

    async with shop.queue.turn([key], ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)


def _outcome(
    command: EventCommand, row: ProfileRow, program: Program, now: datetime
) -> EventOutcome:
    customer = customer_of(row.customer, row.customer_id, now)
    resources = resources_of(row.resources, program)
    decision: ProfileDecision = decide_event(
        command, customer, row.event_id, program, now, resources
    )
    dry = command.purpose.dry
    return EventOutcome(
        integration_id=command.profile_id,
        customer=msgspec.structs.replace(
            customer,
            attributes=decision.attributes,
            last_activity=customer.last_activity if dry else now,
        ),
        decision=decision,
        event_id=row.event_id,
        event_type=command.type,
        audiences=after(resources.audiences, decision.resource_changes.audiences),
        now=now,
        dry=dry,
        command=command,
        resources=resources,
        customer_before=customer,
    )


def _write(
    request: ProfileQuery, row: ProfileRow, outcome: EventOutcome, application_id: int
) -> ProfileWrite:
    decision = outcome.decision
    changes = with_messages(
        with_names(decision.resource_changes, decision.effects, outcome.integration_id),
        decision.effects,
        application_id,
        row.event_id,
    )
    return ProfileWrite(
        customer_id=row.customer_id,
        customer_version=row.customer.version if row.customer else 0,
        attributes=encode(outcome.decision.changes),
        profile_key=request.profile_keys[0],
        profile_kind=STORE_SIDE_ID,
        profile_id=outcome.integration_id,
        now=outcome.now,
        last_activity=outcome.now,
        changes=changes_of(changes),
    )
