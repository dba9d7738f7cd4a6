"""A process that races: it sends many requests at once, when it is told to, each on its own.

It is run as a program, reads one round per line from its standard input and answers with one line
per round. Words: a *job* is one session update or reopening; a *report* says what came of it and
when it began and ended, in seconds of the machine's monotonic clock.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from habitue.model.errors import Refusal
from habitue.model.idempotency import Idempotency
from habitue.pricing.cart import CartItem
from habitue.promotions.effects import (
    AcceptCoupon,
    AcceptReferral,
    AwardGiveaway,
    RejectCoupon,
    RejectReferral,
    ReserveCoupon,
    SetDiscount,
)
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.reserve_coupon import reserve_coupon
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.shop import Shop, ShopSettings
from tests.building import Till
from tests.harness.card_jobs import act_on_cards

POOL_SIZE = 4
PATIENCE_SECONDS = 60.0


async def race(specification: dict[str, Any]) -> list[dict[str, Any]]:
    """One round: everything is opened and read before the start, then all jobs run at once."""
    location = External(specification["url"])
    async with open_database(
        location, pool_size_max=POOL_SIZE, patience_seconds=PATIENCE_SECONDS
    ) as database:
        settings = ShopSettings(lock_wait_seconds=specification["lock_wait_seconds"])
        shop = Shop(database, settings)
        await shop.refresh()
        till = Till(shop, shop.configuration.application(specification["application_id"]))
        till.now = datetime.fromisoformat(specification["now"])
        await starting_shot(database)
        return await asyncio.gather(
            *(reported(job, partial(act, till, dict(job))) for job in specification["jobs"])
        )


async def starting_shot(database: Database) -> None:
    """Opens all connections, says that this process is ready, and waits until all shall start."""
    await asyncio.gather(*(database.fetchval("SELECT pg_sleep(0.01)") for _ in range(POOL_SIZE)))
    print("ready", flush=True)
    start = float(sys.stdin.readline())
    await asyncio.sleep(start - time.monotonic())


async def reported(
    job: dict[str, Any], work: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The report of one job: what the work tells, or what came instead."""
    began = time.monotonic()
    try:
        report = await work()
    except Refusal as refusal:
        report = {"refused": type(refusal).__name__, "message": str(refusal)}
    except Exception as error:
        report = {"error": repr(error)}
    return {"job": job, "began": began, "ended": time.monotonic(), **report}


async def act(till: Till, job: dict[str, Any]) -> dict[str, Any]:
    """What a till would print of its request; a job with a key tells the answer alone."""
    if "reserve" in job:
        return await reserve(till, **job)
    if "session_id" not in job:
        return await act_on_cards(till, job)
    session_id = job.pop("session_id")
    till = at_its_time(till, job.pop("now", None))
    if job.pop("reopen", False):
        return told(await till.reopen(session_id))
    price = job.pop("price", None)
    if price is not None:
        job["cart_items"] = [CartItem(sku="tea", quantity=1, price=Decimal(price))]
    if "key" in job:
        key = Idempotency(bytes.fromhex(job.pop("key")), b"\0" * 32)
        reply = await till.send(session_id, key, session_id.encode(), **job)
        return {"answer": reply.body.decode()}
    return told(await till.put(session_id, **job))


def at_its_time(till: Till, now: str | None) -> Till:
    """The same till, at the time that the job names."""
    if now is None:
        return till
    other = Till(till.shop, till.application)
    other.now = datetime.fromisoformat(now)
    return other


async def reserve(till: Till, reserve: str, profile_ids: list[str], keeps: bool) -> dict[str, Any]:
    """Reserves a coupon for customers as staff do, or ends the reservations; what is counted."""
    coupon = await reserve_coupon(
        till.shop, till.application.id, reserve, profile_ids, till.now, reserves=keeps
    )
    return {"counted": coupon.reservation_counter}


def told(outcome: SessionOutcome) -> dict[str, Any]:
    """What a till would print of the outcome."""
    outcomes = [effect.outcome for effect in outcome.decision.effects]
    return {
        "state": outcome.decision.session.state,
        "update_count": outcome.decision.session.update_count,
        "accepted": [each.value for each in outcomes if isinstance(each, AcceptCoupon)],
        "rejected": [each.reason for each in outcomes if isinstance(each, RejectCoupon)],
        "friend": [each.value for each in outcomes if isinstance(each, AcceptReferral)],
        "refused_friend": [each.reason for each in outcomes if isinstance(each, RejectReferral)],
        "awarded": [each.code for each in outcomes if isinstance(each, AwardGiveaway)],
        "reserved": sum(isinstance(each, ReserveCoupon) and each.is_new for each in outcomes),
        "discount": str(sum(each.value for each in outcomes if isinstance(each, SetDiscount))),
    }


def serve_rounds(
    round_: Callable[[dict[str, Any]], Coroutine[Any, Any, list[dict[str, Any]]]],
) -> None:
    """One round per line, until there are no more lines."""
    while line := sys.stdin.readline():
        print(json.dumps(asyncio.run(round_(json.loads(line)))), flush=True)


if __name__ == "__main__":
    serve_rounds(race)
