"""Messages that left for other systems, on the wire: the published log, and what became dead.

The published log knows requests that were made; which messages still wait or were given up, and how
they are sent again, is ours.
"""

from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PAGE_SIZE_DEFAULT
from habitue.promotions.configuration import Configuration
from habitue.promotions.notification import APPLICATION_TYPES
from habitue.store.outbox import MessageFilter, MessageRow, MessageState
from habitue.usecases.read_messages import read_messages, replay_all, replay_message

_PERIODS = {
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "2d": timedelta(days=2),
}


class LogQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which entries of the log."""

    entity_type: Literal["application", "loyalty_program", "webhook"]
    message_id: str | None = msgspec.field(default=None, name="messageID")
    webhook_ids: list[Id] = msgspec.field(default_factory=list, name="webhookIDs")
    created_before: datetime | None = None
    created_after: datetime | None = None
    period: Literal["15m", "30m", "1h", "4h", "1d", "2d"] | None = None
    cursor: str = ""
    is_successful: bool | None = None
    response_code: Id | None = None
    application_id: Id | None = None
    campaign_id: Id | None = None


class RequestOut(msgspec.Struct, rename="camel"):
    """What was sent, in base64."""

    created_at: datetime
    request: str


class ResponseOut(msgspec.Struct, rename="camel"):
    """What came back, in base64; without a status none came, and the text says why."""

    created_at: datetime
    response: str
    status: int | UnsetType = UNSET


class LogEntryOut(msgspec.Struct, rename="camel"):
    """One message with its last attempt."""

    id: str
    service: str
    created_at: datetime
    entity_type: str
    request: RequestOut | UnsetType = UNSET
    response: ResponseOut | UnsetType = UNSET
    url: str | UnsetType = UNSET
    webhook_id: int | UnsetType = UNSET
    webhook_name: str | UnsetType = UNSET
    application_id: int | UnsetType = UNSET
    campaign_id: int | UnsetType = UNSET


class LogOut(msgspec.Struct, rename="camel"):
    """A page of the log; a cursor where there is more."""

    data: list[LogEntryOut]
    next_cursor: str | UnsetType = UNSET


class MessagesQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which messages of the outbox."""

    state: MessageState | None = None
    webhook_id: Id | None = None
    page_size: PageSize = PAGE_SIZE_DEFAULT
    before_id: Id | None = None


class MessageOut(msgspec.Struct, rename="camel"):
    """One message of the outbox; `due` is when a waiting one is tried next."""

    id: int
    message_id: str
    destination: str
    destination_id: int
    state: MessageState
    created: datetime
    attempts: int
    due: datetime | None
    status: int | None
    response: str | None


class MessagesOut(msgspec.Struct, rename="camel"):
    """A page of messages, newest first; the next one begins before that id."""

    data: list[MessageOut]
    before_id: int | None


class ReplayedOut(msgspec.Struct, rename="camel"):
    """How many messages wait again."""

    replayed: int


async def get_message_logs(call: ManagementCall[LogQuery, None]) -> Answer:
    query, configuration = call.query, call.services.shop.configuration
    wanted = _filter(query, configuration, call.now)
    found, before = await read_messages(call.services.shop, wanted, _LOG_PAGE)
    shown = [_entry(each, configuration, query.entity_type) for each in found]
    return Answer(200, LogOut(shown, UNSET if before is None else _cursor(before)))


async def get_messages(call: ManagementCall[MessagesQuery, None]) -> Answer:
    query = call.query
    found, before = await read_messages(call.services.shop, _wanted(query), query.page_size)
    return Answer(200, MessagesOut([_message(each) for each in found], before))


async def post_replay(call: ManagementCall[None, None]) -> Answer:
    message = await replay_message(call.services.shop, call.integer("messageId"), call.now)
    return Answer(200, _message(message))


async def post_replay_all(call: ManagementCall[MessagesQuery, None]) -> Answer:
    count = await replay_all(call.services.shop, _wanted(call.query), call.now)
    return Answer(200, ReplayedOut(count))


_LOG_PAGE = 50


def _wanted(query: MessagesQuery) -> MessageFilter:
    return MessageFilter(
        before_id=query.before_id,
        destination=None if query.webhook_id is None else "webhook",
        destination_ids=None if query.webhook_id is None else [query.webhook_id],
        state=query.state,
    )


