"""Deciding what a synchronisation makes of a catalog: the rules of its six kinds of actions.

Adding an article that is there, and changing one that is not, are refused unless the action says
otherwise; removing one that is not there is no fault, so that removing can be repeated. A change of
many articles is told to the database as it is, for it may mean the whole catalog
(contracts/talon_one/SEMANTICS.md section 15).

Invariant: everything that is wrong is refused at once, by its pointer into the request, and then
nothing changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from habitue.model.attributes import Attributes, Definitions, merged, normalised, validate
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    ADJUSTMENTS_PER_ITEM_MAX,
    ATTRIBUTE_STRING_LENGTH_MAX,
    NAME_LENGTH_MAX,
    SKU_LENGTH_MAX,
)
from habitue.model.numbers import is_amount
from habitue.promotions.catalog import BASE, CatalogItem, PriceAdjustment

FilterOperator = Literal["EQ", "LT", "LE", "GT", "GE", "IN"]
_COMPARED = frozenset({"LT", "LE", "GT", "GE"})


class AddItem(msgspec.Struct, frozen=True):
    """A new article; with `replace` it takes the place of one that is there."""

    sku: str
    price: Decimal | None = None
    product: dict[str, Any] | None = None
    attributes: Attributes = {}
    replace: bool = False


class PatchItem(msgspec.Struct, frozen=True):
    """Changes of one article; with `create` it comes to be where it is not there."""

    sku: str
    price: Decimal | None = None
    product: dict[str, Any] | None = None
    attributes: Attributes = {}
    create: bool = False


class ItemFilter(msgspec.Struct, frozen=True):
    """What an attribute of an article must be; `value` is as it was sent."""

    attr: str
    op: FilterOperator
    value: Any


class PatchMany(msgspec.Struct, frozen=True):
    """Changes of all articles that every filter fits."""

    filters: tuple[ItemFilter, ...] = ()
    price: Decimal | None = None
    attributes: Attributes = {}


class RemoveItem(msgspec.Struct, frozen=True):
    """The end of one article."""

    sku: str


class RemoveMany(msgspec.Struct, frozen=True):
    """The end of all articles that every filter fits."""

    filters: tuple[ItemFilter, ...] = ()


class AdjustPrices(msgspec.Struct, frozen=True):
    """Prices of other types, or for a time, of one article."""

    sku: str
    adjustments: tuple[PriceAdjustment, ...]


Action: TypeAlias = AddItem | PatchItem | PatchMany | RemoveItem | RemoveMany | AdjustPrices


class SyncState(msgspec.Struct, frozen=True):
    """What was read for a synchronisation: the catalog's version, and the articles that actions
    name, by article."""

    version: int
    items: Mapping[str, CatalogItem] = {}


class ItemWrite(msgspec.Struct, frozen=True):
    """An article as it shall be."""

    sku: str
    price: Decimal | None
    product: dict[str, Any] | None
    attributes: Attributes
    adjustments: tuple[PriceAdjustment, ...]


class StoredFilter(msgspec.Struct, frozen=True):
    """A filter with the values that it compares with, each of the attribute's type."""

    attr: str
    op: FilterOperator
    values: tuple[Any, ...]


class ManyWrite(msgspec.Struct, frozen=True):
    """What becomes of the articles that every filter fits; an attribute of null goes."""

    filters: tuple[StoredFilter, ...]
    remove: bool = False
    price: Decimal | None = None
    attributes: Attributes = {}


class SyncDecision(msgspec.Struct, frozen=True):
    """What the database is to change."""

    items: tuple[ItemWrite, ...] = ()
    removed: tuple[str, ...] = ()
    many: tuple[ManyWrite, ...] = ()


class SyncRules(msgspec.Struct, frozen=True):
    """The words that actions may use: attributes of cart items, and names of price types."""

    attributes: Definitions
    price_types: frozenset[str]


def decide_sync(
    actions: Sequence[Action],
    wanted_version: int | None,
    state: SyncState,
    rules: SyncRules,
    now: datetime,
) -> SyncDecision:
    """What the actions make of the catalog. Raises `InvalidInput` with everything that is wrong."""
    faults = list(_version_faults(wanted_version, state.version))
    faults += _repeated(actions)
    for index, action in enumerate(actions):
        found = _action_faults(action, state, rules, now)
        faults += (each.under(f"/actions/{index}/payload") for each in found)
    if faults:
        raise InvalidInput(*faults)
    return SyncDecision(
        items=tuple(_written(actions, state, now)),
        removed=tuple(each.sku for each in actions if isinstance(each, RemoveItem)),
        many=tuple(_many(actions, rules)),
    )


