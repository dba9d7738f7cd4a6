"""Cart item filters, as staff makes them: a name, and expressions of which one is active."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, InvalidInput, NotFound
from habitue.model.limits import FILTER_EXPRESSIONS_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import dialect_of
from habitue.promotions.item_filters import CartItemFilter, FilterExpression, filter_faults
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import description_faults, name_faults, refuse_if_any
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class FilterFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a filter."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    active_expression_id: int | UnsetType | None = UNSET


async def create_filter(
    shop: Shop, application_id: int, fields: FilterFields, now: datetime
) -> CartItemFilter:
    """The new filter, without expressions. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    (id_,) = await new_ids(shop.database, "cart_item_filter")

    async def decide(configuration: Configuration) -> Decision[CartItemFilter]:
        configuration.application(application_id)
        if fields.name is UNSET:
            refuse_if_any([Fault("/name", "Missing", "name is required")])
        blank = CartItemFilter(id_, application_id, "", now, now)
        made = _checked(configuration, laid_over(blank, sent(fields)))
        return Decision(made, (Change(made),))

    return await settle(shop, decide)


async def update_filter(
    shop: Shop, application_id: int, filter_id: int, fields: FilterFields, now: datetime
) -> CartItemFilter:
    """The filter as changed. Raises `NotFound`, `InvalidInput`, `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[CartItemFilter]:
        old = configuration.cart_item_filter(application_id, filter_id)
        changed = laid_over(old, {**sent(fields), "modified": now})
        changed = _checked(configuration, changed)
        return Decision(changed, (Change(changed),))

    return await settle(shop, decide)


async def delete_filter(shop: Shop, application_id: int, filter_id: int) -> None:
    """Deletes the filter; rules that call it fail from then on. Raises `NotFound`, and `Conflict`
    where it is the application's default."""

    async def decide(configuration: Configuration) -> Decision[None]:
        old = configuration.cart_item_filter(application_id, filter_id)
        application = configuration.application(application_id)
        if application.default_cart_item_filter_id == filter_id:
            raise Conflict(f'"{old.name}" is the default filter of its Application')
        return Decision(None, (Change(old, deleted=True),))

    await settle(shop, decide)


async def add_expression(
    shop: Shop, application_id: int, filter_id: int, document: list[object], now: datetime
) -> FilterExpression:
    """The new expression of the filter; the first is active at once.

    Raises `NotFound`, and `InvalidInput` whose pointers are into /expression.
    """
    (id_,) = await new_ids(shop.database, "cart_item_filter")

    async def decide(configuration: Configuration) -> Decision[FilterExpression]:
        old = configuration.cart_item_filter(application_id, filter_id)
        refuse_if_any(_expression_faults(configuration, old, document))
        added = FilterExpression(id_, now, document)
        active = id_ if old.active_expression_id is None else old.active_expression_id
        changed = msgspec.structs.replace(
            old,
            expressions=(*old.expressions, added),
            active_expression_id=active,
            modified=now,
        )
        return Decision(added, (Change(changed),))

    return await settle(shop, decide)


def found_expression(
    configuration: Configuration, application_id: int, filter_id: int, expression_id: int
) -> FilterExpression:
    """The expression of that id of the filter. Raises `NotFound`."""
    found = configuration.cart_item_filter(application_id, filter_id).expression(expression_id)
    if found is None:
        raise NotFound("Cart item filter expression", expression_id)
    return found


def _checked(configuration: Configuration, wanted: CartItemFilter) -> CartItemFilter:
    refuse_if_any(_faults(configuration, wanted))
    for other in configuration.cart_item_filters.values():
        if other.key == wanted.key and other.id != wanted.id:
            raise Conflict(f'"{wanted.name}" exists already')
    return wanted


def _faults(configuration: Configuration, wanted: CartItemFilter) -> Iterator[Fault]:
    yield from name_faults(wanted.name)
    yield from description_faults(wanted.description)
    id_ = wanted.active_expression_id
    if id_ is None:
        return
    active = wanted.expression(id_)
    if active is None:
        details = f"the filter has no expression {id_}"
        yield Fault("/activeExpressionId", "Unknown", details)
        return
    dialect = dialect_of(configuration, wanted.application_id)
    for each in filter_faults(active.document, dialect):
        yield Fault("/activeExpressionId", each.title, each.details)


def _expression_faults(
    configuration: Configuration, old: CartItemFilter, document: list[object]
) -> Iterator[Fault]:
    if len(old.expressions) >= FILTER_EXPRESSIONS_MAX:
        details = f"a filter has at most {FILTER_EXPRESSIONS_MAX} expressions"
        yield Fault("/expression", "Too many", details)
    try:
        found = list(filter_faults(document, dialect_of(configuration, old.application_id)))
    except InvalidInput as refusal:
        found = list(refusal.faults)
    for each in found:
        yield each.under("/expression")
