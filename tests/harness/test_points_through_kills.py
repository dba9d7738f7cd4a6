"""The server is killed while points are given and taken; clients ask again under their keys.

Every change that was acknowledged is in the ledger once, and nothing else is.
"""

import http.client
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.loyalty.ledger import balances_of
from habitue.loyalty.settling import settled
from habitue.store.database import Database
from tests.serving import MANAGEMENT_KEY, Shopfront, make_management_key, serving
from tests.usecases.points_shop import add_customer, complaints, open_club, query_of, read

REQUESTS = 200
CLIENTS = 8
KILLS = 3
PATIENCE_SECONDS = 120
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


class KilledServer:
    """A server that is killed and comes back, at another port, while clients go on."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._front: Shopfront | None = None
        self.acknowledged: dict[str, int] = {}
        self.repeated = 0

    @contextmanager
    def up(self) -> Iterator[Shopfront]:
        with serving(self._database_url) as front:
            self._front = front
            try:
                yield front
            finally:
                self._front = None

    def wait_for(self, acknowledged: int) -> None:
        """Returns once so many requests were acknowledged."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.acknowledged) < acknowledged and time.monotonic() < deadline:
            time.sleep(0.005)

    def insist(self, key: str, path: str, body: Any) -> None:
        """Sends the same request until it is answered."""
        headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}", "idempotency-key": key}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            front = self._front
            try:
                if front is not None:
                    status = front.send("PUT", path, body, headers).status
                    if status < 500 and status != 409:
                        self.acknowledged[key] = status
                        return
            except BROKEN:
                pass
            self.repeated += 1
            time.sleep(0.02)


async def test_points_survive_kills_once(database: Database, database_url: str) -> None:
    shop, club = await open_club(database, tiers=())
    await make_management_key(database_url)
    for owner in range(4):
        await add_customer(database, f"owner-{owner}")
    server = KilledServer(database_url)

    def client(number: int) -> None:
        for index in range(number, REQUESTS, CLIENTS):
            verb = "add_points" if index % 4 != 3 else "deduct_points"
            points = 10 if verb == "add_points" else 1
            path = f"/v1/loyalty_programs/{club.id}/profile/owner-{number % 4}/{verb}"
            server.insist(f"request-{index}", path, {"points": points})

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    started = False
    for kill in range(KILLS + 1):
        with server.up() as front:
            if not started:
                for thread in threads:
                    thread.start()
                started = True
            if kill < KILLS:
                server.wait_for((kill + 1) * REQUESTS // (KILLS + 2))
                front.process.kill()
            else:
                for thread in threads:
                    thread.join()
    assert len(server.acknowledged) == REQUESTS
    assert server.repeated > 0
    accepted = [key for key, status in server.acknowledged.items() if status == 204]
    refused = [key for key, status in server.acknowledged.items() if status == 400]
    assert len(accepted) + len(refused) == REQUESTS
    taken = [key for key in accepted if int(key.removeprefix("request-")) % 4 == 3]
    added = len(accepted) - len(taken)
    told, now = [], datetime.now(UTC)
    for owner in range(4):
        ledger = await read(shop, query_of(club, f"owner-{owner}"), now)
        told.append(balances_of(settled(ledger, club, now)))
    assert sum(each.spent for each in told) == len(taken)
    assert sum(each.active for each in told) == Decimal(10 * added - len(taken))
    count = "SELECT count(*) FROM loyalty_transaction"
    assert await database.fetchval(count) == len(accepted)
    assert await complaints(database) == []
