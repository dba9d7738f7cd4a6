"""Updating what is known of a customer, with the rules or without.

Without the rule engine attributes are stored and nothing else happens; with it the campaigns are
evaluated without a session (contracts/talon_one/SEMANTICS.md section 9). A profile that is new is
created. Several profiles in one request are stored all together or not at all.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.customers.customer import Customer
from habitue.model.documents import encode
from habitue.model.errors import Fault, InvalidInput, ProfileBusy
from habitue.model.idempotency import Idempotency
from habitue.promotions.audiences import after
from habitue.promotions.budgets import Budgets, Counted, counted_after
from habitue.promotions.decide_profile import (
    ProfileCommand,
    ProfileDecision,
    decide_profile,
    profile_event,
)
from habitue.promotions.naming import with_names
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking, EventChange, ResourceChanges, Resources
from habitue.promotions.webhook import with_messages
from habitue.store import customers
from habitue.store.customers import ProfileQuery, ProfileRow, ProfileWrite
from habitue.store.database import Connection
from habitue.store.receipts import valid_since
from habitue.usecases.resources import (
    PROFILE_RESOURCES,
    RESOURCES,
    asked,
    changes_of,
    resources_of,
)
from habitue.usecases.session_state import customer_of, receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply, settled


class ProfileOutcome(msgspec.Struct, frozen=True):
    """What came of the update of one profile; `audiences` are those it is in afterwards,
    `resources` what was read."""

    integration_id: str
    customer: Customer
    decision: ProfileDecision
    event_id: int
    event_type: str
    audiences: frozenset[int]
    now: datetime
    dry: bool
    resources: Resources
    customer_before: Customer
    creates: bool = True
    budgets: Budgets = Budgets()

    @property
    def cards(self) -> tuple[str, ...]:
        """The loyalty cards that the request names."""
        return ()

    @property
    def stores_points(self) -> bool:
        """Whether what happens to points is stored: at once, unless it is dry."""
        return not self.dry

    def budgets_after(self) -> tuple[Counted, ...]:
        """The shared budgets that were read, with what the decision takes of them."""
        return counted_after(self.budgets, self.decision.resource_changes.budgets)


Render = Callable[[Sequence[ProfileOutcome], Program], Reply]


async def update_profiles(
    shop: Shop,
    application_id: int,
    commands: Sequence[ProfileCommand],
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Stores what the commands say of their profiles, unless they are dry.

    Raises `InvalidInput`, `ProfileBusy`, `KeyReused`.
    """

    if len({each.integration_id for each in commands}) < len(commands):
        raise InvalidInput(_first_duplicate(commands))

    async def attempt(connection: Connection, locked: bool) -> Reply:
        query, rows, program = await read_profiles(
            shop, connection, application_id, request, locked, asking
        )
        earlier = earlier_reply(rows[0].receipt, idempotency)
        if earlier is not None:
            return earlier
        outcomes = [_outcome(*each, program, now) for each in zip(commands, rows, strict=True)]
        reply = render(outcomes, program)
        writes = [
            _write(*each, program)
            for each in zip(query.profile_keys, rows, outcomes, strict=True)
            if _is_stored(*each)
        ]
        if writes:
            await customers.save(
                connection, [receipted(writes[0], idempotency, reply), *writes[1:]]
            )
        return reply

    sandbox = shop.program(application_id).application.sandbox
    keys = [profile_key(each.integration_id, sandbox=sandbox) for each in commands]
    request = ProfileQuery(keys, receipt_key(idempotency), valid_since(now))
    asking = _asking(commands, now)
    async with shop.queue.turn(keys, ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)


def _is_stored(key: UUID, row: ProfileRow, outcome: ProfileOutcome) -> bool:
    return not outcome.dry and (row.customer is not None or outcome.creates)


