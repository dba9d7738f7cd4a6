"""Collections and value maps: made, described, filled anew, deleted.

Filling replaces everything that was in the list before.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import COLLECTION_ITEMS_MAX, NAME_LENGTH_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.shop_lists import Collection, ValueMap
from habitue.store.configuration import NamedKind, new_ids
from habitue.store.database import Connection
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.checks import (
    application_faults,
    description_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.run_import import BatchPlace
from habitue.usecases.shop import Shop

#: A name begins with a visible character and holds no control character.
_NAME = re.compile(r"[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*")

Place: TypeAlias = tuple[int, int]
ACCOUNT: Place = (0, 0)
Listed = TypeVar("Listed", Collection, ValueMap)


class CollectionFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a collection; the name only when it is made."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


def found_collection(configuration: Configuration, place: Place, id_: int) -> Collection:
    """The collection of the account, or of an application's campaign. Raises `NotFound`."""
    check_place(configuration, place)
    collection = configuration.collections.get(id_)
    if collection is None or (collection.application_id, collection.campaign_id) != place:
        raise NotFound("Collection", id_)
    return collection


def found_value_map(configuration: Configuration, place: Place, id_: int) -> ValueMap:
    """The value map of an application's campaign. Raises `NotFound`."""
    check_place(configuration, place)
    value_map = configuration.value_maps.get(id_)
    if value_map is None or (value_map.application_id, value_map.campaign_id) != place:
        raise NotFound("Value map", id_)
    return value_map


def check_place(configuration: Configuration, place: Place) -> None:
    """Raises `NotFound` where there is no such campaign."""
    if place != ACCOUNT:
        configuration.campaign(*place)


async def create_collection(
    shop: Shop, place: Place, fields: CollectionFields, now: datetime
) -> Collection:
    """The new collection, empty as yet. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    id_ = await _new_id(shop, "collection")

    async def decide(configuration: Configuration) -> Decision[Collection]:
        check_place(configuration, place)
        blank = Collection(id_, "", now, now, "", *place)
        collection = laid_over(blank, sent(fields))
        refuse_if_any(_collection_faults(configuration, collection))
        _refuse_taken(collection, configuration.collections.values())
        return Decision(collection, (Change(collection),))

    return await settle(shop, decide)


async def update_collection(
    shop: Shop, place: Place, id_: int, fields: CollectionFields, now: datetime
) -> Collection:
    """The collection as described now. Raises `NotFound`, `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[Collection]:
        old = found_collection(configuration, place, id_)
        if fields.name not in (UNSET, old.name):
            refuse_if_any([Fault("/name", "Fixed", "the name of a collection cannot be changed")])
        collection = laid_over(old, {**sent(fields), "modified": now})
        refuse_if_any(_collection_faults(configuration, collection))
        return Decision(collection, (Change(collection),))

    return await settle(shop, decide)


async def delete_collection(shop: Shop, place: Place, id_: int) -> None:
    """Deletes the collection; rules that ask for it fail from then on. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        collection = found_collection(configuration, place, id_)
        return Decision(None, (Change(collection, deleted=True),))

    await settle(shop, decide)


async def create_value_map(
    shop: Shop, place: Place, name: str, values: dict[str, Decimal], now: datetime
) -> ValueMap:
    """The new value map. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    id_ = await _new_id(shop, "value_map")

    async def decide(configuration: Configuration) -> Decision[ValueMap]:
        check_place(configuration, place)
        value_map = ValueMap(id_, *place, name, now, now, values)
        refuse_if_any([*collection_name_faults(name), *_size_faults(values)])
        _refuse_taken(value_map, configuration.value_maps.values())
        return Decision(value_map, (Change(value_map),))

    return await settle(shop, decide)


async def delete_value_map(shop: Shop, place: Place, id_: int) -> None:
    """Deletes the value map. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        value_map = found_value_map(configuration, place, id_)
        return Decision(None, (Change(value_map, deleted=True),))

    await settle(shop, decide)


class CollectionImport:
    """A file of one column that becomes what the collection holds."""

    def __init__(self, shop: Shop, place: Place, id_: int, now: datetime) -> None:
        self._shop, self._place, self._id, self._now = shop, place, id_, now

    async def check(self, connection: Connection, rows: Sequence[str]) -> Sequence[Fault]:
        found_collection(await self._shop.refresh(), self._place, self._id)
        return ()

    async def apply(self, connection: Connection, rows: Sequence[str], place: BatchPlace) -> None:
        configuration = await self._shop.refresh()
        old = found_collection(configuration, self._place, self._id)
        new = msgspec.structs.replace(old, items=frozenset(rows), modified=self._now)
        await save_configuration(connection, configuration.version, (Change(new),))


class ValueMapImport:
    """A file of two columns that becomes what the value map says."""

    def __init__(self, shop: Shop, place: Place, id_: int, now: datetime) -> None:
        self._shop, self._place, self._id, self._now = shop, place, id_, now

    async def check(
        self, connection: Connection, rows: Sequence[tuple[str, Decimal]]
    ) -> Sequence[Fault]:
        found_value_map(await self._shop.refresh(), self._place, self._id)
        return ()

    async def apply(
        self, connection: Connection, rows: Sequence[tuple[str, Decimal]], place: BatchPlace
    ) -> None:
        configuration = await self._shop.refresh()
        old = found_value_map(configuration, self._place, self._id)
        new = msgspec.structs.replace(old, values=dict(rows), modified=self._now)
        await save_configuration(connection, configuration.version, (Change(new),))


async def _new_id(shop: Shop, kind: NamedKind) -> int:
    (id_,) = await new_ids(shop.database, kind)
    return id_


def _refuse_taken(entry: Listed, others: Iterable[Listed]) -> None:
    for other in others:
        if other.key == entry.key and other.id != entry.id:
            raise Conflict(f'"{entry.name}" exists already')


def _collection_faults(configuration: Configuration, collection: Collection) -> Iterator[Fault]:
    yield from collection_name_faults(collection.name)
    yield from description_faults(collection.description)
    ids = collection.subscribed_application_ids
    yield from application_faults(ids, configuration, "/subscribedApplicationsIds")


def collection_name_faults(name: str, pointer: str = "/name") -> Iterator[Fault]:
    """What is wrong with the name of a collection or a value map."""
    if _NAME.fullmatch(name) is None:
        details = "a name begins with a visible character and holds no control character"
        yield Fault(pointer, "Invalid name", details)
    yield from text_faults(name, pointer, NAME_LENGTH_MAX)


def _size_faults(values: dict[str, Decimal]) -> Iterator[Fault]:
    if len(values) > COLLECTION_ITEMS_MAX:
        yield Fault("/values", "Too many", f"at most {COLLECTION_ITEMS_MAX} are accepted")
