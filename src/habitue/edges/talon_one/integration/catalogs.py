"""Synchronising catalogs through the Integration API (contracts/talon_one/SEMANTICS.md section 15).

A request has up to a thousand actions of one kind. What they may say is judged in
`habitue.promotions.catalog_sync`; here it is only read.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import INTEGER_MAX, Number
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.catalogs import CatalogOut, catalog_out
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import ADJUSTMENTS_PER_ACTION_MAX, CATALOG_ACTIONS_MAX
from habitue.promotions.catalog import PriceAdjustment
from habitue.promotions.catalog_sync import (
    Action,
    AddItem,
    AdjustPrices,
    FilterOperator,
    ItemFilter,
    PatchItem,
    PatchMany,
    RemoveItem,
    RemoveMany,
)
from habitue.usecases.sync_catalog import sync_catalog

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Version = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]


class ProductIn(msgspec.Struct):
    """The product that an article is a variant of."""

    name: str

    def stored(self) -> dict[str, Any]:
        """As it is kept."""
        return {"name": self.name}


class FilterIn(msgspec.Struct):
    """A condition on an attribute of articles."""

    attr: str
    op: FilterOperator
    value: Any


class AddIn(msgspec.Struct, rename="camel"):
    """An article to be added."""

    sku: str
    price: Number | None = None
    attributes: dict[str, Any] | None = None
    product: ProductIn | None = None
    replace_if_exists: bool | None = None

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return AddItem(
            self.sku,
            self.price,
            self.product.stored() if self.product else None,
            self.attributes or {},
            bool(self.replace_if_exists),
        )


class PatchIn(msgspec.Struct, rename="camel"):
    """Changes of one article."""

    sku: str
    price: Number | None = None
    attributes: dict[str, Any] | None = None
    product: ProductIn | None = None
    create_if_not_exists: bool | None = None

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return PatchItem(
            self.sku,
            self.price,
            self.product.stored() if self.product else None,
            self.attributes or {},
            bool(self.create_if_not_exists),
        )


class PatchManyIn(msgspec.Struct):
    """Changes of many articles; without filters, of all."""

    price: Number | None = None
    filters: list[FilterIn] | None = None
    attributes: dict[str, Any] | None = None

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return PatchMany(_filters(self.filters), self.price, self.attributes or {})


class RemoveIn(msgspec.Struct):
    """An article to be removed."""

    sku: str

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return RemoveItem(self.sku)


class RemoveManyIn(msgspec.Struct):
    """Articles to be removed; without filters, all."""

    filters: list[FilterIn] | None = None

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return RemoveMany(_filters(self.filters))


class AdjustmentIn(msgspec.Struct, rename="camel"):
    """A price of one type for a time; a price of null ends that type for the article."""

    price_type: str
    reference_id: str
    price: Number | None = None
    calculated_at: Instant | None = None
    effective_from: Instant | None = None
    effective_until: Instant | None = None
    context_id: str | None = None

    def adjustment(self, now: datetime) -> PriceAdjustment:
        """The adjustment; one that does not say when it was calculated was calculated now."""
        return PriceAdjustment(
            self.price_type,
            self.reference_id,
            self.calculated_at or now,
            self.price,
            self.effective_from,
            self.effective_until,
            self.context_id or "",
        )


Adjustments = Annotated[
    list[AdjustmentIn], Meta(min_length=1, max_length=ADJUSTMENTS_PER_ACTION_MAX)
]


class AdjustIn(msgspec.Struct):
    """Adjustments of the prices of one article."""

    sku: str
    adjustments: Adjustments

    def action(self, now: datetime) -> Action:
        """What is asked for."""
        return AdjustPrices(self.sku, tuple(each.adjustment(now) for each in self.adjustments))


class AddActionIn(msgspec.Struct, tag_field="type", tag="ADD"):
    payload: AddIn


class PatchActionIn(msgspec.Struct, tag_field="type", tag="PATCH"):
    payload: PatchIn


class PatchManyActionIn(msgspec.Struct, tag_field="type", tag="PATCH_MANY"):
    payload: PatchManyIn


class RemoveActionIn(msgspec.Struct, tag_field="type", tag="REMOVE"):
    payload: RemoveIn


class RemoveManyActionIn(msgspec.Struct, tag_field="type", tag="REMOVE_MANY"):
    payload: RemoveManyIn


class AdjustActionIn(msgspec.Struct, tag_field="type", tag="ADD_PRICE_ADJUSTMENT"):
    payload: AdjustIn


ActionIn: TypeAlias = (
    AddActionIn
    | PatchActionIn
    | PatchManyActionIn
    | RemoveActionIn
    | RemoveManyActionIn
    | AdjustActionIn
)


class SyncIn(msgspec.Struct):
    """Actions of one kind; with a version, for the catalog at that version only."""

    actions: Annotated[list[ActionIn], Meta(min_length=1, max_length=CATALOG_ACTIONS_MAX)]
    version: Version | None = None


async def put_sync(call: Call[Principal, None, SyncIn]) -> Answer:
    body, now = call.body, call.now
    faults = tuple(_other_kinds(body.actions))
    if faults:
        raise InvalidInput(*faults)
    actions = [each.payload.action(now) for each in body.actions]
    catalog, version = await sync_catalog(
        call.services.shop,
        call.principal.application_id,
        call.integer("catalogId"),
        actions,
        body.version,
        now,
    )
    return Answer(200, catalog_out(catalog, version))


def _other_kinds(actions: list[ActionIn]) -> Iterator[Fault]:
    first = type(actions[0])
    for index, each in enumerate(actions):
        if type(each) is not first:
            details = "all actions of a request are of the same type"
            yield Fault(f"/actions/{index}/type", "Not allowed", details)


def _filters(sent: list[FilterIn] | None) -> tuple[ItemFilter, ...]:
    return tuple(ItemFilter(each.attr, each.op, each.value) for each in sent or ())


def catalog_operations() -> list[Operation]:
    """What integrations do with catalogs."""
    return [
        Operation(
            id="syncCatalog",
            method="PUT",
            path="/v1/catalogs/{catalogId:int}/sync",
            handler=put_sync,
            door=INTEGRATION,
            group="Catalogs",
            summary="Synchronise a catalog of cart items",
            body=SyncIn,
            responses={200: CatalogOut},
            request_example=b'{"actions": [{"type": "ADD", "payload": {"sku": "TEA-1",'
            b' "price": 12.5, "product": {"name": "Tea"}, "replaceIfExists": true}}]}',
        ),
    ]
