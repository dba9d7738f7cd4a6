"""Giveaway pools, as staff makes them; their codes come by file (`usecases.import_giveaways`).

A pool is of one environment, live or sandbox. Names need not be unique.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Fault
from habitue.promotions.configuration import Configuration
from habitue.promotions.giveaways import GiveawayPool
from habitue.store.configuration import new_ids
from habitue.store.giveaways import GiveawayRow, giveaways_of_pool
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    application_faults,
    description_faults,
    name_faults,
    refuse_if_any,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class PoolFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a pool."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    sandbox: bool | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_pool(shop: Shop, fields: PoolFields, now: datetime) -> GiveawayPool:
    """The new pool, without codes. Raises `InvalidInput`."""
    (id_,) = await new_ids(shop.database, "giveaway_pool")

    async def decide(configuration: Configuration) -> Decision[GiveawayPool]:
        if fields.name is UNSET:
            refuse_if_any([Fault("/name", "Missing", "name is required")])
        changes = {name: value for name, value in sent(fields).items() if value is not None}
        pool = laid_over(GiveawayPool(id_, "", created=now), changes)
        refuse_if_any(_faults(configuration, pool))
        return Decision(pool, (Change(pool),))

    return await settle(shop, decide)


def giveaways_of(
    shop: Shop, pool_id: int, before: datetime | None, after: datetime | None
) -> AsyncIterator[GiveawayRow]:
    """The codes of a pool that were made between two moments, one after the other."""
    return giveaways_of_pool(shop.database, pool_id, before, after)


def _faults(configuration: Configuration, pool: GiveawayPool) -> Iterator[Fault]:
    yield from name_faults(pool.name)
    yield from description_faults(pool.description)
    ids, pointer = pool.subscribed_application_ids, "/subscribedApplicationsIds"
    yield from application_faults(ids, configuration, pointer)
    for index, id_ in enumerate(ids):
        application = configuration.applications.get(id_)
        if application is not None and application.sandbox != pool.sandbox:
            details = f"Application {id_} is of the other environment"
            yield Fault(f"{pointer}/{index}", "Not allowed", details)
