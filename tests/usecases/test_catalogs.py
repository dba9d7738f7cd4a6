"""Catalogs in the database: who synchronises at the same time, and carts that change hands."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from habitue.model.errors import InvalidInput
from habitue.pricing.cart import PRICE_WANTED, CartItem
from habitue.promotions.catalog import Catalog
from habitue.promotions.catalog_sync import Action, AddItem, PatchItem, PatchMany
from habitue.store.database import Database
from habitue.usecases.configure.catalogs import CatalogFields, create_catalog
from habitue.usecases.sync_catalog import sync_catalog
from tests.building import NOW, Till

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


async def test_an_article_is_added_once_however_many_add_it_at_once(
    till: Till, database: Database
) -> None:
    async def added(name: str) -> list[int]:
        catalog = await new_catalog(till, name)
        adding = (sync(till, catalog, [AddItem("tea", Decimal(each))]) for each in range(12))
        return sorted(await asyncio.gather(*adding))

    assert await added("guarded") == [0] * 11 + [2]
    definition = await database.fetchval(LOAD)
    await database.execute(definition.replace(" FOR UPDATE", ""))
    unguarded = await added("unguarded")
    assert unguarded.count(0) < 11, "without its guard the catalog takes the same article twice"


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
