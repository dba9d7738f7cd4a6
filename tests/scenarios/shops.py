"""Opens the shops that scenarios describe, from shop files and over the API.

A scenario's `shop` is an application as shop files have it. Beside that it may have what else such
a file holds (`attributes`, `additionalCosts`, `loyaltyPrograms`, `customers`), and what is made
over the API: `audiences`, `eventTypes`, `stores` and `webhooks` by name; `pools` of giveaways and
`collections` with their content; `achievements` and `valueMaps` by campaign; `referrals` by code;
and the `group` in which campaigns stand. `<Name>` is the id of what has that name.

Words: scenarios share a deployment, so a *name* that is the whole account's (a customer's, an
audience's, a program's) is sent with a *mark* of its scenario, which is taken out of every answer.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from habitue.edges.shop_files import read_files
from habitue.store.giveaways import NewGiveaway, insert_giveaways
from habitue.usecases.apply import WantedShop, apply
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop
from tests.building import NOW
from tests.management.conftest import FAR

MANAGEMENT_KEY = "the management key of the scenarios"
_FIRST = ("attributes", "additionalCosts", "loyaltyPrograms")
_MADE = ("audiences", "eventTypes", "webhooks", "pools", "stores", "collections", "achievements",
    "valueMaps")  # fmt: skip
_LAST = ("referrals", "group")
_PERSONAL = ("profileId", "profile", "recipient", "recipientIntegrationId", "advocate", "friend")
_SHARED = ("audiences", "eventTypes", "webhooks", "pools", "collections")
_REFERENCE = re.compile(r"<([^<>]+)>")
_QUOTED = re.compile(r'"([^"]*)"')
Described = dict[str, Any]


class Opened:
    """A shop of one scenario: its key, the ids of what has a name in it, and its mark."""

    def __init__(self, number: int, scenario: Described) -> None:
        self.name = f"Shop {number}"
        self.key = f"the key of shop {number}"
        self.mark = f"_s{number:03}"
        self.names = frozenset(_names(scenario))
        self.ids: dict[str, int] = {}
        self.path = ""

    def sent(self, value: Any) -> Any:
        """What is sent for a value of the scenario: names with the mark, ids for references."""
        if isinstance(value, dict):
            return {self._marked(key): self.sent(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.sent(each) for each in value]
        if not isinstance(value, str):
            return value
        if value[1:-1] in self.ids and value.startswith("<"):
            return self.ids[value[1:-1]]
        text = _REFERENCE.sub(lambda it: str(self.ids.get(it[1], it[0])), self._marked(value))
        return _QUOTED.sub(lambda it: f'"{self._marked(it[1])}"', text)

    def answered(self, text: str) -> Any:
        """An answer, without the mark."""
        return json.loads(text.replace(self.mark, "") or "null")

    def wanted(self, value: Any) -> Any:
        """What the scenario expects, with ids for references."""
        if isinstance(value, dict):
            return {key: self.wanted(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.wanted(each) for each in value]
        named = isinstance(value, str) and value.startswith("<")
        return self.ids.get(value[1:-1], value) if named else value

    def _marked(self, name: Any) -> Any:
        return f"{name}{self.mark}" if name in self.names else name


class Served:
    """A served deployment in which every scenario opens a shop of its own."""

    def __init__(self, shop: Shop, session: aiohttp.ClientSession, url: str) -> None:
        self.shop = shop
        self.session = session
        self.url = url
        self.now = NOW
        self._count = 0

    async def opened(self, scenario: Described, directory: Path) -> Opened:
        """A new shop as the scenario describes it."""
        self.now = NOW
        self._count += 1
        opened = Opened(self._count, scenario)
        described = dict(scenario["shop"])
        beside = {key: described.pop(key) for key in (*_MADE, *_LAST) if key in described}
        shared = {key: described.pop(key) for key in _FIRST if key in described}
        for program in shared.get("loyaltyPrograms", ()):
            program.setdefault("applications", [opened.name])
        customers = {key: described.pop(key) for key in ("customers",) if key in described}
        application = {
            "name": opened.name, "timezone": "Europe/Berlin", "currency": "EUR", **described
        }  # fmt: skip
        bare = [
            {key: each[key] for key in ("name", "features") if key in each}
            for each in described["campaigns"]
        ]
        file = directory / "shop.yaml"
        await self._apply(
            opened, file, {**shared, "applications": [{**application, "campaigns": bare}]}
        )
        for section in (each for each in _MADE if each in beside):
            await _MAKING[section](self, opened, beside[section])
        await self._apply(opened, file, {**shared, **customers, "applications": [application]})
        for section in (each for each in _LAST if each in beside):
            await _MAKING[section](self, opened, beside[section])
        return opened

    async def send(self, opened: Opened, method: str, path: str, body: Any) -> tuple[int, Any]:
        """A request of the scenario's shop; its status and its answer."""
        return await self._send(opened, f"ApiKey-v1 {opened.key}", method, path, body)

    async def make(self, opened: Opened, path: str, body: Any, method: str = "POST") -> Any:
        """A request of the shop, or of its staff, that must succeed; its answer."""
        integration = path.startswith(("/v2/audiences", "/v1/referrals"))
        key = f"ApiKey-v1 {opened.key}" if integration else f"ManagementKey-v1 {MANAGEMENT_KEY}"
        status, answer = await self._send(opened, key, method, path, body)
        assert status < 300, (path, answer)
        return answer

    async def _send(
        self, opened: Opened, key: str, method: str, path: str, body: Any
    ) -> tuple[int, Any]:
        headers = {"authorization": key, "content-type": "application/json"}
        url, data = f"{self.url}{opened.sent(path)}", json.dumps(opened.sent(body))
        async with self.session.request(method, url, data=data, headers=headers) as response:
            return response.status, opened.answered(await response.text())

    async def _apply(self, opened: Opened, file: Path, content: Described) -> None:
        await apply(self.shop, _filed(opened.sent(content), file), NOW, dry_run=False)
        configuration = self.shop.configuration
        if not opened.path:
            application_id = max(configuration.applications)
            opened.path = f"/v1/applications/{application_id}"
            name = opened.key
            await create_key(self.shop, name, "integration", name, application_id, FAR, NOW)
        application_id = int(opened.path.rpartition("/")[2])
        found: list[tuple[str, int]] = [
            *((each.name, each.id) for each in configuration.additional_costs.values()),
            *((each.name, each.id) for each in configuration.loyalty_programs.values()),
            *((each.name, each.id) for each in configuration.campaigns_of(application_id)),
        ]
        opened.ids |= {name.removesuffix(opened.mark): id_ for name, id_ in found}


