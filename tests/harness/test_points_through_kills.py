"""The server is killed while points are given and taken, by hand and by sessions that are closed;
clients ask again under their keys.

Every change that was acknowledged is in the ledger once, and nothing else is.
"""

import http.client
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.loyalty.ledger import balances_of
from habitue.loyalty.settling import settled
from habitue.store.database import Database
from tests.integration.test_vendor_loyalty import CLUB
from tests.serving import MANAGEMENT_KEY, Reply, Shopfront, make_management_key, rule, serving
from tests.usecases.points_shop import add_customer, complaints, open_club, query_of, read

REQUESTS = 200
CLIENTS = 8
KILLS = 3
CLOSING_KILLS = 1
PATIENCE_SECONDS = 120
MANAGEMENT_DOOR = f"ManagementKey-v1 {MANAGEMENT_KEY}"
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


class KilledServer:
    """A server that is killed and comes back, at another port, while clients go on."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._front: Shopfront | None = None
        self.acknowledged: dict[str, Reply] = {}
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

    def run(
        self,
        send: Callable[[int], None],
        kills: int,
        prepare: Callable[[Shopfront], None] = lambda front: None,
    ) -> None:
        """Clients share the requests, each sent by `send`, while the server is killed so often;
        it is prepared before they start."""

        def client(number: int) -> None:
            for index in range(number, REQUESTS, CLIENTS):
                send(index)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for kill in range(kills + 1):
            with self.up() as front:
                if kill == 0:
                    prepare(front)
                    for thread in threads:
                        thread.start()
                if kill < kills:
                    self.wait_for((kill + 1) * REQUESTS // (kills + 2))
                    front.process.kill()
                else:
                    for thread in threads:
                        thread.join()
        assert len(self.acknowledged) == REQUESTS
        assert self.repeated > 0

    def insist(self, key: str, path: str, body: Any, door: str = MANAGEMENT_DOOR) -> None:
        """Sends the same request until it is answered."""
        headers = {"authorization": door, "idempotency-key": key}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            front = self._front
            try:
                if front is not None:
                    reply = front.send("PUT", path, body, headers)
                    if reply.status < 500 and reply.status != 409:
                        self.acknowledged[key] = reply
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

    def send(index: int) -> None:
        verb = "add_points" if index % 4 != 3 else "deduct_points"
        points = 10 if verb == "add_points" else 1
        path = f"/v1/loyalty_programs/{club.id}/profile/owner-{index % CLIENTS % 4}/{verb}"
        server.insist(f"request-{index}", path, {"points": points})

    server.run(send, KILLS)
    accepted = [key for key, reply in server.acknowledged.items() if reply.status == 204]
    refused = [key for key, reply in server.acknowledged.items() if reply.status == 400]
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


async def test_points_of_closed_sessions_survive_kills_once(
    database: Database, database_url: str
) -> None:
    """Each session earns ten points for its customer, and one on a card that all of them name."""
    await make_management_key(database_url)
    server, made = KilledServer(database_url), list[int]()
    door = ""

    def prepare(front: Shopfront) -> None:
        nonlocal door
        front.open_shop()
        door = f"ApiKey-v1 {front.integration_key}"
        made.extend(_program(front, card_based) for card_based in (False, True))
        path = f"/v1/loyalty_programs/{made[1]}/cards"
        assert front.call("POST", path, {"cardIdentifier": "everybodys"}).status == 200
        earns = [
            ["addLoyaltyPoints", "bought", program, "", points]
            for program, points in zip(made, (10, 1), strict=True)
        ]
        front.campaign(rule([">", [".", "Session", "Total"], 0], *earns))

    def send(index: int) -> None:
        session = {
            "profileId": f"owner-{index % 4}",
            "state": "closed",
            "cartItems": [{"name": "tea", "sku": "tea", "quantity": 1, "price": 3}],
            "loyaltyCards": ["everybodys"],
        }
        path = f"/v2/customer_sessions/session-{index}"
        server.insist(f"close-{index}", path, {"customerSession": session}, door)

    server.run(send, CLOSING_KILLS, prepare)
    club, cards = made
    told = [
        effect["props"]
        for reply in server.acknowledged.values()
        for effect in reply.json["effects"]
    ]
    assert {reply.status for reply in server.acknowledged.values()} == {200}
    assert sorted((each["programId"], each["value"]) for each in told) == sorted(
        [(club, 10), (cards, 1)] * REQUESTS
    )
    rows = await database.fetch("SELECT key::text AS key, kind, amount FROM loyalty_transaction")
    assert {row["kind"] for row in rows} == {"earn"}
    assert sorted((row["key"], int(row["amount"])) for row in rows) == sorted(
        (each["transactionUUID"], each["value"]) for each in told
    )
    balances = await database.fetch("SELECT active FROM loyalty_account ORDER BY active")
    assert [row["active"] for row in balances] == [REQUESTS] + [10 * REQUESTS // 4] * 4
    assert await database.fetchval("SELECT count(*) FROM session") == REQUESTS
    assert await complaints(database) == []


def _program(front: Shopfront, card_based: bool) -> int:
    fields = {
        **CLUB,
        "name": "cards" if card_based else "club",
        "cardBased": card_based,
        "tiers": [],
        "tiersExpirationPolicy": None,
        "tiersExpireIn": None,
        "tiersDowngradePolicy": None,
        "subscribedApplications": [front.application_id],
    }
    return int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])
