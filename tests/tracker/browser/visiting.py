"""People at a shop whose tracker is the real server, and what the other doors show of them.

Words: a *filled* page is a snippet of a documentation whose placeholders a template has filled in.
"""

import json
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Page, Response

from tests.capillary.conftest import till_headers
from tests.tracker.browser.recording import PAGES, Recorder
from tests.tracker.conftest import Tracked

STOCK = "Екатеринбург"


class Visitor:
    """A person with a browser: the pages they open, and what came of it."""

    def __init__(self, context: BrowserContext, shop: Recorder) -> None:
        self._context, self._shop = context, shop
        self.answers: list[Any] = []
        self.thrown: list[Error] = []
        self._responses: list[Response] = []
        self.lines: list[str] = []

    async def open(self, name: str) -> Page:
        """Opens a page and waits until the collector has all that it says."""
        page = await self._context.new_page()
        page.on("pageerror", self._complain)
        page.on("response", self._hear)
        page.on("console", self._read)
        await page.goto(f"{self._shop.shop}/{name}")
        await page.wait_for_function("!!window.habitue")
        await self.sent(page)
        return page

    async def sent(self, page: Page) -> None:
        """Waits until nothing of the page is left to be sent."""
        await page.evaluate("habitue.flush()")
        await page.wait_for_function(
            "!Object.keys(localStorage).some((key) => key.startsWith('habitue.o.'))"
        )
        while self._responses:
            self.answers.append(await self._responses.pop(0).json())

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What the collector left out."""
        found = (each for answer in self.answers for each in answer["warnings"])
        return [(each["field"], each["code"]) for each in found]

    @property
    def stored(self) -> int:
        """How many messages were new to the collector."""
        return sum(answer["stored"] for answer in self.answers)

    def _hear(self, response: Response) -> None:
        if response.url.endswith("/v1/collect"):
            self._responses.append(response)

    def _complain(self, error: Error) -> None:
        self.thrown.append(error)

    def _read(self, message: ConsoleMessage) -> None:
        self.lines.append(message.text)


def filled(name: str, **values: str) -> str:
    """The text of a page with the placeholders filled in."""
    text = (PAGES / name).read_text()
    for placeholder, value in values.items():
        assert f'"{placeholder}"' in text
        text = text.replace(f'"{placeholder}"', json.dumps(value, ensure_ascii=False))
    return text


def read(shop: Tracked, customer_id: int | None, what: str = "?source=ALL") -> Any:
    """What the registration door says of a customer."""
    reply = shop.front.send("GET", f"/v2/customers/{customer_id}{what}", None, till_headers())
    assert reply.status == 200, reply.body
    return reply.json


def identifiers(shop: Tracked, customer_id: int | None) -> list[tuple[str, str]]:
    """The identifiers of the card's one profile, sorted."""
    (profile,) = read(shop, customer_id)["profiles"]
    assert profile["source"] == "WEBSITE"
    return sorted((each["type"], each["value"]) for each in profile["identifiers"])


def golden(shop: Tracked, customer_id: int | None) -> dict[str, Any]:
    """The golden view's values by name; contacts are among them."""
    view = read(shop, customer_id, "/goldenView")
    parts = (view["traits"], view["fields"], view["contacts"])
    return {name: each["value"] for part in parts for name, each in part.items()}


def permissions(shop: Tracked, customer_id: int | None) -> list[tuple[str, str, bool, str]]:
    """Whether the person may be written to: channel, purpose, answer and reason."""
    found = read(shop, customer_id, "/permissions")["permissions"]
    return [(e["channel"], e["purpose"], e["allowed"], e["reason"]) for e in found]


def attributes(shop: Tracked, profile_id: str) -> dict[str, Any]:
    """What a session of the customer sees of them; the day of the first visit left out."""
    reply = shop.front.put(
        f"cart-of-{profile_id}", profileId=profile_id, content=["customerProfile"]
    )
    assert reply.status == 200, reply.body
    seen = reply.json["customerProfile"]["attributes"]
    return {name: value for name, value in seen.items() if name != "SignupDate"}
