"""Effects that take something off the price, and free units.

Whatever a formula yields that cannot be a discount (a negative or a boundless amount, an unknown
cost) fails the rule, never the request.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from habitue.model.limits import AMOUNT_MAX, CART_UNITS_MAX
from habitue.pricing.split import split
from habitue.promotions.effects import (
    AddFreeItem,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
)
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.words import ITEMS, NAME
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, NUMBER, STRING, per_item


def set_discount(frame: Evaluation, name: str, value: Decimal) -> None:
    """Adds a discount on the whole session."""
    frame.session_or_fail()
    frame.add(SetDiscount(name, _discount(value)))


def set_discount_per_item(
    frame: Evaluation,
    name: str,
    value: Decimal | Callable[[ItemFacts], Decimal],
    items: Sequence[ItemFacts] | None = None,
) -> None:
    """Adds a discount on each unit: the same for all, or computed for each."""
    for item in _targets(frame, items):
        amount = value(item) if callable(value) else value
        frame.add(_per_item(name, _discount(amount), item, None))


def set_discount_pro_rata(
    frame: Evaluation, name: str, value: Decimal, items: Sequence[ItemFacts] | None = None
) -> None:
    """Spreads one discount over the units by price; the shares sum to the whole."""
    targets = _targets(frame, items)
    shares = split(_discount(value), [item.price for item in targets])
    for item, share in zip(targets, shares, strict=True):
        frame.add(_per_item(name, share, item, value))


def set_discount_per_additional_cost(
    frame: Evaluation, name: str, cost: str, value: Decimal
) -> None:
    """Adds a discount on an additional cost that the session has."""
    if cost not in frame.session_or_fail().additional_costs:
        raise RuleFailed(f"the session has no additional cost {cost!r}")
    cost_id = frame.additional_cost_ids[cost]
    frame.add(SetDiscountPerAdditionalCost(name, cost_id, cost, _discount(value)))


def add_free_item(frame: Evaluation, sku: str, name: str, quantity: Decimal = Decimal(1)) -> None:
    """Adds one effect for each free unit."""
    frame.session_or_fail()
    if quantity != quantity.to_integral_value() or not 1 <= quantity <= CART_UNITS_MAX:
        raise RuleFailed(f"a quantity of free items must be a whole number, not {quantity}")
    for _ in range(int(quantity)):
        frame.add(AddFreeItem(sku, name))


def _targets(frame: Evaluation, items: Sequence[ItemFacts] | None) -> Sequence[ItemFacts]:
    targets = frame.session_or_fail().cart_items if items is None else items
    if not targets:
        raise RuleFailed("there is no item to give a discount on")
    return targets


def _per_item(
    name: str, value: Decimal, item: ItemFacts, total: Decimal | None
) -> SetDiscountPerItem:
    position = int(item.position)
    return SetDiscountPerItem(f"{name}#{position}", value, position, int(item.sub_position), total)


def _discount(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value <= AMOUNT_MAX:
        raise RuleFailed(f"{value} cannot be a discount")
    return value


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "setDiscount",
        (NAME, ("value", NUMBER)),
        EFFECT,
        set_discount,
        description="A discount on the whole session.",
    ),
    HostFunction(
        "setDiscountPerItem",
        (NAME, ("value", per_item("Item")), ("items", ITEMS)),
        EFFECT,
        set_discount_per_item,
        optional=1,
        description="A discount on each unit, of all items or of those given.",
    ),
    HostFunction(
        "setDiscountPerItemProRata",
        (NAME, ("value", NUMBER), ("items", ITEMS)),
        EFFECT,
        set_discount_pro_rata,
        optional=1,
        description="One discount, spread over the units in proportion to their prices.",
    ),
    HostFunction(
        "setDiscountPerAdditionalCost",
        (NAME, ("additionalCost", STRING), ("value", NUMBER)),
        EFFECT,
        set_discount_per_additional_cost,
        description="A discount on an additional cost of the session, such as shipping.",
    ),
    HostFunction(
        "addFreeItem",
        (("sku", STRING), NAME, ("quantity", NUMBER)),
        EFFECT,
        add_free_item,
        optional=1,
        description="Free units of an article.",
    ),
)
