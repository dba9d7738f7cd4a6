"""Custom events in the Integration API (contracts/talon_one/SEMANTICS.md section 10).

Without `silent=no` the answer is empty.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.effects import effect_out, shortened
from habitue.edges.talon_one.integration.answers import EventOut
from habitue.edges.talon_one.integration.eligibility import check_eligibility
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.integration.requests import (
    CampaignId,
    check_evaluable,
    is_traced,
    told_resources,
)
from habitue.edges.talon_one.integration.state import (
    PROFILE_PARTS,
    IntegrationStateOut,
    state_out,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX, LOYALTY_CARDS_MAX
from habitue.promotions.campaign import Feature
from habitue.promotions.decide_event import EventCommand
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program
from habitue.usecases.read_events import StoredEvent, read_event
from habitue.usecases.staging import staged_campaigns
from habitue.usecases.track_event import EventOutcome, track_event
from habitue.usecases.writing import Reply

EventContent = Literal[
    "customerProfile",
    "triggeredCampaigns",
    "loyalty",
    "event",
    "awardedGiveaways",
    "ruleFailureReasons",
    "campaignEligibility",
    "achievements",
    "trace",
]
AdvancedContent = EventContent | Literal["advancedEvent"]
Name = Annotated[str, Meta(min_length=1, max_length=INTEGRATION_ID_LENGTH_MAX)]


class EventQueryString(msgspec.Struct, rename="camel"):
    """Whether there is an answer, whether anything is stored, and which campaigns are evaluated."""

    silent: str = "yes"
    dry: bool = False
    force_complete_evaluation: bool = False


class EventIn(msgspec.Struct, rename="camel", kw_only=True):
    """A custom event as it is sent."""

    type: Name
    profile_id: Annotated[str, Meta(max_length=INTEGRATION_ID_LENGTH_MAX)] | None = None
    store_integration_id: Name | None = None
    evaluable_campaign_ids: list[CampaignId] | None = None
    attributes: dict[str, Any] | None = None
    loyalty_cards: Annotated[list[str], Meta(max_length=LOYALTY_CARDS_MAX)] | None = None
    response_content: list[EventContent] | None = None

    def command(self, query: EventQueryString) -> EventCommand:
        """What the request asks for. Raises `InvalidInput`."""
        return EventCommand(
            profile_id=self.profile_id or "",
            type=self.type,
            attributes=self.attributes or {},
            purpose=self._purpose(query),
            store_integration_id=self.store_integration_id or "",
            loyalty_cards=None if self.loyalty_cards is None else tuple(self.loyalty_cards),
            tells=told_resources(self.response_content),
        )

    def _purpose(self, query: EventQueryString, feature: Feature | None = None) -> Purpose:
        ids, content = self.evaluable_campaign_ids, self.response_content or ()
        check_evaluable(ids, query.dry, "")
        check_eligibility(content, dry=query.dry)
        if query.force_complete_evaluation and not query.dry:
            details = "forceCompleteEvaluation can only be given with dry=true"
            parameter = "forceCompleteEvaluation"
            raise InvalidInput(Fault("", "Not allowed", details, parameter=parameter))
        return Purpose(
            dry=query.dry,
            campaign_ids=None if ids is None else frozenset(ids),
            failures="ruleFailureReasons" in content,
            trace=is_traced(content),
            feature=feature,
            complete=query.force_complete_evaluation,
        )


class AdvancedEventIn(EventIn, rename="camel", kw_only=True):
    """An advanced event; earlier clients spell the session's id differently."""

    integration_id: Name
    response_content: list[AdvancedContent] | None = None  # type: ignore[assignment]
    connected_session_id: Name | None = None
    earlier_connected_session_id: Name | None = msgspec.field(
        name="connectedSessionID", default=None
    )

    def command(self, query: EventQueryString) -> EventCommand:
        """What the request asks for. Raises `InvalidInput`."""
        connected = self.connected_session_id or self.earlier_connected_session_id
        return msgspec.structs.replace(
            super().command(query),
            purpose=self._purpose(query, "advancedEvents"),
            integration_id=self.integration_id,
            connected_session_id=connected or "",
        )


class AdvancedEventOut(msgspec.Struct, rename="camel"):
    """An advanced event; like every event it is told without effects (docs/decisions/0018)."""

    id: int
    created: datetime
    application_id: int
    profile_id: str
    type: str
    attributes: dict[str, Any]
    integration_id: str
    effects: list[list[Any]]
    store_integration_id: str | UnsetType = UNSET
    connected_session_id: str | UnsetType = UNSET
    earlier_connected_session_id: str | UnsetType = msgspec.field(
        name="connectedSessionID", default=UNSET
    )


class AdvancedStateOut(IntegrationStateOut, rename="camel", omit_defaults=True):
    """What an advanced event changed."""

    advanced_event: AdvancedEventOut | None = None


Part = Callable[[Any, EventOutcome, Program], None]


