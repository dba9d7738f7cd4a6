"""Catalogs and price types, as staff makes them; what is in a catalog comes by synchronisation.

Only the applications that a catalog names use it. The name of a price type is what synchronisations
call it, and so cannot be changed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault
from habitue.promotions.catalog import BASE, Catalog, PriceType
from habitue.promotions.configuration import Configuration
from habitue.store import catalogs
from habitue.store.configuration import new_ids
from habitue.store.database import Connection
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    api_name_faults,
    application_faults,
    description_faults,
    name_faults,
    refuse_if_any,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class CatalogFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a catalog."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


class PriceTypeFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a price type; without a title the name is shown."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    targeted_audience_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_catalog(shop: Shop, fields: CatalogFields, now: datetime) -> Catalog:
    """The new catalog, empty as yet. Raises `InvalidInput` and `Conflict`: a name is taken once."""
    (id_,) = await new_ids(shop.database, "catalog")

    async def beside(connection: Connection) -> None:
        await catalogs.insert_catalog(connection, id_, now)

    async def decide(configuration: Configuration) -> Decision[Catalog]:
        refuse_if_any(_missing(fields.name))
        catalog = laid_over(Catalog(id_, "", now, now), sent(fields))
        _check_catalog(configuration, catalog)
        return Decision(catalog, (Change(catalog),), beside)

    return await settle(shop, decide)


async def update_catalog(
    shop: Shop, catalog_id: int, fields: CatalogFields, now: datetime
) -> Catalog:
    """The catalog as described now. Raises `NotFound`, `InvalidInput`, `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[Catalog]:
        old = configuration.catalog(catalog_id)
        catalog = laid_over(old, {**sent(fields), "modified": now})
        _check_catalog(configuration, catalog)
        return Decision(catalog, (Change(catalog),))

    return await settle(shop, decide)


async def delete_catalog(shop: Shop, catalog_id: int) -> None:
    """Deletes the catalog with all that is in it. Raises `NotFound`."""

    async def beside(connection: Connection) -> None:
        await catalogs.delete_catalog(connection, catalog_id)

    async def decide(configuration: Configuration) -> Decision[None]:
        catalog = configuration.catalog(catalog_id)
        return Decision(None, (Change(catalog, deleted=True),), beside)

    await settle(shop, decide)


async def create_price_type(shop: Shop, fields: PriceTypeFields, now: datetime) -> PriceType:
    """The new price type. Raises `InvalidInput`, or `Conflict` where the name is taken."""
    (id_,) = await new_ids(shop.database, "price_type")

    async def decide(configuration: Configuration) -> Decision[PriceType]:
        refuse_if_any(_missing(fields.name))
        price_type = laid_over(PriceType(id_, "", "", now, now), sent(fields))
        price_type = _checked_price_type(configuration, price_type)
        return Decision(price_type, (Change(price_type),))

    return await settle(shop, decide)


async def update_price_type(
    shop: Shop, price_type_id: int, fields: PriceTypeFields, now: datetime
) -> PriceType:
    """The price type as changed. Raises `NotFound`, `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[PriceType]:
        old = configuration.price_type(price_type_id)
        if fields.name not in (UNSET, old.name):
            refuse_if_any([Fault("/name", "Fixed", "the name of a price type cannot be changed")])
        price_type = laid_over(old, {**sent(fields), "modified": now})
        price_type = _checked_price_type(configuration, price_type)
        return Decision(price_type, (Change(price_type),))

    return await settle(shop, decide)


async def delete_price_type(shop: Shop, price_type_id: int) -> None:
    """Deletes the price type; nobody gets its prices from then on. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        price_type = configuration.price_type(price_type_id)
        return Decision(None, (Change(price_type, deleted=True),))

    await settle(shop, decide)


def _missing(name: str | UnsetType) -> Iterator[Fault]:
    if name is UNSET:
        yield Fault("/name", "Missing", "name is required")


def _check_catalog(configuration: Configuration, catalog: Catalog) -> None:
    refuse_if_any(_catalog_faults(configuration, catalog))
    _refuse_taken(catalog, configuration.catalogs.values())


def _catalog_faults(configuration: Configuration, catalog: Catalog) -> Iterator[Fault]:
    yield from name_faults(catalog.name)
    yield from description_faults(catalog.description)
    ids = catalog.subscribed_application_ids
    yield from application_faults(ids, configuration, "/subscribedApplicationsIds")


def _checked_price_type(configuration: Configuration, price_type: PriceType) -> PriceType:
    named = msgspec.structs.replace(price_type, title=price_type.title or price_type.name)
    refuse_if_any(_price_type_faults(configuration, named))
    _refuse_taken(named, configuration.price_types.values())
    return named


def _price_type_faults(configuration: Configuration, price_type: PriceType) -> Iterator[Fault]:
    yield from api_name_faults(price_type.name, price_type.title)
    yield from description_faults(price_type.description)
    if price_type.name == BASE:
        yield Fault("/name", "Not allowed", f"{BASE} is the type of an article's own price")
    for index, id_ in enumerate(price_type.targeted_audience_ids):
        if id_ not in configuration.audiences:
            pointer = f"/targetedAudiencesIds/{index}"
            yield Fault(pointer, "Unknown", f"Audience {id_} does not exist")


def _refuse_taken(
    entry: Catalog | PriceType, others: Iterable[Catalog] | Iterable[PriceType]
) -> None:
    for other in others:
        if other.name == entry.name and other.id != entry.id:
            raise Conflict(f'"{entry.name}" exists already')