def _filed(content: Described, file: Path) -> WantedShop:
    file.write_text(yaml.safe_dump(content))
    return read_files([file]).wanted


async def _make_audiences(served: Served, opened: Opened, names: list[str]) -> None:
    for name in names:
        opened.ids[name] = (await served.make(opened, "/v2/audiences", {"name": name}))["id"]


async def _make_event_types(served: Served, opened: Opened, names: list[str]) -> None:
    for name in names:
        await served.make(opened, "/v1/event_types", {"name": name, "title": name})


async def _make_webhooks(served: Served, opened: Opened, names: list[str]) -> None:
    for name in names:
        body = {"title": name, "verb": "POST", "url": "https://shop.example/hook", "payload": "{}"}
        opened.ids[name] = (await served.make(opened, "/v1/webhooks", body))["id"]


async def _make_pools(served: Served, opened: Opened, pools: dict[str, list[str]]) -> None:
    for name, codes in pools.items():
        pool = await served.make(opened, "/v1/giveaways/pools", {"name": name})
        opened.ids[name] = pool["id"]
        rows = [NewGiveaway(pool["id"], each, None, None, "{}", 0, NOW) for each in codes]
        await insert_giveaways(served.shop.database, rows)


async def _make_stores(served: Served, opened: Opened, names: list[str]) -> None:
    for name in names:
        body = {"name": name, "integrationId": name}
        opened.ids[name] = (await served.make(opened, f"{opened.path}/stores", body))["id"]


