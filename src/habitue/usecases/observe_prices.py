"""Seeing prices: what articles cost is recorded whenever it changes, where a shop wants it.

A price changes by a synchronisation, in whose transaction it is seen; by an adjustment that begins
or ends, which is seen as of that moment; and by a campaign that begins or ends to lower prices,
which is seen within a second or so, and at once by whoever asks. Catalogs are held meanwhile, so
that what is recorded is in the order in which it came to be.
"""

from collections.abc import Sequence
from datetime import datetime

from habitue.model.documents import decoder_of, encode
from habitue.model.errors import Conflict
from habitue.promotions.catalog import CatalogItem
from habitue.promotions.price_labels import labels_of, running_strikethrough
from habitue.promotions.program import Program
from habitue.store import prices
from habitue.store.database import Connection
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled_locked

#: Articles that are looked at in one go.
BATCH = 1_000
_ITEM = decoder_of(CatalogItem)


class PricesBusy(Conflict):
    """Others held the catalogs for longer than this may wait."""

    def __init__(self) -> None:
        super().__init__("Too many requests are changing these prices at the same time")


async def observe_changed(
    shop: Shop, connection: Connection, catalog_id: int, version: int | None, now: datetime
) -> None:
    """Records the prices of the items of a catalog that have that version, or of all; the catalog
    is held."""
    programs = [each for each in _watching(shop) if catalog_id in each.catalog_ids]
    after, skus = 0, [""]
    while programs and skus:
        after, skus = await prices.changed_skus(connection, catalog_id, after, version, BATCH)
        for program in programs:
            await _record(connection, program, skus, now)


async def observe_articles(
    shop: Shop, program: Program, skus: Sequence[str], now: datetime
) -> None:
    """Records what those articles cost now. Raises `PricesBusy`."""
    if not program.application.enable_best_prior_price or not program.catalog_ids:
        return

    async def attempt(connection: Connection, locked: bool) -> None:
        await prices.hold_catalogs(connection, program.catalog_ids)
        await _record(connection, program, skus, now)

    await settled_locked(shop, attempt, PricesBusy)


async def observe_due(shop: Shop, now: datetime) -> None:
    """Records what has changed by itself: adjustments that began or ended, and campaigns."""
    await shop.refresh()
    programs = _watching(shop)
    if not programs:
        return
    while await _observe_adjustments(shop, programs, now):
        pass
    for program in programs:
        await _observe_campaigns(shop, program, now)


def _watching(shop: Shop) -> list[Program]:
    applications = shop.configuration.applications.values()
    watching = [each.id for each in applications if each.enable_best_prior_price]
    programs = [shop.program(id_) for id_ in sorted(watching)]
    return [each for each in programs if each.catalog_ids]


async def _observe_adjustments(shop: Shop, programs: list[Program], now: datetime) -> bool:
    """Whether any adjustment had begun or ended."""

    async def attempt(connection: Connection, locked: bool) -> bool:
        due = await prices.due_items(connection, now, BATCH)
        for each in due:
            for program in programs:
                if each.catalog_id in program.catalog_ids:
                    await _record(connection, program, [each.sku], each.at)
        await prices.done(connection, due)
        return bool(due)

    return await settled_locked(shop, attempt, PricesBusy)


async def _observe_campaigns(shop: Shop, program: Program, now: datetime) -> None:
    lowered_by = _lowered_by(program, now)
    if await prices.watched(shop.database, program.application.id) == lowered_by:
        return

    async def attempt(connection: Connection, locked: bool) -> None:
        await prices.hold_catalogs(connection, program.catalog_ids)
        if await prices.watched(connection, program.application.id) == lowered_by:
            return
        for catalog_id in program.catalog_ids:
            after, skus = 0, [""]
            while skus:
                after, skus = await prices.changed_skus(connection, catalog_id, after, None, BATCH)
                await _record(connection, program, skus, now)
        await prices.watch(connection, program.application.id, lowered_by)

    await settled_locked(shop, attempt, PricesBusy)


def _lowered_by(program: Program, now: datetime) -> str:
    """What prices depend on besides their items, as text that is another where that is."""
    types = sorted((name, each.targeted_audience_ids) for name, each in program.price_types.items())
    cascades = program.application.enable_cascading_discounts
    parts = (program.catalog_ids, running_strikethrough(program, now), types, cascades)
    return encode(parts).decode()


async def _record(
    connection: Connection, program: Program, skus: Sequence[str], now: datetime
) -> None:
    if not skus:
        return
    documents = await prices.first_items(connection, program.catalog_ids, skus)
    items = map(_ITEM.decode, documents)
    labels = [label for item in items for label in labels_of(program, item, now)]
    await prices.observe(connection, program.application.id, encode(labels))
