"""Additional costs on the wire."""

from datetime import datetime
from functools import partial
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    Id,
    ManagementCall,
    fields_of,
    managed,
)
from habitue.model.errors import NotFound
from habitue.promotions.campaign import AdditionalCost
from habitue.usecases.configure.additional_costs import (
    AdditionalCostFields,
    create_additional_cost,
    update_additional_cost,
)

CostType = Literal["session", "item", "both"]


class AdditionalCostIn(msgspec.Struct, rename="camel"):
    """A cost as it is sent."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    type: CostType | UnsetType | None = UNSET
    subscribed_applications_ids: tuple[Id, ...] | UnsetType | None = UNSET


class AdditionalCostOut(msgspec.Struct, rename="camel"):
    """A cost as it is answered."""

    id: int
    created: datetime
    account_id: int
    name: str
    title: str
    description: str
    type: CostType
    subscribed_applications_ids: list[int]


_SORTS = {"id": "id", "name": "name", "title": "title", "created": "created", "type": "type"}


async def get_additional_costs(call: ManagementCall[PageQuery, None]) -> Answer:
    costs = call.services.shop.configuration.additional_costs.values()
    return Answer(200, page_of(costs, call.query, _SORTS, additional_cost_out))


async def get_additional_cost(call: ManagementCall[None, None]) -> Answer:
    id_ = call.integer("additionalCostId")
    cost = call.services.shop.configuration.additional_costs.get(id_)
    if cost is None:
        raise NotFound("Additional cost", id_)
    return Answer(200, additional_cost_out(cost))


async def post_additional_cost(call: ManagementCall[None, AdditionalCostIn]) -> Answer:
    fields = additional_cost_fields(call.body)
    cost = await create_additional_cost(call.services.shop, fields, call.now)
    return Answer(201, additional_cost_out(cost))


async def put_additional_cost(call: ManagementCall[None, AdditionalCostIn]) -> Answer:
    id_, fields = call.integer("additionalCostId"), additional_cost_fields(call.body)
    cost = await update_additional_cost(call.services.shop, id_, fields)
    return Answer(200, additional_cost_out(cost))


def additional_cost_fields(body: AdditionalCostIn) -> AdditionalCostFields:
    """What a body says about a cost."""
    subscribed = body.subscribed_applications_ids
    return fields_of(body, AdditionalCostFields, subscribed_application_ids=subscribed)


def additional_cost_out(cost: AdditionalCost) -> AdditionalCostOut:
    """The cost in the protocol's words."""
    return AdditionalCostOut(
        id=cost.id,
        created=cost.created,
        account_id=ACCOUNT_ID,
        name=cost.name,
        title=cost.title,
        description=cost.description,
        type=cost.type,
        subscribed_applications_ids=list(cost.subscribed_application_ids),
    )


def operations() -> list[Operation]:
    """The operations on additional costs."""
    one = "/v1/additional_costs/{additionalCostId:int}"
    operation = partial(managed, group="Additional costs")
    return [
        operation(
            "getAdditionalCosts",
            "GET",
            "/v1/additional_costs",
            get_additional_costs,
            "List additional costs",
            {200: Page[AdditionalCostOut]},
            query=PageQuery,
        ),
        operation(
            "createAdditionalCost",
            "POST",
            "/v1/additional_costs",
            post_additional_cost,
            "Create an additional cost",
            {201: AdditionalCostOut},
            body=AdditionalCostIn,
        ),
        operation(
            "getAdditionalCost",
            "GET",
            one,
            get_additional_cost,
            "Get an additional cost",
            {200: AdditionalCostOut},
        ),
        operation(
            "updateAdditionalCost",
            "PUT",
            one,
            put_additional_cost,
            "Update an additional cost",
            {200: AdditionalCostOut},
            body=AdditionalCostIn,
            description="The name cannot be changed. What is left out keeps its value.",
        ),
    ]
