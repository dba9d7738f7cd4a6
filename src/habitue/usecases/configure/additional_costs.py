"""Additional costs: what a cart may cost beside its goods, by name."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.promotions.campaign import AdditionalCost
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    api_name_faults,
    application_faults,
    description_faults,
    refuse_if_any,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class AdditionalCostFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an additional cost; without a title the name is shown."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    type: Literal["session", "item", "both"] | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_additional_cost(
    shop: Shop, fields: AdditionalCostFields, now: datetime
) -> AdditionalCost:
    """The new cost. Raises `InvalidInput`, or `Conflict` when name or title are taken."""
    (id_,) = await new_ids(shop.database, "additional_cost")

    async def decide(configuration: Configuration) -> Decision[AdditionalCost]:
        cost = new_additional_cost(configuration, id_, fields, now)
        return Decision(cost, (Change(cost),))

    return await settle(shop, decide)


async def update_additional_cost(
    shop: Shop, cost_id: int, fields: AdditionalCostFields
) -> AdditionalCost:
    """The cost as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[AdditionalCost]:
        old = configuration.additional_costs.get(cost_id)
        if old is None:
            raise NotFound("Additional cost", cost_id)
        cost = changed_additional_cost(configuration, old, fields)
        return Decision(cost, (Change(cost),))

    return await settle(shop, decide)


def new_additional_cost(
    configuration: Configuration, id_: int, fields: AdditionalCostFields, now: datetime
) -> AdditionalCost:
    """The cost that `fields` describe. Raises `InvalidInput` or `Conflict`."""
    if fields.name is UNSET:
        refuse_if_any([Fault("/name", "Missing", "name is required")])
    return _checked(configuration, AdditionalCost(id_, "", "", created=now), fields)


def changed_additional_cost(
    configuration: Configuration, old: AdditionalCost, fields: AdditionalCostFields
) -> AdditionalCost:
    """`old` with `fields` laid over it. Raises `InvalidInput` or `Conflict`."""
    if fields.name not in (UNSET, old.name):
        refuse_if_any([Fault("/name", "Fixed", "the name of a cost cannot be changed")])
    return _checked(configuration, old, fields)


def _checked(
    configuration: Configuration, old: AdditionalCost, fields: AdditionalCostFields
) -> AdditionalCost:
    cost = laid_over(old, sent(fields))
    cost = msgspec.structs.replace(cost, title=cost.title or cost.name)
    refuse_if_any(_faults(configuration, cost))
    for other in configuration.additional_costs.values():
        if other.id != cost.id and (other.name == cost.name or other.title == cost.title):
            raise Conflict(f'An additional cost named "{other.name}" ({other.title}) exists')
    return cost


def _faults(configuration: Configuration, cost: AdditionalCost) -> Iterator[Fault]:
    yield from api_name_faults(cost.name, cost.title)
    yield from description_faults(cost.description)
    ids = cost.subscribed_application_ids
    yield from application_faults(ids, configuration, "/subscribedApplicationsIds")