async def _make_collections(
    served: Served, opened: Opened, collections: dict[str, list[str]]
) -> None:
    for name, items in collections.items():
        made = await served.make(opened, "/v1/collections", {"name": name})
        form = aiohttp.FormData()
        text = "\n".join(("item", *items))
        form.add_field("upFile", text, filename="items.csv", content_type="text/csv")
        url = f"{served.url}/v1/collections/{made['id']}/import"
        headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
        async with served.session.post(url, data=form, headers=headers) as response:
            assert response.status == 200, await response.text()


async def _make_achievements(
    served: Served, opened: Opened, by_campaign: dict[str, list[Described]]
) -> None:
    for campaign, achievements in by_campaign.items():
        path = f"{opened.path}/campaigns/<{campaign}>/achievements"
        for each in achievements:
            body = {"title": each["name"], "description": "", **each}
            opened.ids[each["name"]] = (await served.make(opened, path, body))["id"]


async def _make_value_maps(
    served: Served, opened: Opened, by_campaign: dict[str, list[Described]]
) -> None:
    for campaign, value_maps in by_campaign.items():
        for each in value_maps:
            await served.make(opened, f"{opened.path}/campaigns/<{campaign}>/value_maps", each)


async def _make_referrals(served: Served, opened: Opened, referrals: dict[str, Described]) -> None:
    for code, referral in referrals.items():
        fields = {"usageLimit": 0, **referral}
        campaign, friend = fields.pop("campaign"), fields.pop("friend", None)
        body = {
            "campaignId": f"<{campaign}>", "referralPattern": code,
            "advocateProfileIntegrationIds": [fields.pop("advocate")], **fields,
        }  # fmt: skip
        path = "/v1/referrals_for_multiple_advocates?silent=no"
        (made,) = (await served.make(opened, path, body))["data"]
        if friend is not None:
            one = f"{opened.path}/campaigns/<{campaign}>/referrals/{made['id']}"
            body = {"friendProfileIntegrationId": friend, **fields}
            await served.make(opened, one, body, "PUT")


async def _make_group(served: Served, opened: Opened, group: Described) -> None:
    body = {"set": _node({"name": "All", **group}, opened)}
    answer = await served.make(opened, f"{opened.path}/campaign_set", body, "PUT")
    _file_groups(answer["set"], opened)


def _node(group: Described | str, opened: Opened) -> Described:
    """A group as the API has it; a campaign is its name."""
    if isinstance(group, str):
        return {"type": "CAMPAIGN", "campaignId": opened.ids[group]}
    return {
        "type": "SET",
        "name": group["name"],
        "evaluationMode": group.get("mode", "stackable"),
        "evaluationScope": group.get("scope", "session"),
        "elements": [_node(each, opened) for each in group["of"]],
    }


def _file_groups(node: Described, opened: Opened) -> None:
    if node["type"] == "SET":
        opened.ids[node["name"]] = node["groupId"]
        for each in node["elements"]:
            _file_groups(each, opened)


_MAKING: dict[str, Callable[[Served, Opened, Any], Awaitable[None]]] = {
    "audiences": _make_audiences,
    "eventTypes": _make_event_types,
    "webhooks": _make_webhooks,
    "pools": _make_pools,
    "stores": _make_stores,
    "collections": _make_collections,
    "achievements": _make_achievements,
    "valueMaps": _make_value_maps,
    "referrals": _make_referrals,
    "group": _make_group,
}


def _names(value: Any, key: str = "") -> Iterator[str]:
    """The names of a scenario that are the whole account's."""
    if isinstance(value, dict):
        if key in _SHARED:
            yield from value
        for inner, each in value.items():
            yield from _names(each, inner)
    elif isinstance(value, list):
        for each in value:
            if key in _SHARED and isinstance(each, str):
                yield each
            elif key == "customers":
                yield each["id"]
            elif key == "loyaltyPrograms":
                yield each["name"]
            yield from _names(each)
    elif key in _PERSONAL and value:
        yield value
