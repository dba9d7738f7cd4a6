"""Golden carts: for each scenario of the YAML files beside this, a shop, what is sent to it, and
what comes back, effect by effect.

A scenario has a `shop` (see `tests.scenarios.shops`) and `sends`. Each of those is one request: a
`cart` for a `session`, `reopen`, `return`, an `event`, a `profile` with its `update`, or `reserve`
with the code of a coupon `for` customers. It may say `at` which moment it comes, and has the
`effects` that must be answered, in their order, the `reasons` of rules that did not apply, and
`also` what stands at other places of the answer. An effect is its type with its properties; `by`
names the rule, and `group` the group of campaigns, where that matters. Numbers are compared as
numbers. `?` is any value, and `?name` the same value wherever it stands in the scenario.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
import yaml

from habitue.edges.http.application import build
from habitue.edges.operations import all_operations
from habitue.edges.services import Services
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop
from tests.building import NOW
from tests.conftest import fresh_database
from tests.management.conftest import FAR, _Server
from tests.masking import masked
from tests.scenarios.shops import MANAGEMENT_KEY, Described, Served

HERE = Path(__file__).parent
SCENARIOS = [
    (path.stem, scenario)
    for path in sorted(HERE.glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text())
]


@pytest.fixture(scope="module")
async def served(server_url: str, template: str) -> AsyncIterator[Served]:
    async with (
        fresh_database(server_url, template) as url,
        open_database(External(url)) as database,
        aiohttp.ClientSession() as session,
    ):
        shop = Shop(database)
        await shop.refresh()
        await create_key(shop, MANAGEMENT_KEY, "management", "scenarios", None, FAR, NOW)
        deployment = Served(shop, session, "")
        application = build(all_operations(), Services(shop), clock=lambda: deployment.now)
        server = _Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve())
        await server.ready.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        deployment.url = f"http://127.0.0.1:{port}"
        yield deployment
        server.should_exit = True
        await task


def asked(sent: Described) -> tuple[str, str, Any]:
    """Method, path and body of one request."""
    session = f"/v2/customer_sessions/{sent.get('session', 'cart')}"
    query = sent.get("query", "")
    failures = ("ruleFailureReasons",) if "reasons" in sent else ()
    content = {"responseContent": [*failures, *sent.get("content", ())]}
    match sent:
        case {"reopen": _}:
            return "PUT", f"{session}/reopen", {}
        case {"return": items}:
            return "POST", f"{session}/returns{query}", {"return": {"returnedCartItems": items}}
        case {"event": event}:
            version = "v3" if "integrationId" in event else "v2"
            path = f"/{version}/events{query or '?silent=no'}"
            return "POST", path, {**event, **content}
        case {"profile": id_, "update": update}:
            path = f"/v2/customer_profiles/{id_}?runRuleEngine=true"
            return "PUT", path, {**update, **content}
        case {"reserve": code, "for": customers}:
            return "POST", f"/v1/coupon_reservations/{code}", {"integrationIDs": customers}
    return "PUT", f"{session}{query}", {"customerSession": sent["cart"], **content}


def shown(effect: Described, wanted: Described) -> Described:
    """An effect as scenarios write it, with its rule and group where the wanted one names them."""
    told: Described = {effect["effectType"]: effect["props"]}
    if "by" in wanted:
        told["by"] = effect["ruleName"]
    if "group" in wanted:
        told["group"] = [effect["evaluationGroupID"], effect["evaluationGroupMode"]]
    return told


def at_place(answer: Any, path: str) -> Any:
    """What stands at a place of the answer, which is told by names and indexes with dots."""
    for name in path.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else answer[name]
    return answer


@pytest.mark.parametrize(
    "scenario", [each for _, each in SCENARIOS], ids=[f"{a}: {b['scenario']}" for a, b in SCENARIOS]
)
async def test_scenario(served: Served, scenario: Described, tmp_path: Path) -> None:
    opened = await served.opened(scenario, tmp_path)
    known: Described = {}
    for number, sent in enumerate(scenario["sends"], 1):
        if "at" in sent:
            served.now = datetime.fromisoformat(sent["at"]).astimezone(UTC)
        status, answer = await served.send(opened, *asked(sent))
        assert status == sent.get("status", 201 if "reserve" in sent else 200), (number, answer)
        wanted = opened.wanted(sent)
        if "effects" in sent:
            padded = [*wanted["effects"], *[{}] * len(answer["effects"])]
            found = [shown(*each) for each in zip(answer["effects"], padded, strict=False)]
            assert masked(found, wanted["effects"], known) == wanted["effects"], number
        if "reasons" in sent:
            reasons = [each["details"] for each in answer["ruleFailureReasons"]]
            assert reasons == sent["reasons"], number
        for path, value in wanted.get("also", {}).items():
            assert masked(at_place(answer, path), value, known) == value, (number, path)
