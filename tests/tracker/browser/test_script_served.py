"""Chromium, the script and the collector of a real server: from a shop's page to the card."""

import json
import re

import pytest
from playwright.async_api import BrowserContext, Page

from tests.serving import ROOT
from tests.tracker.browser.recording import Recorder
from tests.tracker.conftest import SHOP_LONG, Tracked


@pytest.fixture
async def shop(recorder: Recorder, tracked: Tracked) -> Recorder:
    """The shop's pages, pointing at the real server."""
    await recorder.stop_collector()
    recorder.tracker = tracked.front.base
    return recorder


async def opened(context: BrowserContext, shop: Recorder, name: str) -> Page:
    """A page of the shop, with the ids of this shop's key."""
    page = await context.new_page()
    await page.goto(f"{shop.shop}/{name}")
    await page.wait_for_function("!!window.habitue")
    return page


async def sent(page: Page) -> None:
    """Waits until the collector has everything."""
    await page.evaluate("habitue.flush()")
    await page.wait_for_function(
        "!Object.keys(localStorage).some((key) => key.startsWith('habitue.o.'))"
    )


async def test_retail_rockets_page_makes_cards(
    context: BrowserContext, shop: Recorder, tracked: Tracked
) -> None:
    page = await opened(context, shop, "rr-without-stocks.html")
    await sent(page)
    olga = tracked.customer("externalId", "C-1001")
    assert olga is not None
    assert tracked.customer("externalId", "customerId") is not None
    assert tracked.customer("email", "olga@examplemail.com") == olga
    assert tracked.customer("mobile", "71112223344") == olga


async def test_personaclicks_page_makes_cards_and_reads_back(
    context: BrowserContext, shop: Recorder, tracked: Tracked
) -> None:
    text = (ROOT / "tests/tracker/browser/pages/personaclick.html").read_text()
    shop.pages["pc.html"] = re.sub(r'"init", "\w+"', f'"init", "{SHOP_LONG}"', text)
    page = await opened(context, shop, "pc.html")
    await page.wait_for_function("document.title.includes('/')")
    await sent(page)
    assert tracked.customer("externalId", "100500") is not None
    profile = await page.evaluate("new Promise((read) => personaclick('profile', 'get', read))")
    assert "examplemail" not in json.dumps(profile)
    assert isinstance(profile["fashion"]["sizes"], dict)
    device = await page.evaluate("habitue.did()")
    cookies = await context.cookies(shop.tracker)
    (cookie,) = [each for each in cookies if each["value"] == device]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
