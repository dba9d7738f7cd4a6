"""Requests that write the same session queue; how long they wait is the operator's choice."""

import time

from habitue.store.database import open_database
from habitue.store.location import External
from tests.serving import make_management_key, serving

LINE = {"sku": "a", "quantity": 1, "price": 10}


async def test_the_wait_is_bounded_as_configured(database_url: str) -> None:
    await make_management_key(database_url)
    with serving(database_url, flags=("--lock-wait-seconds", "0.3")) as front:
        front.open_shop()
        assert front.put("held", profileId="maria", cartItems=[LINE]).status == 200
        async with (
            open_database(External(database_url)) as database,
            database.transaction() as holder,
        ):
            await holder.execute("SELECT id FROM customer FOR UPDATE")
            started = time.monotonic()
            reply = front.put("held", cartItems=[])
            waited = time.monotonic() - started
        assert (reply.status, reply.json) == (
            409,
            {
                "message": "Too many requests are updating this session at the same time",
                "errors": [],
                "StatusCode": 409,
            },
        )
        assert 0.3 <= waited < 5
        session = front.put("held").json["customerSession"]
        assert (session["updateCount"], len(session["cartItems"])) == (2, 1)
