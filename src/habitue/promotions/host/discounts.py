"""Effects that take something off the price, and free units.

Whatever a formula yields that cannot be a discount (a negative or a boundless amount, an unknown
cost) fails the rule, never the request.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from habitue.model.limits import CART_UNITS_MAX
from habitue.pricing.split import split
from habitue.promotions.effects import (
    AddFreeItem,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
)
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.giving import (
    counts,
    discount,
    exhausted,
    grant,
    item_scope,
    session_scope,
    targets,
)
from habitue.promotions.host.words import ITEMS, NAME, PARTIAL, SCOPE
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import BOOLEAN, EFFECT, NUMBER, STRING, per_item

_EXCLUDED = ("excludedFromPriceHistory", BOOLEAN)
PerItem = Decimal | Callable[[ItemFacts], Decimal]


def set_discount(
    frame: Evaluation,
    name: str,
    value: Decimal,
    scope: str | None = None,
    partial: bool | None = None,
) -> None:
    """Adds a discount on the whole session."""
    frame.session_or_fail()
    lowered = session_scope(frame, scope)
    given = grant(frame, discount(value), partial)
    amount = given.value
    if frame.cascade is not None and lowered is not None:
        amount = frame.cascade.of_session(lowered, amount)
    frame.add(SetDiscount(name, amount, lowered, given.desired))


def set_discount_per_item(
    frame: Evaluation,
    name: str,
    value: PerItem,
    items: Sequence[ItemFacts] | None = None,
    scope: str | None = None,
    partial: bool | None = None,
    excluded: bool = False,
) -> None:
    """Adds a discount on each unit: the same for all, or computed for each; `excluded` ones do not
    lower what an article has cost by its history."""
    lowered = item_scope(frame, scope)
    wanted = [
        (item, discount(value(item) if callable(value) else value))
        for item in targets(frame, items)
        if counts(frame, item)
    ]
    for index, (item, amount) in enumerate(wanted):
        if index and exhausted(frame, partial):
            return
        given = grant(frame, amount, partial)
        amount = given.value
        if frame.cascade is not None and lowered is not None:
            amount = frame.cascade.of_item(item, lowered, amount)
        position = int(item.position)
        outcome = SetDiscountPerItem(
            f"{name}#{position}",
            amount,
            position,
            int(item.sub_position),
            None,
            given.desired,
            None,
            lowered,
            excluded_from_price_history=excluded,
        )
        frame.add(outcome)


def set_discount_pro_rata(
    frame: Evaluation,
    name: str,
    value: Decimal,
    items: Sequence[ItemFacts] | None = None,
    scope: str | None = None,
    partial: bool | None = None,
) -> None:
    """Spreads one discount over the units by price; the shares sum to the whole."""
    spread(frame, name, value, targets(frame, items), scope, partial)


def spread(
    frame: Evaluation,
    name: str,
    value: Decimal,
    units: Sequence[ItemFacts],
    scope: str | None,
    partial: bool | None,
    bundle: tuple[int, str] | None = None,
) -> None:
    """Spreads one discount over those units by what is left of their prices."""
    lowered = item_scope(frame, scope)
    cascade = frame.cascade
    weights = [item.price for item in units]
    value = discount(value)
    if cascade is not None and lowered is not None:
        weights = [cascade.left_of_item(item, lowered) for item in units]
        value = min(value, sum(weights, Decimal(0)))
    given = grant(frame, value, partial)
    wished = given.desired
    wishes = [None] * len(units) if wished is None else split(wished, weights)
    for item, share, wish in zip(units, split(given.value, weights), wishes, strict=True):
        if not counts(frame, item):
            continue
        if cascade is not None and lowered is not None:
            share = cascade.of_item(item, lowered, share)
        position = int(item.position)
        outcome = SetDiscountPerItem(
            f"{name}#{position}",
            share,
            position,
            int(item.sub_position),
            given.value,
            wish,
            wished,
            lowered,
            *(bundle or (None, None)),
        )
        frame.add(outcome)


def set_discount_per_additional_cost(
    frame: Evaluation, name: str, cost: str, value: Decimal, partial: bool | None = None
) -> None:
    """Adds a discount on an additional cost that the session has."""
    if cost not in frame.session_or_fail().additional_costs:
        raise RuleFailed(f"the session has no additional cost {cost!r}")
    cost_id = frame.additional_cost_ids[cost]
    given = grant(frame, discount(value), partial)
    amount = given.value
    if frame.cascade is not None:
        amount = frame.cascade.of_cost(cost, amount)
    wished = given.desired
    frame.add(SetDiscountPerAdditionalCost(name, cost_id, cost, amount, wished))


def set_discount_per_additional_cost_per_item(
    frame: Evaluation,
    name: str,
    cost: str,
    value: PerItem,
    items: Sequence[ItemFacts] | None = None,
    partial: bool | None = None,
) -> None:
    """Adds a discount on an additional cost of each unit, all of which must have it."""
    units = targets(frame, items)
    lacking = next((item for item in units if cost not in item.additional_costs), None)
    if lacking is not None:
        details = f"line {lacking.position} of the cart has no additional cost {cost!r}"
        raise RuleFailed(details)
    cost_id = frame.additional_cost_ids[cost]
    for item in units:
        if not counts(frame, item):
            continue
        wanted = discount(value(item) if callable(value) else value)
        given = grant(frame, wanted, partial)
        amount = given.value
        if frame.cascade is not None:
            amount = frame.cascade.of_item_cost(item, cost, amount)
        position = int(item.position)
        outcome = SetDiscountPerAdditionalCostPerItem(
            f"{name}#{position}",
            cost_id,
            cost,
            amount,
            position,
            int(item.sub_position),
            given.desired,
        )
        frame.add(outcome)


def add_free_item(
    frame: Evaluation,
    sku: str,
    name: str,
    quantity: Decimal = Decimal(1),
    partial: bool | None = None,
) -> None:
    """Adds one effect for each free unit."""
    frame.session_or_fail()
    if quantity != quantity.to_integral_value() or not 1 <= quantity <= CART_UNITS_MAX:
        raise RuleFailed(f"a quantity of free items must be a whole number, not {quantity}")
    given = grant(frame, quantity, partial, "addFreeItemEffect")
    for _ in range(int(given.value)):
        frame.add(AddFreeItem(sku, name, given.desired))


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "setDiscount",
        (NAME, ("value", NUMBER), SCOPE, PARTIAL),
        EFFECT,
        set_discount,
        optional=2,
        description="A discount on the whole session.",
    ),
    HostFunction(
        "setDiscountPerItem",
        (NAME, ("value", per_item("Item")), ("items", ITEMS), SCOPE, PARTIAL, _EXCLUDED),
        EFFECT,
        set_discount_per_item,
        optional=4,
        on_items=True,
        description="A discount on each unit, of all items or of those given.",
    ),
    HostFunction(
        "setDiscountPerItemProRata",
        (NAME, ("value", NUMBER), ("items", ITEMS), SCOPE, PARTIAL),
        EFFECT,
        set_discount_pro_rata,
        optional=3,
        on_items=True,
        description="One discount, spread over the units in proportion to their prices.",
    ),
    HostFunction(
        "setDiscountPerAdditionalCost",
        (NAME, ("additionalCost", STRING), ("value", NUMBER), PARTIAL),
        EFFECT,
        set_discount_per_additional_cost,
        optional=1,
        description="A discount on an additional cost of the session, such as shipping.",
    ),
    HostFunction(
        "setDiscountPerAdditionalCostPerItem",
        (
            NAME,
            ("additionalCost", STRING),
            ("value", per_item("Item")),
            ("items", ITEMS),
            PARTIAL,
        ),
        EFFECT,
        set_discount_per_additional_cost_per_item,
        optional=2,
        on_items=True,
        description="A discount on an additional cost of each unit; fails where one lacks it.",
    ),
    HostFunction(
        "addFreeItem",
        (("sku", STRING), NAME, ("quantity", NUMBER), PARTIAL),
        EFFECT,
        add_free_item,
        optional=2,
        description="Free units of an article.",
    ),
)
