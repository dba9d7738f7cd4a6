"""A served shop with a tracker key, as pages, programs and tills see it."""

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from habitue.store.database import Database, open_database
from habitue.store.events import EventRow, read_timeline
from habitue.store.location import External
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.registration_settings import update_registration_settings
from habitue.usecases.shop import Shop
from tests.capillary.conftest import make_till, till_headers
from tests.conftest import fresh_database
from tests.serving import FAR, Reply, Shopfront, make_management_key, serving

SHOP = "0123456789abcdef01234567"
SHOP_LONG = SHOP + "89abcd"
SERVER_KEY = "a-server-key-of-the-tests"
SECRET = "a secret that signs visitors"
_numbers = itertools.count(1)


def device_id() -> str:
    """A device that no test had before."""
    return f"{next(_numbers):024x}"


@dataclass
class Tracked:
    """A served shop, its database, and requests to its tracker."""

    front: Shopfront
    shop: Shop

    @property
    def database(self) -> Database:
        return self.shop.database

    def collect(
        self,
        *messages: Mapping[str, Any],
        did: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        """A batch of the script."""
        body = {"shop": SHOP, "sid": "visit1", "messages": list(messages), **more}
        if did is not None:
            body["did"] = did
        plain = {"content-type": "text/plain", **(headers or {})}
        return self.front.send("POST", "/v1/collect", json.dumps(body).encode(), plain)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.front.send("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        return self.front.send("POST", path, body, headers)

    def form(self, path: str, text: str) -> Reply:
        """A form, as old programs send it."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.front.send("POST", path, text.encode(), kind)

    def customer(self, name: str, value: str) -> int | None:
        """The customer whom the registration door finds; None for nobody."""
        path = f"/v2/customers/lookup?source=ALL&identifierName={name}&identifierValue={value}"
        found = self.front.send("GET", path, None, till_headers())
        return found.json["entity"] if found.status == 200 else None

    def register(self, **profile: Any) -> int:
        """A customer whom a till registers; the id."""
        body = {"profiles": [{"source": "INSTORE", **profile}]}
        reply = self.front.send("POST", "/v2/customers?source=INSTORE", body, till_headers())
        assert reply.status == 200, reply.body
        return int(reply.json["createdId"])

    async def holder(self, kind: str, value: str) -> int | None:
        """Who has that identifier."""
        found: int | None = await self.database.fetchval(
            "SELECT customer_id FROM customer_identifier WHERE kind = $1 AND value = $2",
            kind,
            value,
        )
        return found

    async def timeline(self, customer_id: int | None) -> list[EventRow]:
        """What the customer did, the first first."""
        assert customer_id is not None
        return (await read_timeline(self.database, customer_id, 1000, 0))[::-1]

    async def count(self, table: str) -> int:
        return int(await self.database.fetchval(f"SELECT count(*) FROM {table}"))

    async def part(self, customer_id: int | None) -> Any:
        """The document of the customer's own part."""
        found = await self.database.fetchval(
            "SELECT document FROM card_part WHERE customer_id = $1 AND root_id = $1", customer_id
        )
        return None if found is None else json.loads(found)

    async def profile(self, customer_id: int | None) -> Any:
        """What the tracker told of the customer."""
        part = await self.part(customer_id)
        return next(each for each in part["profiles"] if each["source"] == "WEBSITE")


def event(name: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """A message about an event; its id is new."""
    return {"id": f"m{next(_numbers)}", "type": "event", "name": name, "data": data, **more}


def identify(dialect: str = "rr", **data: Any) -> dict[str, Any]:
    """A message about the visitor."""
    id_ = f"m{next(_numbers)}"
    return {"id": id_, "type": "identify", "name": "set", "data": data, "dialect": dialect}


def warnings_of(reply: Reply) -> list[tuple[str, str]]:
    """Fields and codes."""
    return [(each["field"], each["code"]) for each in reply.json["warnings"]]


async def make_shop(url: str, **settings: Any) -> None:
    """A tracker key, a server key, a till, and the shop's rules."""
    await make_management_key(url)
    async with open_database(External(url)) as database:
        shop = Shop(database)
        await shop.refresh()
        now = datetime.now(UTC)
        await create_key(shop, SHOP_LONG, "tracker", "pages", None, FAR, now)
        await create_key(shop, SERVER_KEY, "management", "server", None, FAR, now)
        await make_till(shop)
        if settings:
            await update_registration_settings(shop, settings)


@asynccontextmanager
async def tracked_shop(server_url: str, template: str, **settings: Any) -> AsyncIterator[Tracked]:
    """A served shop of one test file."""
    async with fresh_database(server_url, template) as url:
        await make_shop(url, **settings)
        async with open_database(External(url)) as database:
            shop = Shop(database)
            await shop.refresh()
            with serving(url) as front:
                yield Tracked(front, shop)


@pytest.fixture(scope="module")
async def tracked(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A served shop; tests of a file share it."""
    stocks = ["NY", "Екатеринбург"]
    async with tracked_shop(
        server_url, template, tracker_stocks=stocks, tracker_new_devices_per_minute=0
    ) as shop:
        yield shop


@pytest.fixture
def did() -> str:
    """A new device."""
    return device_id()
