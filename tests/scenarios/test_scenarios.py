"""Golden carts: for each scenario of the YAML files beside this, a shop, what is sent to it, and
what comes back, effect by effect.

A scenario has a `shop` (an application as shop files have it, and what else the file may hold), and
`sends`: each a session, or the name of another call, with the `effects` that must be answered, in
their order, and where it says so the `reasons` of rules that did not apply. An effect is its type
with its properties; `by` names the rule where that matters. Numbers are compared as numbers.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
import yaml

from habitue.edges.http.application import build
from habitue.edges.operations import all_operations
from habitue.edges.services import Services
from habitue.edges.shop_files import read_files
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.apply import apply
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop
from tests.building import NOW
from tests.conftest import fresh_database
from tests.management.conftest import FAR, _Server

HERE = Path(__file__).parent
SCENARIOS = [
    (path.stem, scenario)
    for path in sorted(HERE.glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text())
]


class Served:
    """A served deployment in which every scenario opens a shop of its own."""

    def __init__(self, shop: Shop, session: aiohttp.ClientSession, url: str) -> None:
        self.shop = shop
        self.session = session
        self.url = url
        self._count = 0

    async def opened(self, scenario: dict[str, Any], directory: Path) -> str:
        """The integration key of a new shop as the scenario describes it."""
        self._count += 1
        name = f"Shop {self._count}"
        described = dict(scenario["shop"])
        beside = {key: described.pop(key) for key in _BESIDE if key in described}
        application = {"name": name, "timezone": "Europe/Berlin", "currency": "EUR", **described}
        path = directory / "shop.yaml"
        path.write_text(yaml.safe_dump({"applications": [application], **beside}))
        await apply(self.shop, read_files([path]).wanted, NOW, dry_run=False)
        ids = [each.id for each in self.shop.configuration.applications.values()]
        key = f"the key of {name}"
        await create_key(self.shop, key, "integration", name, max(ids), FAR, NOW)
        return key

    async def send(self, key: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        headers = {"authorization": f"ApiKey-v1 {key}", "content-type": "application/json"}
        url, data = f"{self.url}{path}", json.dumps(body)
        async with self.session.request(method, url, data=data, headers=headers) as response:
            return response.status, json.loads(await response.read() or b"null")


_BESIDE = ("attributes", "additionalCosts", "customers", "loyaltyPrograms")


@pytest.fixture(scope="module")
async def served(server_url: str, template: str) -> AsyncIterator[Served]:
    async with (
        fresh_database(server_url, template) as url,
        open_database(External(url)) as database,
        aiohttp.ClientSession() as session,
    ):
        shop = Shop(database)
        await shop.refresh()
        application = build(all_operations(), Services(shop))
        server = _Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve())
        await server.ready.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(shop, session, f"http://127.0.0.1:{port}")
        server.should_exit = True
        await task


def told(effect: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """An effect as scenarios write it, with the rule where the wanted one names it."""
    shown: dict[str, Any] = {effect["effectType"]: effect["props"]}
    if "by" in wanted:
        shown["by"] = effect["ruleName"]
    return shown


@pytest.mark.parametrize(
    "scenario", [each for _, each in SCENARIOS], ids=[f"{a}: {b['scenario']}" for a, b in SCENARIOS]
)
async def test_scenario(served: Served, scenario: dict[str, Any], tmp_path: Path) -> None:
    key = await served.opened(scenario, tmp_path)
    for number, sent in enumerate(scenario["sends"], 1):
        path, method = f"/v2/customer_sessions/{sent.get('session', 'cart')}", "PUT"
        body: dict[str, Any] = {"responseContent": ["ruleFailureReasons"]}
        if "reopen" in sent:
            path, body = f"{path}/reopen", {}
        elif "return" in sent:
            path, method = f"{path}/returns", "POST"
            body = {"return": {"returnedCartItems": sent["return"]}}
        else:
            body["customerSession"] = sent["cart"]
        status, answer = await served.send(key, method, path + sent.get("query", ""), body)
        assert status == sent.get("status", 200), (number, answer)
        if "effects" in sent:
            wanted = sent["effects"]
            padded = [*wanted, *[{}] * len(answer["effects"])]
            found = [told(*each) for each in zip(answer["effects"], padded, strict=False)]
            assert found == wanted, number
        if "reasons" in sent:
            reasons = [each["details"] for each in answer["ruleFailureReasons"]]
            assert reasons == sent["reasons"], number
