"""A real server process over a test's database, and keys for it.

`serving(url)` starts `habitue serve` and waits until it says that it serves; `Shopfront` sends
requests to it over the socket, exactly as they are given.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.configure.keys import create_key
from habitue.usecases.shop import Shop

ROOT = Path(__file__).parent.parent
MANAGEMENT_KEY = "a-management-key-of-the-tests"
FAR = datetime(2099, 1, 1, tzinfo=UTC)
COMMAND = [sys.executable, "-c", "from habitue.edges.cli import main; main()"]


@dataclass
class Reply:
    """What came back: status, headers with lower case names, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Shopfront:
    """A served shop. `integration_key` is set by `open_shop`."""

    base: str
    process: "subprocess.Popen[str]"
    integration_key: str = ""
    application_id: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; a body that is no bytes is sent as JSON."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, content, method=method)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Reply(answer.status, _lower(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _lower(error.headers.items()), error.read())

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """A management request that must succeed; its JSON."""
        headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
        reply = self.send(method, path, body, headers)
        assert reply.status < 300, reply.body
        return reply.json if reply.body else None

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """A request with the integration key."""
        key = {"authorization": f"ApiKey-v1 {self.integration_key}"}
        return self.send(method, path, body, {**key, **(headers or {})})

    def put(self, session_id: str, query: str = "", **session: Any) -> Reply:
        """An update of a session; `content` is its responseContent."""
        content = session.pop("content", ["customerSession"])
        body = {"customerSession": session, "responseContent": content}
        return self.call("PUT", f"/v2/customer_sessions/{session_id}{query}", body)

    def open_shop(self, **fields: Any) -> None:
        """Makes an application and an integration key for it."""
        named = {"name": "Shop", "timezone": "Europe/Berlin", "currency": "EUR", **fields}
        application = self.manage("POST", "/v1/applications", named)
        self.application_id = application["id"]
        key = {"title": "tests", "expires": "2099-01-01T00:00:00Z"}
        made = self.manage("POST", f"/v1/applications/{self.application_id}/apikeys", key)
        self.integration_key = made["key"]

    def campaign(self, *rules: Mapping[str, Any], **fields: Any) -> int:
        """A running campaign with these rules; its id."""
        campaigns = f"/v1/applications/{self.application_id}/campaigns"
        named = {
            "name": "Campaign",
            "state": "enabled",
            "tags": [],
            "features": ["coupons", "referrals"],
            "limits": [],
            **fields,
        }
        campaign_id = self.manage("POST", campaigns, named)["id"]
        ruleset = {"rules": list(rules), "bindings": [], "activate": True}
        self.manage("POST", f"{campaigns}/{campaign_id}/rulesets", ruleset)
        return int(campaign_id)

    def coupon(self, campaign_id: int, code: str, **fields: Any) -> int:
        """A coupon with that code; its id."""
        path = f"/v1/applications/{self.application_id}/campaigns/{campaign_id}/coupons?silent=no"
        order = {"numberOfCoupons": 1, "usageLimit": 1, "couponPattern": code, **fields}
        return int(self.manage("POST", path, order)["data"][0]["id"])


def rule(condition: Any, *effects: Any, title: str = "the rule") -> dict[str, Any]:
    """A rule in JSON."""
    return {"title": title, "condition": condition, "effects": list(effects)}


@contextmanager
def serving(database_url: str, flags: Sequence[str] = ()) -> Iterator[Shopfront]:
    """The server as a process of its own, with further flags, for the length of the block."""
    environment = {**os.environ, "HABITUE_DATABASE_URL": database_url}
    command = [*COMMAND, "serve", "--port", "0", *flags]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://127\.0\.0\.1:\d+", line)
            if match is None:
                log.seek(0)
                raise AssertionError(f"the server did not start: {line} {log.read()}")
            yield Shopfront(match[0], process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=40)


async def make_management_key(database_url: str) -> None:
    """Makes the key that `Shopfront.manage` uses."""
    async with open_database(External(database_url)) as database:
        shop = Shop(database)
        await shop.refresh()
        now = datetime.now(UTC)
        await create_key(shop, MANAGEMENT_KEY, "management", "tests", None, FAR, now)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
