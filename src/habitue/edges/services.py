"""What the handlers of a running server are given, and the work that goes on beside requests."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from habitue.edges.outbound.http_sender import http_sender
from habitue.edges.outbound.notifications import told
from habitue.model.errors import Refusal
from habitue.store import events, rate_limits, receipts
from habitue.store.database import LOCK_WAIT_SECONDS, open_database
from habitue.store.embedded import Report
from habitue.store.location import Location
from habitue.usecases.access_log import purge_access_log
from habitue.usecases.close_days import close_days
from habitue.usecases.coupon_jobs import work_at_coupon_jobs
from habitue.usecases.deliver_messages import Courier, Send, deliver_due, purge_delivered
from habitue.usecases.notify_due import notify_due
from habitue.usecases.observe_prices import observe_due
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop, ShopSettings

#: How often void receipts and rate windows are deleted. They are not seen any more long before.
PURGE_SECONDS = 600
#: How often a process looks for changes of the configuration when no request makes it look: so long
#: may a revoked key still open a door.
FOLLOW_SECONDS = 1.0
#: How often points that have ended, and tiers, are booked. Whoever looks at them sees it at once.
SETTLE_SECONDS = 60.0
#: How often it is looked whether a day of a loyalty program has ended.
CLOSE_SECONDS = 60.0
#: How often the outbox is looked into.
DELIVER_SECONDS = 1.0
#: How often it is looked what time has brought about that somebody wants to be told.
NOTIFY_SECONDS = 15.0
#: How often it is looked whether prices have changed by themselves.
PRICES_SECONDS = 1.0
#: How often it is looked whether coupons are to be made or deleted in great numbers.
COUPONS_SECONDS = 1.0
#: How often what was noted of requests is written.
NOTES_SECONDS = 1.0


class Services:
    """The shop, as handlers find it under `call.services`."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def ready(self) -> None:
        """Returns when requests can be served. Raises `StoreUnavailable`."""
        await self.shop.refresh()


@asynccontextmanager
async def open_services(
    location: Location, report: Report = lambda message: None, settings: ShopSettings | None = None
) -> AsyncIterator[Services]:
    """The services over the database of `location`, for as long as the block runs."""
    async with _opened(location, report, settings or ShopSettings()) as (shop, send):
        tasks = [
            asyncio.create_task(repeat(seconds, work)) for seconds, work in _work_of(shop, send)
        ]
        try:
            yield Services(shop)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(Refusal):
                await _notes(shop)


async def do_due_jobs(location: Location, report: Report, settings: ShopSettings) -> None:
    """Does once what a process with jobs does again and again."""
    async with _opened(location, report, settings) as (shop, send):
        await _settle(shop)
        await _close(shop)
        await _notify(shop)
        await _deliver(shop, send)
        await _coupons(shop)
        await _prices(shop)
        await _purge(shop)


@asynccontextmanager
async def _opened(
    location: Location, report: Report, settings: ShopSettings
) -> AsyncIterator[tuple[Shop, Send]]:
    async with (
        open_database(
            location,
            report=report,
            pool_size_max=settings.connections_max,
            lanes_max=settings.lanes_max,
            lock_wait_seconds=min(settings.lock_wait_seconds, LOCK_WAIT_SECONDS),
        ) as database,
        http_sender(allow_private=settings.allow_private_destinations) as send,
    ):
        shop = Shop(database, settings)
        await shop.refresh()
        yield shop, send


def _work_of(shop: Shop, send: Send) -> list[tuple[float, Callable[[], Awaitable[object]]]]:
    """What a process does again and again; jobs only where it is to do them."""
    work: list[tuple[float, Callable[[], Awaitable[object]]]] = [
        (FOLLOW_SECONDS, shop.refresh),
        (NOTES_SECONDS, partial(_notes, shop)),
    ]
    if shop.settings.jobs:
        work += [
            (PURGE_SECONDS, partial(_purge, shop)),
            (SETTLE_SECONDS, partial(_settle, shop)),
            (CLOSE_SECONDS, partial(_close, shop)),
            (DELIVER_SECONDS, partial(_deliver, shop, send)),
            (COUPONS_SECONDS, partial(_coupons, shop)),
            (NOTIFY_SECONDS, partial(_notify, shop)),
            (PRICES_SECONDS, partial(_prices, shop)),
        ]
    return work


async def _purge(shop: Shop) -> None:
    now = datetime.now(UTC)
    await receipts.purge(shop.database, now)
    await rate_limits.purge(shop.database, now)
    await events.purge(shop.database, now)
    await purge_delivered(shop, now)
    await purge_access_log(shop.database, now)


async def _settle(shop: Shop) -> None:
    await settle_due(shop, datetime.now(UTC))


async def _close(shop: Shop) -> None:
    await close_days(shop, datetime.now(UTC))


async def _notify(shop: Shop) -> None:
    await notify_due(shop, datetime.now(UTC))


async def _notes(shop: Shop) -> None:
    await shop.access_log.write(shop.database)


async def _coupons(shop: Shop) -> None:
    await work_at_coupon_jobs(shop, secrets.randbelow, partial(datetime.now, UTC))


async def _prices(shop: Shop) -> None:
    await observe_due(shop, datetime.now(UTC))


async def _deliver(shop: Shop, send: Send) -> None:
    await deliver_due(shop, Courier(send, partial(datetime.now, UTC), random.random, told))


async def repeat(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Does the work again and again; what failed is tried again the next time."""
    log = structlog.get_logger("habitue.housekeeping")
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Refusal as refusal:
            log.debug("put off", reason=refusal.message)
        except Exception as error:
            log.error("failure", exc_info=error)