def _filter(query: LogQuery, configuration: Configuration, now: datetime) -> MessageFilter:
    after = query.created_after
    if query.period is not None:
        since = now - _PERIODS[query.period]
        after = since if after is None else max(after, since)
    return MessageFilter(
        before_id=_before(query.cursor),
        message_id=None if query.message_id is None else _uuid(query.message_id),
        destination="webhook" if query.entity_type == "webhook" else "notification",
        destination_ids=_destinations(query, configuration),
        application_id=query.application_id,
        campaign_id=query.campaign_id,
        created_after=after,
        created_before=query.created_before,
        successful=query.is_successful,
        status=query.response_code,
    )


def _destinations(query: LogQuery, configuration: Configuration) -> list[int] | None:
    if query.entity_type == "webhook" or query.webhook_ids:
        return query.webhook_ids or None
    of_applications = query.entity_type == "application"
    return [
        each.id
        for each in configuration.notifications.values()
        if (each.type in APPLICATION_TYPES) is of_applications
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text.removeprefix("msg_"))
    except ValueError:
        raise _wrong("messageID", "the id of a message is a UUID") from None


def _cursor(before_id: int) -> str:
    return b64encode(str(before_id).encode()).decode()


def _before(cursor: str) -> int | None:
    if not cursor:
        return None
    try:
        return int(b64decode(cursor, validate=True))
    except ValueError:
        raise _wrong("cursor", "this is no cursor that an earlier page gave") from None


def _wrong(parameter: str, details: str) -> InvalidInput:
    return InvalidInput(Fault("", "Invalid", details, parameter=parameter))


def _entry(message: MessageRow, configuration: Configuration, entity_type: str) -> LogEntryOut:
    of_webhook = message.destination == "webhook"
    webhook = configuration.webhooks.get(message.destination_id) if of_webhook else None
    sent, answered = message.sent, message.answered
    request = RequestOut(sent, _base64(message.request)) if sent else UNSET
    response = (
        ResponseOut(answered, _base64(message.response), _or_unset(message.status))
        if answered
        else UNSET
    )
    return LogEntryOut(
        id=str(message.message_id),
        service="outbox",
        created_at=message.created,
        entity_type=entity_type,
        request=request,
        response=response,
        url=message.url or UNSET,
        webhook_id=message.destination_id if of_webhook else UNSET,
        webhook_name=webhook.title if webhook else UNSET,
        application_id=_or_unset(message.application_id),
        campaign_id=_or_unset(message.campaign_id),
    )


def _or_unset(value: int | None) -> int | UnsetType:
    return UNSET if value is None else value


def _base64(text: str | None) -> str:
    return b64encode((text or "").encode()).decode()


def _message(message: MessageRow) -> MessageOut:
    return MessageOut(
        id=message.id,
        message_id=str(message.message_id),
        destination=message.destination,
        destination_id=message.destination_id,
        state=message.state,
        created=message.created,
        attempts=message.attempts,
        due=message.due if message.state == "waiting" else None,
        status=message.status,
        response=message.response,
    )


def operations() -> list[Operation]:
    """The operations on messages."""
    log = partial(managed, group="Logs")
    outbox = partial(managed, group="Webhooks")
    return [
        log(
            "getMessageLogs",
            "GET",
            "/v1/message_logs",
            get_message_logs,
            "List message log entries",
            {200: LogOut},
            query=LogQuery,
        ),
        outbox(
            "getMessages",
            "GET",
            "/v1/messages",
            get_messages,
            "List messages of the outbox",
            {200: MessagesOut},
            query=MessagesQuery,
            description="Messages wait, were delivered, or are dead: given up after about three "
            "days, or because the destination wants nothing more.",
        ),
        outbox(
            "replayMessage",
            "POST",
            "/v1/messages/{messageId:int}/replay",
            post_replay,
            "Send a dead message again",
            {200: MessageOut},
        ),
        outbox(
            "replayMessages",
            "POST",
            "/v1/messages/replay",
            post_replay_all,
            "Send all dead messages again",
            {200: ReplayedOut},
            query=MessagesQuery,
        ),
    ]
