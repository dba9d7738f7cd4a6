"""Many processes that spend one balance at the same moment.

`python -m tests.harness.points_spenders URL PROGRAM PROFILE PROCESSES PART` forks that many
processes. Each has a database connection and a shop of its own, waits until all are ready, and
spends PART points of the profile once. Prints how many came to what, as a JSON object.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from habitue.customers.claims import profile_key
from habitue.loyalty.ledger import Cause
from habitue.model.errors import Refusal
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, deduct_points
from habitue.usecases.shop import Shop, ShopSettings

PATIENCE_SECONDS = 120


async def spend(url: str, program_id: int, profile: str, part: str, ready: int, go: int) -> str:
    """What becomes of one spender, once all of them may begin."""
    async with open_database(
        External(url),
        pool_size_max=1,
        patience_seconds=PATIENCE_SECONDS,
        lock_wait_seconds=PATIENCE_SECONDS,
    ) as database:
        shop = Shop(database, ShopSettings(lock_wait_seconds=PATIENCE_SECONDS))
        await shop.refresh()
        query = PointsQuery(profile_key(profile, sandbox=False), None, program_id, "")
        os.write(ready, b".")
        os.read(go, 1)
        adjustment = Adjustment(uuid4(), Decimal(part), "", Cause())
        try:
            await deduct_points(shop, query, profile, adjustment, datetime.now(UTC))
        except Refusal as refusal:
            return type(refusal).__name__
        return "spent"


def main() -> None:
    url, program, profile, processes, part = sys.argv[1:]
    count = int(processes)
    told, tell = os.pipe()
    readied, ready = os.pipe()
    go, begin = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.close(begin)
            try:
                result = asyncio.run(spend(url, int(program), profile, part, ready, go))
            except Exception as error:
                result = f"error {type(error).__name__}"
                os.write(ready, b".")
            os.write(tell, f"{result}\n".encode())
            os._exit(0)
    os.close(tell)
    for _ in range(count):
        os.read(readied, 1)
    os.write(begin, b"." * count)
    with os.fdopen(told) as results:
        print(json.dumps(Counter(results.read().split("\n")[:-1])))


if __name__ == "__main__":
    main()