def _version_faults(wanted: int | None, version: int) -> Iterator[Fault]:
    if wanted is not None and wanted != version:
        details = f"the catalog is at version {version}"
        yield Fault("/version", "Outdated", details)


def _repeated(actions: Sequence[Action]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, action in enumerate(actions):
        if isinstance(action, PatchMany | RemoveMany):
            continue
        if action.sku in seen:
            details = f"{action.sku!r} is named by an earlier action of this request"
            yield Fault(f"/actions/{index}/payload/sku", "Duplicate", details)
        seen.add(action.sku)


def _action_faults(
    action: Action, state: SyncState, rules: SyncRules, now: datetime
) -> Iterator[Fault]:
    if not isinstance(action, PatchMany | RemoveMany):
        yield from _sku_faults(action, state)
    if isinstance(action, AddItem | PatchItem | PatchMany):
        yield from _price_faults(action.price, "/price")
        yield from validate(action.attributes, rules.attributes, "CartItem", "/attributes")
    product = action.product if isinstance(action, AddItem | PatchItem) else None
    if product is not None and len(product["name"]) > ATTRIBUTE_STRING_LENGTH_MAX:
        yield _too_long("/product/name", ATTRIBUTE_STRING_LENGTH_MAX)
    if isinstance(action, PatchMany | RemoveMany):
        for index, each in enumerate(action.filters):
            yield from _filter_faults(each, rules, f"/filters/{index}")
    if isinstance(action, AdjustPrices):
        yield from _adjustments_faults(action, state, rules, now)


def _sku_faults(
    action: AddItem | PatchItem | RemoveItem | AdjustPrices, state: SyncState
) -> Iterator[Fault]:
    if not 1 <= len(action.sku) <= SKU_LENGTH_MAX:
        yield Fault("/sku", "Invalid length", f"a SKU has 1 to {SKU_LENGTH_MAX} characters")
    there = action.sku in state.items
    if isinstance(action, AddItem) and there and not action.replace:
        details = f"{action.sku!r} is in the catalog; say replaceIfExists to replace it"
        yield Fault("/sku", "Exists", details)
    patched = isinstance(action, PatchItem) and not action.create
    if not there and (patched or isinstance(action, AdjustPrices)):
        yield Fault("/sku", "Unknown", f"{action.sku!r} is not in the catalog")


def _price_faults(price: Decimal | None, pointer: str) -> Iterator[Fault]:
    if price is not None and not (is_amount(price) and price >= 0):
        details = "a price is a number from 0 to 10^15 with at most 12 decimals"
        yield Fault(pointer, "Out of range", details)


def _too_long(pointer: str, most: int) -> Fault:
    return Fault(pointer, "Too long", f"at most {most} characters are accepted")


def _filter_faults(each: ItemFilter, rules: SyncRules, pointer: str) -> Iterator[Fault]:
    definition = rules.attributes.get(each.attr)
    if definition is None:
        details = f'Attribute "{each.attr}" is not defined on CartItem entities.'
        yield Fault(f"{pointer}/attr", "Unknown", details)
    elif definition.type not in _SINGLE:
        details = "articles are found by attributes with a single value"
        yield Fault(f"{pointer}/attr", "Not supported", details)
    elif each.op in _COMPARED and definition.type != "number":
        yield Fault(f"{pointer}/op", "Not allowed", f"{each.op} is for numbers only")
    elif any(value is None for value in _values(each, definition.type)):
        details = f'"{each.attr}" is of the type {definition.type}'
        yield Fault(f"{pointer}/value", "Invalid type", details)


_SINGLE = frozenset({"string", "number", "boolean", "time"})
_TRUTHS: Mapping[str, bool] = {"true": True, "false": False}


def _values(each: ItemFilter, type_: str) -> tuple[Any, ...]:
    """The values to compare with; None for what is no value of the type."""
    sent = each.value
    if each.op == "IN":
        parts = sent.split(",") if isinstance(sent, str) else sent
        if not isinstance(parts, list):
            parts = [sent]
        return tuple(_value(part, type_) for part in parts)
    return (_value(sent, type_),)


def _value(sent: Any, type_: str) -> Any:
    if type_ == "number":
        return _number(sent)
    if type_ == "boolean":
        return _TRUTHS.get(sent.strip().lower()) if isinstance(sent, str) else _of(bool, sent)
    return _of(str, sent.strip() if isinstance(sent, str) else sent)


def _of(kind: type, sent: Any) -> Any:
    return sent if isinstance(sent, kind) else None


def _number(sent: Any) -> Decimal | None:
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return None
    try:
        number = Decimal(sent)
        return number if is_amount(number) else None
    except ArithmeticError:
        return None


def _adjustments_faults(
    action: AdjustPrices, state: SyncState, rules: SyncRules, now: datetime
) -> Iterator[Fault]:
    references: set[str] = set()
    for index, each in enumerate(action.adjustments):
        pointer = f"/adjustments/{index}"
        yield from _price_faults(each.price, f"{pointer}/price")
        if each.price_type != BASE and each.price_type not in rules.price_types:
            details = f"there is no price type {each.price_type!r}"
            yield Fault(f"{pointer}/priceType", "Unknown", details)
        if each.reference_id in references:
            details = "an earlier adjustment of this action has the same reference"
            yield Fault(f"{pointer}/referenceId", "Duplicate", details)
        references.add(each.reference_id)
        if not 1 <= len(each.reference_id) <= NAME_LENGTH_MAX:
            details = f"a reference has 1 to {NAME_LENGTH_MAX} characters"
            yield Fault(f"{pointer}/referenceId", "Invalid length", details)
        if len(each.context_id) > NAME_LENGTH_MAX:
            yield _too_long(f"{pointer}/contextId", NAME_LENGTH_MAX)
        starts, ends = each.effective_from, each.effective_until
        if starts is not None and ends is not None and ends <= starts:
            details = "an adjustment ends after it has begun"
            yield Fault(f"{pointer}/effectiveUntil", "Invalid period", details)
    item = state.items.get(action.sku)
    if item is not None and len(_adjusted(item, action, now)) > ADJUSTMENTS_PER_ITEM_MAX:
        details = f"an article has at most {ADJUSTMENTS_PER_ITEM_MAX} adjustments at once"
        yield Fault("/adjustments", "Too many", details)


def _adjusted(
    item: CatalogItem, action: AdjustPrices, now: datetime
) -> tuple[PriceAdjustment, ...]:
    """The adjustments that have not ended, a new one in place of an old one of its reference."""
    known = {each.reference_id: each for each in (*item.adjustments, *action.adjustments)}
    return tuple(
        each
        for each in known.values()
        if each.effective_until is None or each.effective_until > now
    )


def _written(actions: Sequence[Action], state: SyncState, now: datetime) -> Iterator[ItemWrite]:
    for action in actions:
        if isinstance(action, AddItem | PatchItem):
            yield _item_write(action, state.items.get(action.sku))
        elif isinstance(action, AdjustPrices):
            item = state.items[action.sku]
            adjustments = _adjusted(item, action, now)
            yield ItemWrite(item.sku, item.price, item.product, item.attributes, adjustments)


def _item_write(action: AddItem | PatchItem, item: CatalogItem | None) -> ItemWrite:
    """The article without the price that is not given keeps the one it has; the product goes."""
    before: Attributes = {}
    if item is not None and isinstance(action, PatchItem):
        before = item.attributes
    price = action.price
    if price is None and item is not None:
        price = item.price
    return ItemWrite(
        action.sku,
        price,
        action.product,
        merged(before, normalised(action.attributes)),
        item.adjustments if item is not None else (),
    )


def _many(actions: Sequence[Action], rules: SyncRules) -> Iterator[ManyWrite]:
    for action in actions:
        if isinstance(action, PatchMany | RemoveMany):
            filters = tuple(
                StoredFilter(each.attr, each.op, _values(each, rules.attributes[each.attr].type))
                for each in action.filters
            )
            if isinstance(action, RemoveMany):
                yield ManyWrite(filters, remove=True)
            else:
                yield ManyWrite(
                    filters, price=action.price, attributes=normalised(action.attributes)
                )
