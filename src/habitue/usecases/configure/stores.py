"""Stores: the places of an application, which campaigns may be linked to."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes, by_name, merged, normalised, validate
from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.shop_lists import Store
from habitue.promotions.store_budgets import without_store
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    description_faults,
    name_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class StoreFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a store; `integration_id` only when it is made."""

    name: str | UnsetType = UNSET
    integration_id: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET


def found_store(configuration: Configuration, application_id: int, store_id: int) -> Store:
    """The store. Raises `NotFound`."""
    configuration.application(application_id)
    store = configuration.stores.get(store_id)
    if store is None or store.application_id != application_id:
        raise NotFound("Store", store_id)
    return store


async def create_store(
    shop: Shop, application_id: int, fields: StoreFields, now: datetime
) -> Store:
    """The new store. Raises `NotFound`, `InvalidInput`, or `Conflict` when its id is taken."""
    (id_,) = await new_ids(shop.database, "store")

    async def decide(configuration: Configuration) -> Decision[Store]:
        configuration.application(application_id)
        return _decided(configuration, Store(id_, application_id, "", "", now, now), fields, now)

    return await settle(shop, decide)


async def update_store(
    shop: Shop, application_id: int, store_id: int, fields: StoreFields, now: datetime
) -> Store:
    """The store as changed. Raises `NotFound`, `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[Store]:
        old = found_store(configuration, application_id, store_id)
        if fields.integration_id not in (UNSET, old.integration_id):
            details = "the integration id of a store cannot be changed"
            refuse_if_any([Fault("/integrationId", "Fixed", details)])
        return _decided(configuration, old, fields, now)

    return await settle(shop, decide)


async def delete_store(shop: Shop, application_id: int, store_id: int) -> None:
    """Deletes the store and unlinks it from campaigns. Raises `NotFound`, or `Conflict` where a
    campaign is linked to nothing else: it would come to run everywhere."""

    async def decide(configuration: Configuration) -> Decision[None]:
        store = found_store(configuration, application_id, store_id)
        changes = [Change(store, deleted=True)]
        for campaign in configuration.campaigns_of(application_id):
            left = tuple(each for each in campaign.linked_store_ids if each != store_id)
            if campaign.linked_store_ids and not left:
                raise Conflict(f'Campaign "{campaign.name}" is linked to no other store')
            budgets = without_store(campaign.store_budgets, store_id)
            new = msgspec.structs.replace(campaign, linked_store_ids=left, store_budgets=budgets)
            changes += [Change(new)] if new != campaign else []
        return Decision(None, tuple(changes))

    await settle(shop, decide)


def _decided(
    configuration: Configuration, old: Store, fields: StoreFields, now: datetime
) -> Decision[Store]:
    changes = {**sent(fields), "updated": now}
    if fields.attributes:
        changes["attributes"] = merged({}, normalised(fields.attributes))
    store = laid_over(old, changes)
    refuse_if_any(_faults(configuration, store))
    for other in configuration.stores.values():
        if other.key == store.key and other.id != store.id:
            raise Conflict(f'A store "{store.integration_id}" exists already')
    return Decision(store, (Change(store),))


def _faults(configuration: Configuration, store: Store) -> Iterator[Fault]:
    yield from name_faults(store.name)
    yield from description_faults(store.description)
    if not store.integration_id:
        yield Fault("/integrationId", "Missing", "integrationId is required")
    yield from text_faults(store.integration_id, "/integrationId", INTEGRATION_ID_LENGTH_MAX)
    definitions = by_name(
        (e for e in configuration.attributes.values() if e.serves(store.application_id)), "Store"
    )
    yield from validate(store.attributes, definitions, "Store", "/attributes")
