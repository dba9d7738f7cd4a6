"""Cart item filters on the wire.

Listing filters and reading an expression are published; the rest are the published schemas at the
paths next to these (contracts/talon_one/MANAGEMENT.md).
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import USER_ID, Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageWithoutTotal, Skip
from habitue.model.limits import PAGE_SIZE_DEFAULT
from habitue.promotions.item_filters import CartItemFilter, FilterExpression
from habitue.usecases.configure.item_filters import (
    FilterFields,
    add_expression,
    create_filter,
    delete_filter,
    found_expression,
    update_filter,
)

Declare: TypeAlias = Callable[..., Operation]
FilterPageSize = Annotated[int, Meta(ge=1, le=PAGE_SIZE_DEFAULT)]


class FilterIn(msgspec.Struct, rename="camel"):
    """A filter as it is sent; who made it, and when, only the server knows."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    active_expression_id: Id | UnsetType | None = UNSET


class WrappedExpression(msgspec.Struct):
    """The form in which the published example has an expression."""

    expr: list[Any]


class ExpressionIn(msgspec.Struct):
    """An expression as it is sent."""

    expression: list[Any] | WrappedExpression


class FilterOut(msgspec.Struct, rename="camel"):
    """A filter as it is answered."""

    id: int
    created: datetime
    application_id: int
    name: str
    description: str
    modified: datetime
    created_by: int
    modified_by: int
    active_expression_id: int | UnsetType = UNSET


class ExpressionOut(msgspec.Struct, rename="camel"):
    """An expression of a filter."""

    id: int
    created: datetime
    application_id: int
    cart_item_filter_id: int
    created_by: int
    expression: list[Any]


class FiltersQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which page of the filters, or the one of a name."""

    page_size: FilterPageSize = PAGE_SIZE_DEFAULT
    skip: Skip = 0
    name: str | None = None


async def get_filters(call: ManagementCall[FiltersQuery, None]) -> Answer:
    configuration, query = call.services.shop.configuration, call.query
    application = configuration.application(call.integer("applicationId"))
    found = [
        each
        for each in configuration.cart_item_filters_of(application.id)
        if not query.name or each.name == query.name
    ]
    end = query.skip + query.page_size
    shown = [_filter_out(each) for each in found[query.skip : end]]
    return Answer(200, PageWithoutTotal(len(found) > end, shown))


async def get_filter(call: ManagementCall[None, None]) -> Answer:
    found = call.services.shop.configuration.cart_item_filter(*_ids(call))
    return Answer(200, _filter_out(found))


async def post_filter(call: ManagementCall[None, FilterIn]) -> Answer:
    application_id, shop = call.integer("applicationId"), call.services.shop
    made = await create_filter(shop, application_id, _fields(call.body), call.now)
    return Answer(201, _filter_out(made))


async def put_filter(call: ManagementCall[None, FilterIn]) -> Answer:
    shop = call.services.shop
    changed = await update_filter(shop, *_ids(call), _fields(call.body), call.now)
    return Answer(200, _filter_out(changed))


async def remove_filter(call: ManagementCall[None, None]) -> Answer:
    await delete_filter(call.services.shop, *_ids(call))
    return Answer(204)


async def get_expression(call: ManagementCall[None, None]) -> Answer:
    ids, configuration = _ids(call), call.services.shop.configuration
    found = found_expression(configuration, *ids, call.integer("expressionId"))
    return Answer(200, _expression_out(found, *ids))


async def post_expression(call: ManagementCall[None, ExpressionIn]) -> Answer:
    sent, ids = call.body.expression, _ids(call)
    document = sent.expr if isinstance(sent, WrappedExpression) else sent
    added = await add_expression(call.services.shop, *ids, document, call.now)
    return Answer(201, _expression_out(added, *ids))


def _ids(call: ManagementCall[Any, Any]) -> tuple[int, int]:
    return call.integer("applicationId"), call.integer("cartItemFilterId")


def _fields(body: FilterIn) -> FilterFields:
    return FilterFields(
        name=body.name,
        description=body.description,
        active_expression_id=body.active_expression_id,
    )


def _filter_out(each: CartItemFilter) -> FilterOut:
    return FilterOut(
        id=each.id,
        created=each.created,
        application_id=each.application_id,
        name=each.name,
        description=each.description,
        modified=each.modified,
        created_by=USER_ID,
        modified_by=USER_ID,
        active_expression_id=each.active_expression_id or UNSET,
    )


def _expression_out(each: FilterExpression, application_id: int, filter_id: int) -> ExpressionOut:
    return ExpressionOut(each.id, each.created, application_id, filter_id, USER_ID, each.document)


def operations() -> list[Operation]:
    """The operations on cart item filters."""
    many = "/v1/applications/{applicationId:int}/cart_item_filters"
    one = f"{many}/{{cartItemFilterId:int}}"
    operation = partial(managed, group="Applications")
    return [*_filters(many, one, operation), *_expressions(one, operation)]


def _filters(many: str, one: str, operation: Declare) -> list[Operation]:
    return [
        operation(
            "listApplicationCartItemFilters",
            "GET",
            many,
            get_filters,
            "List the cart item filters of an Application",
            {200: PageWithoutTotal[FilterOut]},
            query=FiltersQuery,
        ),
        operation(
            "createApplicationCartItemFilter",
            "POST",
            many,
            post_filter,
            "Create a cart item filter",
            {201: FilterOut},
            body=FilterIn,
        ),
        operation(
            "getApplicationCartItemFilter",
            "GET",
            one,
            get_filter,
            "Get a cart item filter",
            {200: FilterOut},
        ),
        operation(
            "updateApplicationCartItemFilter",
            "PUT",
            one,
            put_filter,
            "Change a cart item filter",
            {200: FilterOut},
            body=FilterIn,
        ),
        operation(
            "deleteApplicationCartItemFilter",
            "DELETE",
            one,
            remove_filter,
            "Delete a cart item filter",
            {204: None},
        ),
    ]


def _expressions(one: str, operation: Declare) -> list[Operation]:
    return [
        operation(
            "createApplicationCartItemFilterExpression",
            "POST",
            f"{one}/expressions",
            post_expression,
            "Add an expression to a cart item filter",
            {201: ExpressionOut},
            body=ExpressionIn,
            request_example=b'{"expression": ["filter", [".", "Session", "CartItems"], [["Item"],'
            b' ["catch", false, ["=", [".", "Item", "Category"], "Kitchen"]]]]}',
        ),
        operation(
            "getApplicationCartItemFilterExpression",
            "GET",
            f"{one}/expressions/{{expressionId:int}}",
            get_expression,
            "Get an expression of a cart item filter",
            {200: ExpressionOut},
        ),
    ]
