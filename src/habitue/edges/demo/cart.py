"""What the demo shop sells, what was bought there before, and the cart that is looked at.

Words: an *article* is a line of the price list; an *order* is a session as the web shop would send
it. Orders of the past are sent closed, once; the cart stays open, so that anybody can try it again.

Invariant: all prices are in the currency of the application in `shop.yaml`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec


class Article(msgspec.Struct, frozen=True):
    """One article at its price for one unit."""

    sku: str
    name: str
    category: str
    brand: str
    price: Decimal


class Order(msgspec.Struct, frozen=True):
    """A session: who buys how many of what, with which codes."""

    session_id: str
    profile_id: str
    quantities: Mapping[str, int]
    coupon_codes: tuple[str, ...] = ()
    shipping: Decimal = Decimal("4.90")


APPLICATION = "Larder"
CURRENCY = "EUR"

PRICE_LIST: Mapping[str, Article] = {
    each.sku: each
    for each in (
        Article("COF-ETH", "Filter coffee Ethiopia, 250 g", "coffee", "Larder", Decimal("12.90")),
        Article("COF-ESP", "Espresso blend, 1 kg", "coffee", "Larder", Decimal("24.50")),
        Article("TEA-ASS", "Assam tea, 100 g", "tea", "Gardens", Decimal("8.40")),
        Article("CHO-DRK", "Dark chocolate", "chocolate", "Cacaotal", Decimal("3.80")),
        Article("MUG-BLU", "Blue mug", "tableware", "Kiln", Decimal("14.00")),
        Article("GRI-HND", "Hand grinder", "equipment", "Millwork", Decimal("79.00")),
        Article("FIL-100", "Paper filters, 100", "equipment", "Larder", Decimal("4.20")),
    )
}

PAST_ORDERS = (
    Order("order-1001", "maria", {"COF-ETH": 1}),
    Order("order-1002", "oskar", {"TEA-ASS": 2, "MUG-BLU": 1}, ("OPENING",)),
)

CART = Order(
    "cart-1",
    "maria",
    {"COF-ETH": 2, "COF-ESP": 1, "MUG-BLU": 1, "CHO-DRK": 3},
    ("WELCOME5", "SUMMER5"),
)


def session_body(order: Order, state: str = "open") -> dict[str, Any]:
    """The order as the body of a session update."""
    items = [_item(PRICE_LIST[sku], quantity) for sku, quantity in order.quantities.items()]
    return {
        "profileId": order.profile_id,
        "state": state,
        "couponCodes": list(order.coupon_codes),
        "cartItems": items,
        "additionalCosts": {"shipping": {"price": order.shipping}},
        "attributes": {"channel": "web"},
    }


def _item(article: Article, quantity: int) -> dict[str, Any]:
    return {
        "sku": article.sku,
        "name": article.name,
        "category": article.category,
        "price": article.price,
        "quantity": quantity,
        "attributes": {"brand": article.brand},
    }
