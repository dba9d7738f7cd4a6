"""A real Chromium for the tests of the browser script, and a shop of its own for each test.

The browser is the system's, found by name or by HABITUE_CHROMIUM, else the one that Playwright has
installed; one is started for all tests. Each test gets a fresh profile (`context`): its own cookies
and storage.
"""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from habitue.usecases.configure.registration_settings import update_registration_settings
from tests.tracker.browser.recording import Recorder, Visit
from tests.tracker.browser.visiting import STOCK, Visitor
from tests.tracker.conftest import Tracked, tracked_shop

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The system's Chromium; None where Playwright's own has to do."""
    named = os.environ.get("HABITUE_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of this test run."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), timeout=120_000)
        yield started
        await started.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile, whose pages ask to be counted although a program drives them."""
    opened = await browser.new_context()
    await opened.add_init_script("window.habitueOptions = {bots: true}")
    yield opened
    await opened.close()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    """A shop with a collector that remembers."""
    opened = Recorder()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def visit(context: BrowserContext, recorder: Recorder) -> AsyncIterator[Visit]:
    """Opens pages of the shop in tabs of their own; what a page throws fails the test."""
    thrown: list[Any] = []

    async def opened(name: str) -> Page:
        page = await context.new_page()
        recorder.tabs.append(page)
        page.on("pageerror", lambda error: thrown.append(error))
        await page.goto(f"{recorder.shop}/{name}", wait_until="load")
        await page.wait_for_function("!!window.habitue")
        return page

    yield opened
    assert thrown == []


@pytest.fixture(scope="module")
async def selling(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A shop with regions, whose orders become sessions of its application."""
    async with tracked_shop(
        server_url, template, tracker_stocks=["NY", STOCK], tracker_new_devices_per_minute=0
    ) as shop:
        shop.front.open_shop()
        await shop.shop.refresh()
        settings = {"orders_application_id": shop.front.application_id}
        await update_registration_settings(shop.shop, settings)
        yield shop


@pytest.fixture
async def shop(recorder: Recorder, selling: Tracked) -> Recorder:
    """The shop's pages, pointing at the real server."""
    await recorder.stop_collector()
    recorder.tracker = selling.front.base
    return recorder


@pytest.fixture
async def visitor(context: BrowserContext, shop: Recorder) -> AsyncIterator[Visitor]:
    """A new visitor; what their pages throw fails the test."""
    visiting = Visitor(context, shop)
    yield visiting
    assert visiting.thrown == []
