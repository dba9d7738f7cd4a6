"""The use case of the ledger benchmark without HTTP: points for owners, as fast as it gives them.

It runs as a process of its own (`python -m bench.points_usecase`, a plan on standard input, a
`Report` on standard output), for each worker that a server would have. It does what a request does
once it is read and before it is answered: the use case, with its two round trips and its commit.
"""

import asyncio
import random
import resource
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import msgspec
import uvloop

from bench.points_load import Report, name_of
from habitue.customers.claims import profile_key
from habitue.edges.http.server import connections_of, lanes_of, tune_collector
from habitue.loyalty.ledger import Cause
from habitue.store.database import open_database
from habitue.store.location import Embedded
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.shop import Shop


class Plan(msgspec.Struct, frozen=True):
    """Whose points to add, how many at a time and for how long; `number` is the worker's."""

    data_dir: str
    program_id: int
    owners: int
    number: int
    workers: int
    tasks: int
    warm_up: float
    seconds: float


async def _add(plan: Plan, shop: Shop, task: int, opens: float, told: list[float]) -> int:
    draw, requests = random.Random(f"{plan.number} {task}"), 0
    while (began := perf_counter()) < opens + plan.seconds:
        name = name_of(draw.randrange(plan.owners))
        query = PointsQuery(profile_key(name, sandbox=False), None, plan.program_id, "")
        given = Adjustment(uuid4(), Decimal(1), "", Cause(actor="staff:1"))
        await add_points(shop, query, name, given, datetime.now(UTC))
        requests += 1
        if began >= opens:
            told.append((perf_counter() - began) * 1000)
    return requests


async def load(plan: Plan) -> Report:
    """Adds points until the plan's time is over."""
    told: list[float] = []
    async with open_database(
        Embedded(Path(plan.data_dir)),
        pool_size_max=connections_of(plan.workers),
        lanes_max=lanes_of(plan.workers),
    ) as database:
        shop = Shop(database)
        await shop.refresh()
        tune_collector()
        opens = perf_counter() + plan.warm_up
        counts = await asyncio.gather(
            *(_add(plan, shop, task, opens, told) for task in range(plan.tasks))
        )
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Report(sum(counts), told, used.ru_utime + used.ru_stime)


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(load(plan))))


if __name__ == "__main__":
    main()
