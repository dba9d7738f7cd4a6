"""The database goes away and comes back: 503 meanwhile, and the server recovers by itself."""

import time
from collections.abc import Callable
from pathlib import Path

from habitue.store.database import open_database
from habitue.store.embedded import attach
from habitue.store.location import External
from tests.serving import Reply, Shopfront, make_management_key, rule, serving

LINE = {"sku": "a", "quantity": 1, "price": 10}


def silent(message: str) -> None:
    """Nobody waits for progress here."""


def until(answer: Callable[[], Reply], status: int, seconds: float = 30) -> Reply:
    """The first answer with that status; every one before it is a success or a 503."""
    deadline = time.monotonic() + seconds
    while True:
        reply = answer()
        if reply.status == status:
            return reply
        assert reply.status in (200, 503), reply.body
        assert time.monotonic() < deadline, f"no answer with status {status}"
        time.sleep(0.1)


async def test_the_database_goes_away_and_comes_back(data_dir: Path) -> None:
    attachment = attach(data_dir, silent)
    url = attachment.ensure(silent).url
    async with open_database(External(url), schema="upgrade"):
        pass
    await make_management_key(url)
    with serving(url) as front:
        front.open_shop()
        front.campaign(rule(["and", True], ["setDiscount", "one", 1]))
        assert front.put("kept", profileId="maria", cartItems=[LINE]).status == 200
        attachment.close()
        _refuses_everything(front)
        attachment = attach(data_dir, silent)
        try:
            attachment.ensure(silent)
            _serves_again(front)
        finally:
            attachment.close()


def _refuses_everything(front: Shopfront) -> None:
    reply = until(lambda: front.put("kept", cartItems=[]), 503)
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.json == {
        "message": "The database is not available at the moment",
        "errors": [],
        "StatusCode": 503,
    }
    assert front.call("GET", "/v2/customer_sessions/kept").status == 503
    assert front.send("GET", "/ready").status == 503
    assert front.send("GET", "/health").status == 200


def _serves_again(front: Shopfront) -> None:
    reply = until(lambda: front.put("kept", content=["customerSession"]), 200)
    session = reply.json["customerSession"]
    assert [item["sku"] for item in session["cartItems"]] == ["a"]
    assert session["updateCount"] == 2
    assert front.send("GET", "/ready").status == 200