async def post_event(call: Call[Principal, EventQueryString, EventIn]) -> Answer:
    return await _tracked(call, IntegrationStateOut, _EVENT_PARTS)


async def post_advanced_event(call: Call[Principal, EventQueryString, AdvancedEventIn]) -> Answer:
    return await _tracked(call, AdvancedStateOut, _ADVANCED_PARTS)


async def get_event(call: Call[Principal, None, None]) -> Answer:
    event_id, application_id = integration_id(call, "integrationId"), call.principal.application_id
    return Answer(200, _stored_out(await read_event(call.services.shop, application_id, event_id)))


async def _tracked(
    call: Call[Principal, EventQueryString, Any],
    kind: type[IntegrationStateOut],
    parts: dict[str, Part],
) -> Answer:
    await _stage(call)
    silent = call.query.silent != "no"
    render = _render(call.body.response_content or (), kind, parts, silent=silent)
    reply = await track_event(
        call.services.shop,
        call.principal.application_id,
        call.body.command(call.query),
        call.now,
        render,
        call.idempotency,
    )
    return Answer(reply.status, reply.body or None)


async def _stage(call: Call[Principal, EventQueryString, Any]) -> None:
    """Makes the event a dry one, over staged campaigns too, where it comes with a staging key."""
    if not call.principal.staging:
        return
    body, shop = call.body, call.services.shop
    call.query.dry = True
    if body.evaluable_campaign_ids is None:
        body.evaluable_campaign_ids = await staged_campaigns(
            shop, call.principal.application_id, body.store_integration_id, call.now
        )


def _render(
    content: Sequence[str], kind: type[IntegrationStateOut], parts: dict[str, Part], *, silent: bool
) -> Callable[[EventOutcome, Program], Reply]:
    def render(outcome: EventOutcome, program: Program) -> Reply:
        if silent:
            return Reply(204, b"")
        effects = [effect_out(effect) for effect in outcome.decision.effects]
        state = state_out(effects, kind)
        for name in content:
            part = parts.get(name)
            if part is not None:
                part(state, outcome, program)
        return Reply(200, ENCODER.encode(state))

    return render


def _event(state: IntegrationStateOut, outcome: EventOutcome, program: Program) -> None:
    state.event = EventOut(
        id=outcome.event_id,
        created=outcome.now,
        application_id=program.application.id,
        profile_id=outcome.integration_id,
        type=outcome.event_type,
        attributes=shortened(outcome.command.attributes),
        session_id="",
        effects=[],
    )


def _advanced_event(state: AdvancedStateOut, outcome: EventOutcome, program: Program) -> None:
    command = outcome.command
    connected = command.connected_session_id or UNSET
    state.advanced_event = AdvancedEventOut(
        id=outcome.event_id,
        created=outcome.now,
        application_id=program.application.id,
        profile_id=outcome.integration_id,
        type=outcome.event_type,
        attributes=shortened(command.attributes),
        integration_id=command.integration_id,
        effects=[],
        store_integration_id=command.store_integration_id or UNSET,
        connected_session_id=connected,
        earlier_connected_session_id=connected,
    )


def _stored_out(event: StoredEvent) -> AdvancedEventOut:
    connected = event.connected_session_id or UNSET
    return AdvancedEventOut(
        id=event.id,
        created=event.created,
        application_id=event.application_id,
        profile_id=event.profile_id,
        type=event.type,
        attributes=shortened(event.attributes),
        integration_id=event.integration_id,
        effects=[],
        store_integration_id=event.store_integration_id or UNSET,
        connected_session_id=connected,
        earlier_connected_session_id=connected,
    )


_EVENT_PARTS: dict[str, Part] = {**PROFILE_PARTS, "event": _event}
_ADVANCED_PARTS: dict[str, Part] = {
    **PROFILE_PARTS,
    "event": _advanced_event,
    "advancedEvent": _advanced_event,
}


def _operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
    return Operation(
        id=id_, method=method, path=path, handler=handler, door=INTEGRATION, group="Events", **more
    )


def event_operations() -> list[Operation]:
    """What integrations tell of what has happened."""
    return [
        _operation(
            "trackEventV2",
            "POST",
            "/v2/events",
            post_event,
            summary="Tell that a custom event has happened, and get the effects",
            body=EventIn,
            query=EventQueryString,
            responses={200: IntegrationStateOut, 204: None},
            idempotent=True,
        ),
        _operation(
            "trackEventV3",
            "POST",
            "/v3/events",
            post_advanced_event,
            summary="Tell that an advanced event has happened, once",
            body=AdvancedEventIn,
            query=EventQueryString,
            responses={200: AdvancedStateOut, 204: None},
        ),
        _operation(
            "getEventV3",
            "GET",
            "/v3/events/{integrationId}",
            get_event,
            summary="Read an advanced event",
            responses={200: AdvancedEventOut},
        ),
    ]
