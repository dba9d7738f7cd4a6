"""`habitue worker`: the work that goes on beside requests, without serving any."""

import asyncio
import signal
from pathlib import Path
from typing import Literal

from habitue.edges.cli.serve import AllowPrivate, LockWait
from habitue.edges.cli.terminal import location_of, report
from habitue.edges.http.logs import configure
from habitue.edges.services import do_due_jobs, open_services
from habitue.store.location import Location
from habitue.usecases.shop import ShopSettings


def worker(
    *,
    once: bool = False,
    data_dir: Path | None = None,
    database_url: str | None = None,
    lock_wait_seconds: LockWait = 5.0,
    allow_private_webhooks: AllowPrivate = False,
    log_level: Literal["debug", "info", "warning", "error"] = "info",
) -> None:
    """Do the jobs alone until SIGTERM: points that end or begin, holds that run out, tiers, daily
    closings, and messages that leave.

    A server does them too, unless it is started with --no-jobs. There may be any number of workers:
    nothing is done twice.

    Parameters
    ----------
    once
        Do what is due now, and end: for those who have a timetable of their own.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    lock_wait_seconds
        How long a job waits for requests that write the same customer.
    allow_private_webhooks
        Let webhooks reach addresses that are not public, such as other machines of the shop.
    log_level
        The least important kind of message to log.
    """
    configure(log_level)
    settings = ShopSettings(lock_wait_seconds, allow_private_webhooks)
    location = location_of(data_dir, database_url)
    asyncio.run(do_due_jobs(location, report, settings) if once else _work(location, settings))


async def _work(location: Location, settings: ShopSettings) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with open_services(location, report, settings):
        print("habitue works", flush=True)
        await stopped.wait()
