"""A served shop, on a real socket, and the vendor's own client pointed at it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest
import talon_one
import uvicorn
from talon_one import ManagementApi

from habitue.edges.http.application import build
from habitue.edges.services import Services
from habitue.edges.talon_one.management import management_operations
from habitue.store.database import Database
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop

MANAGEMENT_KEY = "the-management-key"
FAR = datetime(2099, 1, 1, tzinfo=UTC)
SHOP = {"name": "Web", "timezone": "Europe/Berlin", "currency": "EUR"}


class Client:
    """Requests with the management key; answers are a status and decoded JSON."""

    def __init__(self, session: aiohttp.ClientSession, url: str, shop: Shop) -> None:
        self.session = session
        self.url = url
        self.shop = shop
        self.headers: Mapping[str, str] = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request; an empty answer is None."""
        sent = {**self.headers, **(headers or {}), "content-type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        url = f"{self.url}{path}"
        async with self.session.request(method, url, data=data, headers=sent) as response:
            content = await response.read()
            return response.status, msgspec.json.decode(content) if content else None

    async def made(self, path: str, body: Any) -> Any:
        """What a POST that must succeed has made."""
        status, answer = await self.send("POST", path, body)
        assert status == 201, answer
        return answer

    async def faults(self, method: str, path: str, body: Any = None) -> list[tuple[str, str]]:
        """Pointer or parameter and title of every fault of a request that must be refused."""
        status, answer = await self.send(method, path, body)
        assert (status, answer["StatusCode"]) == (400, 400), answer
        found = []
        for error in answer["errors"]:
            (place,) = error["source"].values()
            found.append((place, error["title"]))
        return found


async def with_campaign(client: Client, **fields: Any) -> str:
    """The path of a new campaign in a new application."""
    application = await client.made("/v1/applications", SHOP)
    path = f"/v1/applications/{application['id']}/campaigns"
    campaign = await client.made(path, {"name": "Autumn", "features": ["coupons"], **fields})
    return f"{path}/{campaign['id']}"


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@pytest.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    """A client of a server over an empty database, with a management key."""
    shop = Shop(database)
    await create_key(
        shop, MANAGEMENT_KEY, "management", "Tests", None, FAR, datetime(2026, 1, 1, tzinfo=UTC)
    )
    application = build(management_operations(), Services(shop))
    config = uvicorn.Config(application, port=0, log_config=None, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    await server.ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{port}", shop)
    server.should_exit = True
    await task


@pytest.fixture
def vendor(client: Client) -> ManagementApi:
    """The official SDK's management client; call it in a thread."""
    configuration = talon_one.Configuration(
        host=client.url,
        api_key_prefix={"api_key_v1": "ManagementKey-v1"},
        api_key={"api_key_v1": MANAGEMENT_KEY},
    )
    return ManagementApi(talon_one.ApiClient(configuration))
