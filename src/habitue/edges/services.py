"""What the handlers of a running server are given, and the work that goes on beside requests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from habitue.model.errors import Refusal
from habitue.store import receipts
from habitue.store.database import open_database
from habitue.store.embedded import Report
from habitue.store.location import Location
from habitue.usecases.shop import Shop, ShopSettings

#: How often void receipts are deleted. They are not seen any more long before that.
PURGE_SECONDS = 600


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
    async with open_database(location, report=report, pool_size_max=POOL_SIZE) as database:
        shop = Shop(database, settings)
        await shop.refresh()
        housekeeping = asyncio.create_task(_purge_receipts(shop))
        try:
            yield Services(shop)
        finally:
            housekeeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await housekeeping


#: Connections of one process: each holds one statement at a time, and two processors are kept busy
#: by far fewer than there are requests under way.
POOL_SIZE = 16


async def _purge_receipts(shop: Shop) -> None:
    log = structlog.get_logger("habitue.housekeeping")
    while True:
        await asyncio.sleep(PURGE_SECONDS)
        try:
            await receipts.purge(shop.database, datetime.now(UTC))
        except Refusal as refusal:
            log.warning("receipts were not purged", reason=refusal.message)
