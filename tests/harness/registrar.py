"""A process that races with registrations: a few at a time, in the order in which it is given them.

It is run as a program, like `tests.harness.racer`, by the same supervisor. A *job* names a person,
the identifiers that are told of them (as `[kind, value]`) and the source account that tells.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from habitue.customers.card import Actor
from habitue.customers.registration import OfferedIdentifier, OfferedProfile, Registration
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.card_writing import Written
from habitue.usecases.register_customer import register_customer
from habitue.usecases.shop import Shop, ShopSettings
from habitue.usecases.writing import Reply
from tests.harness.racer import (
    PATIENCE_SECONDS,
    POOL_SIZE,
    reported,
    serve_rounds,
    starting_shot,
)

#: Requests of one process that are under way at a time.
AT_ONCE = 6


async def race(specification: dict[str, Any]) -> list[dict[str, Any]]:
    """One round; the reports come in the order in which the jobs ended."""
    location = External(specification["url"])
    async with open_database(
        location, pool_size_max=POOL_SIZE, patience_seconds=PATIENCE_SECONDS
    ) as database:
        settings = ShopSettings(lock_wait_seconds=specification["lock_wait_seconds"])
        shop = Shop(database, settings)
        await shop.refresh()
        now = datetime.fromisoformat(specification["now"])
        reports: list[dict[str, Any]] = []
        await starting_shot(database)
        jobs = iter(specification["jobs"])
        await asyncio.gather(*(_work(shop, jobs, now, reports) for _ in range(AT_ONCE)))
        return reports


async def _work(
    shop: Shop, jobs: Iterator[dict[str, Any]], now: datetime, reports: list[dict[str, Any]]
) -> None:
    for job in jobs:
        report = await reported(job, partial(_register, shop, job, now))
        reports.append(report)


async def _register(shop: Shop, job: dict[str, Any], now: datetime) -> dict[str, Any]:
    profile = OfferedProfile(
        source=job["source"],
        account_id=job["account_id"],
        told={"first_name": f"Person {job['person']}", "last_name": job["source"].title()},
        identifiers=tuple(OfferedIdentifier(kind=kind, value=value) for kind, value in job["told"]),
    )
    registration = Registration(profiles=(profile,), actor=Actor(code="racer"))
    reply = await register_customer(shop, registration, now, _rendered)
    answer: dict[str, Any] = msgspec.json.decode(reply.body)
    return answer


def _rendered(written: Written) -> Reply:
    told = {"customer_id": written.customer_id, "merged": len(written.decision.victims)}
    return Reply(200, msgspec.json.encode(told))


if __name__ == "__main__":
    serve_rounds(race)
