"""A shop tells what is in its catalog: a synchronisation is carried out whole or not at all."""

from collections.abc import Sequence
from datetime import datetime

from habitue.model.attributes import Definitions, by_name
from habitue.model.documents import decoder_of, encode
from habitue.model.errors import Conflict, NotFound
from habitue.promotions.catalog import Catalog
from habitue.promotions.catalog_sync import (
    Action,
    PatchMany,
    RemoveMany,
    SyncRules,
    SyncState,
    decide_sync,
)
from habitue.promotions.configuration import Configuration
from habitue.store import catalogs
from habitue.store.catalogs import VersionRow
from habitue.store.database import Connection
from habitue.usecases.observe_prices import observe_changed
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled_locked

_STATE = decoder_of(SyncState)


class CatalogBusy(Conflict):
    """Others synchronised the catalog for longer than this request may wait."""

    def __init__(self) -> None:
        super().__init__("Too many requests are changing this catalog at the same time")


async def sync_catalog(
    shop: Shop,
    application_id: int,
    catalog_id: int,
    actions: Sequence[Action],
    wanted_version: int | None,
    now: datetime,
) -> tuple[Catalog, VersionRow]:
    """The catalog with its new version, after all those actions.

    Raises `NotFound` where the application has no such catalog, `InvalidInput`, and `CatalogBusy`.
    """
    configuration = await shop.refresh()
    catalog = configuration.catalog(catalog_id)
    served = catalog.subscribed_application_ids
    if served and application_id not in served:
        raise NotFound("Catalog", catalog_id)
    rules = rules_of(configuration, catalog)
    skus = [each.sku for each in actions if not isinstance(each, PatchMany | RemoveMany)]

    async def attempt(connection: Connection, locked: bool) -> VersionRow:
        document = await catalogs.load(connection, catalog_id, skus)
        if document is None:
            raise NotFound("Catalog", catalog_id)
        decision = decide_sync(actions, wanted_version, _STATE.decode(document), rules, now)
        version = await catalogs.save(connection, catalog_id, encode(decision), now)
        await observe_changed(shop, connection, catalog_id, version, now)
        return VersionRow(version, now)

    return catalog, await settled_locked(shop, attempt, CatalogBusy)


def rules_of(configuration: Configuration, catalog: Catalog) -> SyncRules:
    """What may be said of the articles of a catalog."""
    names = frozenset(each.name for each in configuration.price_types.values())
    return SyncRules(item_attributes(configuration, catalog), names)


def item_attributes(configuration: Configuration, catalog: Catalog) -> Definitions:
    """The attributes of cart items that serve one of the catalog's applications, by name."""
    served = frozenset(catalog.subscribed_application_ids)
    serving = (
        each
        for each in configuration.attributes.values()
        if not each.subscribed_application_ids
        or not served.isdisjoint(each.subscribed_application_ids)
    )
    return by_name(serving, "CartItem")
