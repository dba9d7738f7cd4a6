"""Catalogs in the database: who synchronises at the same time, and carts that change hands."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput
from habitue.pricing.cart import PRICE_WANTED, CartItem
from habitue.promotions.catalog import Catalog, PriceAdjustment
from habitue.promotions.catalog_sync import (
    Action,
    AddItem,
    AdjustPrices,
    PatchItem,
    PatchMany,
)
from habitue.store import catalogs, prices
from habitue.store.database import Database
from habitue.usecases.configure.applications import ApplicationFields, update_application
from habitue.usecases.configure.catalogs import CatalogFields, create_catalog
from habitue.usecases.configure.rulesets import create_ruleset
from habitue.usecases.observe_prices import observe_articles, observe_due
from habitue.usecases.read_prices import read_price_history
from habitue.usecases.sync_catalog import sync_catalog
from tests.building import NOW, Till, rule

PATIENCE_SECONDS = 0.5
LOAD = "SELECT pg_get_functiondef('load_catalog'::regproc)"


async def new_catalog(till: Till, name: str = "all") -> Catalog:
    fields = CatalogFields(name=name, subscribed_application_ids=(till.application.id,))
    return await create_catalog(till.shop, fields, NOW)


async def sync(till: Till, catalog: Catalog, actions: Sequence[Action]) -> int:
    """The version that the catalog has then; 0 where the actions were refused."""
    try:
        found = await sync_catalog(till.shop, till.application.id, catalog.id, actions, None, NOW)
    except InvalidInput:
        return 0
    return found[1].version


def wanting(sku: str) -> CartItem:
    """A line that wants its price of a catalog."""
    return CartItem(sku, 1, Decimal(0), catalog=PRICE_WANTED)


def meeting(call: Callable[..., Any], parties: int) -> Callable[..., Any]:
    """The call, which returns once so many have called, or where the others do not come."""
    arrived, met = 0, asyncio.Event()

    async def together(*arguments: Any) -> Any:
        nonlocal arrived
        found = await call(*arguments)
        arrived += 1
        if arrived >= parties:
            met.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(met.wait(), PATIENCE_SECONDS)
        return found

    return together


async def test_an_article_is_added_once_however_many_add_it_at_once(
    till: Till, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = catalogs.load

    async def added(name: str) -> list[int]:
        catalog = await new_catalog(till, name)
        monkeypatch.setattr(catalogs, "load", meeting(load, 2))
        adding = (sync(till, catalog, [AddItem("tea", Decimal(each))]) for each in range(2))
        return sorted(await asyncio.gather(*adding))

    assert await added("guarded") == [0, 2]
    definition = await database.fetchval(LOAD)
    assert definition.count(" FOR UPDATE") == 1
    await database.execute(definition.replace(" FOR UPDATE", ""))
    assert await added("unguarded") == [2, 3], "without its guard both add the article"


async def test_an_open_cart_follows_the_first_of_its_catalogs_whoever_has_it(till: Till) -> None:
    first, second = await new_catalog(till, "first"), await new_catalog(till, "second")
    await sync(till, second, [AddItem("tea", Decimal(9)), AddItem("cup", Decimal(3))])
    cart = [wanting("tea"), wanting("cup")]
    guest = await till.put("s1", cart_items=cart, lacks_prices=True)
    assert guest.decision.session.totals.total == Decimal(12)
    await sync(till, first, [AddItem("tea", Decimal(5))])
    named = await till.put("s1", profile_id="mia")
    assert named.decision.session.totals.total == Decimal(8), "read by whoever had the session"
    await sync(till, second, [PatchItem("cup", Decimal(4)), PatchItem("tea", Decimal(1))])
    closed = await till.put("s1", state="closed")
    assert closed.decision.session.totals.total == Decimal(9)
    assert closed.owner_after.total_sales == Decimal(9)
    await sync(till, first, [PatchMany(price=Decimal(100))])
    assert (await till.reopen("s1")).owner_after.total_sales == Decimal(0)
    assert (await till.put("s1", state="closed")).decision.session.totals.total == Decimal(104)


async def seen(till: Till, sku: str) -> list[tuple[Decimal, int]]:
    """The prices that were seen of an article, each with the minutes since the start."""
    application_id, ends = till.application.id, till.now + timedelta(days=9)
    found = await read_price_history(till.shop, application_id, sku, NOW, ends, till.now)
    return [(each.label.price, (each.label.at - NOW).seconds // 60) for each in found]


async def test_prices_that_change_by_themselves_are_seen_at_their_moments(till: Till) -> None:
    fields = ApplicationFields(enable_best_prior_price=True)
    await update_application(till.shop, till.application.id, fields, NOW)
    catalog = await new_catalog(till)
    await sync(till, catalog, [AddItem("tea", Decimal(10)), AddItem("cup", Decimal(5))])
    half = timedelta(minutes=30)
    sale = PriceAdjustment("base", "sale", NOW, Decimal(8), NOW + half, NOW + 2 * half)
    await sync(till, catalog, [AdjustPrices("tea", (sale,))])
    await observe_due(till.shop, NOW)
    till.wait(minutes=90)
    await observe_due(till.shop, till.now)
    await observe_due(till.shop, till.now)
    assert await seen(till, "tea") == [(Decimal(10), 0), (Decimal(8), 30), (Decimal(10), 60)]
    assert await seen(till, "cup") == [(Decimal(5), 0)]
    campaign = await till.campaign(features=("strikethrough",))
    off = rule("all_of(true)", 'setDiscountPerItem("off", 1)')
    document = {"rules": [], "bindings": [], "strikethroughRules": [off]}
    await create_ruleset(till.shop, till.application.id, campaign.id, document, True, till.now)
    till.wait(minutes=1)
    await observe_due(till.shop, till.now)
    assert (await seen(till, "cup"))[1:] == [(Decimal(4), 91)]
    await till.change_campaign(campaign, state="disabled")
    till.wait(minutes=1)
    assert (await seen(till, "cup"))[2:] == [(Decimal(5), 92)], "whoever asks sees it at once"
    await observe_due(till.shop, till.now)
    assert (await seen(till, "tea"))[3:] == [(Decimal(9), 91), (Decimal(10), 92)]
    await sync(till, catalog, [PatchMany(price=Decimal(3))])
    assert [each[-1][0] for each in (await seen(till, "tea"), await seen(till, "cup"))] == [3, 3]


async def test_a_price_is_recorded_once_however_many_see_it_at_once(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = ApplicationFields(enable_best_prior_price=True)
    await update_application(till.shop, till.application.id, fields, NOW)
    catalog = await new_catalog(till)
    await sync(till, catalog, [AddItem("tea", Decimal(10))])
    campaign = await till.campaign(features=("strikethrough",))
    observe = prices.observe

    async def recorded(discount: int) -> list[Decimal]:
        """The prices that are seen once two have looked at a new discount."""
        off = rule("all_of(true)", f'setDiscountPerItem("off", {discount})')
        lowering = {"rules": [], "bindings": [], "strikethroughRules": [off]}
        ids = till.application.id, campaign.id
        await create_ruleset(till.shop, *ids, lowering, True, till.now)
        program = till.shop.program(till.application.id)
        monkeypatch.setattr(prices, "observe", meeting(observe, 2))
        looking = (observe_articles(till.shop, program, ["tea"], till.now) for _ in range(2))
        await asyncio.gather(*looking)
        monkeypatch.setattr(prices, "observe", observe)
        return [price for price, _ in await seen(till, "tea")]

    assert await recorded(1) == [10, 9]
    unguarded = prices._HOLD_CATALOGS.replace("FOR UPDATE", "")
    monkeypatch.setattr(prices, "_HOLD_CATALOGS", unguarded)
    assert await recorded(2) == [10, 9, 8, 8], "without its guard a price is recorded twice"


async def test_a_session_is_cancelled_by_a_request_with_its_cart_as_it_was_sent(
    till: Till,
) -> None:
    await sync(till, await new_catalog(till), [AddItem("tea", Decimal(9))])
    cart = [wanting("tea")]
    await till.put("open", cart_items=cart, lacks_prices=True)
    cancelled = await till.put("open", cart_items=cart, lacks_prices=True, state="cancelled")
    assert cancelled.decision.session.totals.total == Decimal(9)
    await till.put("sold", cart_items=cart, lacks_prices=True, state="closed")
    revoked = await till.put("sold", cart_items=cart, lacks_prices=True, state="cancelled")
    assert revoked.decision.session.state == "cancelled"
    assert revoked.owner_after.total_sales == Decimal(0)
