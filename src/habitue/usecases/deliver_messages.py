"""Delivering what the outbox holds: at least once, in order per customer and destination.

A message that is not taken in (no answer, or none of 2xx) is tried again, ever less often, for
about three days; then it is dead, and stays so until a person replays it. Its followers wait for it
only while it is alive. A destination that answers 410 wants nothing more: its message is dead at
once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from habitue.promotions.notification import Notice, Notification
from habitue.promotions.webhook import OutgoingRequest
from habitue.store import outbox
from habitue.store.outbox import AttemptRow, MessageRow, MessageState
from habitue.usecases.outgoing import Tell, Undeliverable, kept_of, outgoing
from habitue.usecases.shop import Shop

#: Seconds from one attempt to the next.
RETRY_SECONDS = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: So long a message is taken; whoever has it sends it well within this time.
TAKEN_SECONDS = 120
#: Messages that one process sends at once.
BATCH = 50
GONE = 410
#: What is kept of requests and answers, in characters.
KEPT_LENGTH_MAX = 10_000
#: How long delivered messages can be looked at.
KEPT_DAYS = 30


class HttpAnswer(msgspec.Struct, frozen=True):
    """What a destination answered: its status, and the beginning of the body."""

    status: int
    body: str


def _silent(notification: Notification, notice: Notice) -> bytes:
    raise Undeliverable("this process does not know how to write notices")


#: Sends one request. Raises `Undeliverable`.
Send = Callable[[OutgoingRequest], Awaitable[HttpAnswer]]


class Courier(msgspec.Struct, frozen=True):
    """What delivering needs of the outside: a way to send, a clock, and a number from 0 to 1 that
    keeps the retries of many messages apart; and how notices are written."""

    send: Send
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    tell: Tell = _silent


async def deliver_due(shop: Shop, courier: Courier) -> int:
    """Sends everything that is due; how many attempts were made."""
    count = 0
    while True:
        now = courier.clock()
        until = now + timedelta(seconds=TAKEN_SECONDS)
        taken = await outbox.take(shop.database, now, until, BATCH)
        if not taken:
            return count
        await shop.refresh()
        await asyncio.gather(*(_deliver(shop, courier, each) for each in taken))
        count += len(taken)


async def purge_delivered(shop: Shop, now: datetime) -> None:
    """Forgets what was delivered long ago."""
    await outbox.purge(shop.database, now - timedelta(days=KEPT_DAYS))


async def _deliver(shop: Shop, courier: Courier, message: MessageRow) -> None:
    sent = courier.clock()
    status, url, body = None, "", b""
    try:
        request = await outgoing(shop, message, sent, courier.tell)
        url, body = request.url, kept_of(message, request)
        answer = await courier.send(request)
        status, told = answer.status, answer.body
    except Undeliverable as failure:
        told = str(failure)
    answered = courier.clock()
    state, due = _what_follows(message, status, answered, courier.jitter())
    kept = body.decode(errors="replace")[:KEPT_LENGTH_MAX].replace("\0", "")
    told = told[:KEPT_LENGTH_MAX].replace("\0", "")
    attempt = AttemptRow(state, due, sent, answered, url, kept, status, told)
    await outbox.tell(shop.database, message, attempt)


def _what_follows(
    message: MessageRow, status: int | None, now: datetime, jitter: float
) -> tuple[MessageState, datetime]:
    if status is not None and 200 <= status < 300:
        return "delivered", now
    if status == GONE or message.attempts > len(RETRY_SECONDS):
        return "dead", now
    seconds = RETRY_SECONDS[message.attempts - 1] * (1 + jitter / 4)
    return "waiting", now + timedelta(seconds=seconds)