def _asking(commands: Sequence[ProfileCommand], now: datetime) -> tuple[Asking, Iterable[str]]:
    """What the profiles may need, of which only one can run the rules, and of which resources."""
    for command in commands:
        if command.purpose is not None:
            purpose = command.purpose
            asking = Asking(
                now,
                dry=purpose.dry,
                campaign_ids=purpose.campaign_ids,
                profile_id=command.integration_id,
                tells=command.tells,
            )
            return asking, RESOURCES
    tells = frozenset().union(*(each.tells for each in commands))
    return Asking(now, tells=tells), {*PROFILE_RESOURCES, *tells}


async def read_profiles(
    shop: Shop,
    connection: Connection,
    application_id: int,
    query: ProfileQuery,
    locked: bool,
    asking: tuple[Asking, Iterable[str]],
) -> tuple[ProfileQuery, list[ProfileRow], Program]:
    """Everything for decisions about profiles, read and compiled at one configuration version.

    `asking` is what the request may need, and of which resources.
    """
    while True:
        program = shop.program(application_id)
        query = msgspec.structs.replace(query, asked=asked(program, *asking))
        if locked:
            await customers.lock(connection, query)
        rows = await customers.load(connection, query)
        if rows[0].configuration_version == program.version:
            return query, rows, program
        await shop.refresh()


def _first_duplicate(commands: Sequence[ProfileCommand]) -> Fault:
    seen: set[str] = set()
    for command in commands:
        if command.integration_id in seen:
            details = "this profile stands in the request more than once"
            return Fault(f"{command.pointer}/integrationId", "Duplicate", details)
        seen.add(command.integration_id)
    raise AssertionError("called only when there is a duplicate")


def _outcome(
    command: ProfileCommand, row: ProfileRow, program: Program, now: datetime
) -> ProfileOutcome:
    customer = customer_of(row.customer, row.customer_id, now)
    resources = resources_of(row.resources, program)
    decision = decide_profile(command, customer, program, now, resources, row.event_id)
    return ProfileOutcome(
        integration_id=command.integration_id,
        customer=msgspec.structs.replace(
            customer,
            attributes=decision.attributes,
            last_activity=now if decision.active and not command.dry else customer.last_activity,
        ),
        decision=decision,
        event_id=row.event_id,
        event_type=profile_event(customer),
        audiences=after(resources.audiences, decision.resource_changes.audiences),
        now=now,
        dry=command.dry,
        creates=command.creates,
        budgets=resources.budgets,
        resources=resources,
        customer_before=customer,
    )


def _all_changes(outcome: ProfileOutcome, program: Program) -> ResourceChanges:
    """What changes of resources; an update that ran the rules is an event."""
    changes = outcome.decision.resource_changes
    if not outcome.decision.active:
        return changes
    event = EventChange(
        id=outcome.event_id,
        effects=outcome.decision.effects,
        application_id=program.application.id,
        type=outcome.event_type,
    )
    return msgspec.structs.replace(changes, event=event)


def _write(key: UUID, row: ProfileRow, outcome: ProfileOutcome, program: Program) -> ProfileWrite:
    return ProfileWrite(
        customer_id=row.customer_id,
        customer_version=row.customer.version if row.customer else 0,
        attributes=encode(outcome.decision.changes),
        profile_key=key,
        profile_kind=STORE_SIDE_ID,
        profile_id=outcome.integration_id,
        now=outcome.now,
        last_activity=outcome.now if outcome.decision.active else None,
        changes=changes_of(
            with_messages(
                with_names(
                    _all_changes(outcome, program), outcome.decision.effects, outcome.integration_id
                ),
                outcome.decision.effects,
                program.application.id,
                row.event_id,
            )
        ),
    )


def receipted(write: ProfileWrite, idempotency: Idempotency | None, reply: Reply) -> ProfileWrite:
    """The write with the answer to be kept, if it is to be kept."""
    if idempotency is None:
        return write
    return msgspec.structs.replace(
        write,
        receipt_key=receipt_key(idempotency),
        receipt_hash=idempotency.request_hash,
        receipt_status=reply.status,
        receipt_answer=reply.body,
    )
