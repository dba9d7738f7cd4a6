"""Holding points while a checkout pays, beside the Integration API (decision 0075).

The operations are ours; they stand under the profile or the card whose points they hold. A hold
ends by itself, so that a checkout that dies keeps nobody's points.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import ENCODER, Number
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.cards import card_identifier
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.integration.loyalty import cause_of, program_of
from habitue.edges.talon_one.profile_points import profile_query
from habitue.loyalty.program import MAIN_LEDGER
from habitue.model.errors import NotFound
from habitue.model.limits import HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX
from habitue.model.numbers import shortest
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment
from habitue.usecases.hold_points import (
    HeldPoints,
    HoldAct,
    PostedHold,
    hold_points,
    post_hold,
    read_holds,
    void_hold,
)
from habitue.usecases.writing import Reply

Seconds = Annotated[int, Meta(ge=1, le=HOLD_SECONDS_MAX)]
Whose = Callable[[Call[Principal, Any, Any]], Any]


class HoldIn(msgspec.Struct, rename="camel"):
    """Points to hold, and for how long."""

    points: Number
    subledger_id: str | None = None
    time_to_live_seconds: Seconds = HOLD_SECONDS_DEFAULT
    name: str | None = None


class PostIn(msgspec.Struct, rename="camel"):
    """How many of the held points are spent; all of them unless it is said."""

    points: Number | None = None


class HoldOut(msgspec.Struct, rename="camel"):
    """One hold."""

    id: UUID
    subledger_id: str
    points: Decimal
    expires: datetime | None


class HoldsOut(msgspec.Struct, rename="camel"):
    """All holds."""

    data: list[HoldOut]


class PostedOut(msgspec.Struct, rename="camel"):
    """What became of a hold."""

    id: UUID
    subledger_id: str
    spent_points: Decimal
    released_points: Decimal


async def _of_profile(call: Call[Principal, Any, Any]) -> tuple[PointsQuery, str]:
    profile_id = integration_id(call, "integrationId")
    return profile_query(await program_of(call), profile_id), profile_id


async def _of_card(call: Call[Principal, Any, Any]) -> tuple[PointsQuery, str]:
    identifier = card_identifier(call)
    program = await program_of(call)
    return PointsQuery(None, None, program.id, card=identifier), identifier


def _handlers(whose: Whose) -> dict[str, Any]:
    """What is done with the holds of a profile, or of a card."""

    async def create(call: Call[Principal, None, HoldIn]) -> Answer:
        (query, owner), body = await whose(call), call.body
        cause = msgspec.structs.replace(cause_of(call), name=body.name or "")
        act = HoldAct(uuid4(), cause, call.now, call.idempotency)
        ledger = body.subledger_id or MAIN_LEDGER
        wish = Adjustment(act.key, body.points, ledger, cause)
        expires = call.now + timedelta(seconds=body.time_to_live_seconds)
        query = msgspec.structs.replace(query, subledger=ledger)
        return _sent(await hold_points(call.services.shop, query, owner, wish, expires, act, _held))

    async def post(call: Call[Principal, None, PostIn]) -> Answer:
        query, owner = await whose(call)
        points = None if call.body is None else call.body.points
        return _sent(await post_hold(call.services.shop, query, owner, points, _act(call), _posted))

    async def void(call: Call[Principal, None, None]) -> Answer:
        query, owner = await whose(call)
        return _sent(await void_hold(call.services.shop, query, owner, _act(call)))

    async def listed(call: Call[Principal, None, None]) -> Answer:
        query, owner = await whose(call)
        holds = await read_holds(call.services.shop, query, owner, call.now)
        return Answer(200, HoldsOut([_out(each) for each in holds]))

    return {"hold": create, "post": post, "void": void, "list": listed}


def _act(call: Call[Principal, Any, Any]) -> HoldAct:
    text = call.path["holdId"]
    try:
        key = UUID(text)
    except ValueError:
        raise NotFound("Hold", text[:80]) from None
    return HoldAct(key, cause_of(call), call.now, call.idempotency)


def _out(held: HeldPoints) -> HoldOut:
    return HoldOut(held.key, held.subledger, shortest(held.points), held.expires)


def _held(held: HeldPoints) -> Reply:
    return Reply(201, ENCODER.encode(_out(held)))


def _posted(told: PostedHold) -> Reply:
    out = PostedOut(told.key, told.subledger, shortest(told.spent), shortest(told.released))
    return Reply(200, ENCODER.encode(out))


def _sent(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body or None)


_PROGRAM = "/v1/loyalty_programs/{loyaltyProgramId:int}"


def loyalty_hold_operations() -> list[Operation]:
    """The operations on holds of profiles and of cards."""
    return [
        *_operations("Profile", f"{_PROGRAM}/profile/{{integrationId}}/holds", _of_profile),
        *_operations("Card", f"{_PROGRAM}/cards/{{loyaltyCardId}}/holds", _of_card),
    ]


def _operations(owner: str, holds: str, whose: Whose) -> list[Operation]:
    handlers, one, of = _handlers(whose), f"{holds}/{{holdId}}", f"of a {owner.lower()}"
    return [
        _operation(
            f"hold{owner}Points",
            "POST",
            holds,
            handlers["hold"],
            summary=f"Hold points {of} while a checkout pays",
            body=HoldIn,
            idempotent=True,
            responses={201: HoldOut},
        ),
        _operation(
            f"list{owner}Holds",
            "GET",
            holds,
            handlers["list"],
            summary=f"List the held points {of}",
            responses={200: HoldsOut},
        ),
        _operation(
            f"post{owner}Hold",
            "POST",
            f"{one}/post",
            handlers["post"],
            summary=f"Spend held points {of}, and give the rest back",
            body=PostIn,
            body_optional=True,
            idempotent=True,
            responses={200: PostedOut},
        ),
        _operation(
            f"void{owner}Hold",
            "POST",
            f"{one}/void",
            handlers["void"],
            summary=f"Give back held points {of}",
            idempotent=True,
            responses={204: None},
        ),
    ]


def _operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
    return Operation(
        id=id_,
        method=method,
        path=path,
        handler=handler,
        door=INTEGRATION,
        group="Loyalty holds",
        **more,
    )
