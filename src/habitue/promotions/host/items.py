"""Choosing units of the cart: the cheapest, the dearest, those that are free of so many bought.

None of these depends on the order of the cart's lines: units are told apart by price, then by
article, then by place.
"""

from collections.abc import Sequence
from decimal import Decimal

from habitue.model.limits import CART_UNITS_MAX
from habitue.promotions.bundles import by_price
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.words import ITEMS
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import NUMBER, STRING, record

_COUNT = ("count", NUMBER)
_ITEM = ("item", record("Item"))


def cheapest(frame: Evaluation, items: Sequence[ItemFacts], count: Decimal) -> list[ItemFacts]:
    """The `count` units that cost least; all where there are no more."""
    frame.charge(1 + len(items))
    return by_price(items, dearest_first=False)[: _whole("count", count)]


def dearest(frame: Evaluation, items: Sequence[ItemFacts], count: Decimal) -> list[ItemFacts]:
    """The `count` units that cost most; all where there are no more."""
    frame.charge(1 + len(items))
    return by_price(items, dearest_first=True)[: _whole("count", count)]


def buy_get(
    frame: Evaluation,
    items: Sequence[ItemFacts],
    buy: Decimal,
    get: Decimal,
    times: Decimal | None = None,
) -> list[ItemFacts]:
    """The cheapest `get` units for each full group of `buy` + `get`, in `times` groups at most."""
    frame.charge(1 + len(items))
    bought, got = _whole("buy", buy), _whole("get", get)
    if bought + got == 0:
        raise RuleFailed("a group has at least one unit")
    groups = len(items) // (bought + got)
    if times is not None:
        groups = min(groups, _whole("times", times))
    return by_price(items, dearest_first=False)[: groups * got]


def additional_cost(frame: Evaluation, name: str) -> Decimal:
    """An additional cost of the session. Raises `RuleFailed` where it has none of that name."""
    cost = frame.session_or_fail().additional_costs.get(name)
    if cost is None:
        raise RuleFailed(f"the session has no additional cost {name!r}")
    return cost


def item_additional_cost(frame: Evaluation, item: ItemFacts, name: str) -> Decimal:
    """An additional cost of a unit. Raises `RuleFailed` where it has none of that name."""
    cost = item.additional_costs.get(name)
    if cost is None:
        raise RuleFailed(f"the item has no additional cost {name!r}")
    return cost


def _whole(name: str, number: Decimal) -> int:
    if number != number.to_integral_value() or not 0 <= number <= CART_UNITS_MAX:
        raise RuleFailed(f"{name} must be a whole number, not {number}")
    return int(number)


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "cheapest",
        (("items", ITEMS), _COUNT),
        ITEMS,
        cheapest,
        description="The units of the list that cost least, at most so many.",
    ),
    HostFunction(
        "dearest",
        (("items", ITEMS), _COUNT),
        ITEMS,
        dearest,
        description="The units of the list that cost most, at most so many.",
    ),
    HostFunction(
        "buyGet",
        (("items", ITEMS), ("buy", NUMBER), ("get", NUMBER), ("times", NUMBER)),
        ITEMS,
        buy_get,
        optional=1,
        description="Buy X, get Y: the cheapest Y units for each X + Y in the list.",
    ),
    HostFunction(
        "additionalCost",
        (("name", STRING),),
        NUMBER,
        additional_cost,
        description="An additional cost of the session, by name.",
    ),
    HostFunction(
        "itemAdditionalCost",
        (_ITEM, ("name", STRING)),
        NUMBER,
        item_additional_cost,
        description="An additional cost of a unit, by name.",
    ),
)
