"""A small host for tests and measurements: a shop with a session, a profile and items.

It resembles the promotion engine's dialect closely enough to exercise everything that compiled
expressions and the index rely on: nullable and unset values, attributes of every type, stable and
unstable facts, effects, and a block per item.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from habitue.rules.compile import compile_expression
from habitue.rules.desugar import desugar_expression
from habitue.rules.dialect import Dialect, Field, HostFunction, Record
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.parse import parse_expression
from habitue.rules.tree import Expression
from habitue.rules.types import (
    BOOLEAN,
    EFFECT,
    NUMBER,
    STRING,
    TIME,
    list_of,
    per_item,
    record,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Item(msgspec.Struct):
    sku: str
    category: str | None
    price: Decimal
    quantity: Decimal = Decimal(1)
    attributes: dict[str, Any] = {}


class Session(msgspec.Struct):
    total: Decimal = Decimal(0)
    cart_total: Decimal = Decimal(0)
    cart_items: list[Item] = []
    coupon_codes: list[str] = []
    store: str | None = None
    created: datetime = NOW
    discount: Decimal = Decimal(0)
    attributes: dict[str, Any] = {}


class Profile(msgspec.Struct):
    name: str | None = None
    audiences: list[str] = []
    attributes: dict[str, Any] = {}


class ShopFrame(Frame):
    __slots__ = ("campaign", "coupons", "effects", "profile", "session")

    def __init__(self, session: Session, profile: Profile | None, now: datetime = NOW) -> None:
        super().__init__(now, UTC)
        self.session = session
        self.profile = profile
        self.effects: list[tuple[Any, ...]] = []
        self.coupons: frozenset[object] = frozenset()
        self.campaign: object = None


def coupon_valid(frame: ShopFrame) -> bool:
    return frame.campaign in frame.coupons


def set_discount(frame: ShopFrame, name: str, amount: Decimal) -> None:
    frame.effects.append(("setDiscount", name, amount))


def set_discount_per_item(
    frame: ShopFrame, name: str, amount: Decimal | Callable[[Item], Decimal]
) -> None:
    for item in frame.session.cart_items:
        value = amount(item) if callable(amount) else amount
        frame.effects.append(("setDiscountPerItem", name, item.sku, value))


def units_of(frame: ShopFrame, sku: str, least: Decimal | None = None) -> Decimal:
    if sku == "forbidden":
        raise RuleFailed("this article is not counted")
    counted = sum((i.quantity for i in frame.session.cart_items if i.sku == sku), Decimal(0))
    return counted if least is None else max(counted, least)


ATTRIBUTES = {
    "channel": STRING,
    "visits": NUMBER,
    "vip": BOOLEAN,
    "birthday": TIME,
    "colors": list_of(STRING),
}

SHOP = Dialect(
    variables={
        "Session": Field(record("Session"), "session", stable=True),
        "Profile": Field(record("Profile"), "profile", stable=True, nullable=True),
    },
    records={
        "Session": Record(
            {
                "Total": Field(NUMBER, "total", stable=True),
                "CartTotal": Field(NUMBER, "cart_total", stable=True),
                "CartItems": Field(list_of(record("Item")), "cart_items", stable=True),
                "CouponCodes": Field(list_of(STRING), "coupon_codes", stable=True),
                "Store": Field(STRING, "store", stable=True, nullable=True),
                "Created": Field(TIME, "created", stable=True),
                "Discount": Field(NUMBER, "discount"),
            },
            ATTRIBUTES,
            stable_attributes=True,
        ),
        "Profile": Record(
            {
                "Name": Field(STRING, "name", stable=True, nullable=True),
                "Audiences": Field(list_of(STRING), "audiences", stable=True),
            },
            ATTRIBUTES,
        ),
        "Item": Record(
            {
                "Sku": Field(STRING, "sku", stable=True),
                "Category": Field(STRING, "category", stable=True, nullable=True),
                "Price": Field(NUMBER, "price", stable=True),
                "Quantity": Field(NUMBER, "quantity", stable=True),
            },
            ATTRIBUTES,
            stable_attributes=True,
        ),
    },
    functions={
        "couponValid": HostFunction("couponValid", (), BOOLEAN, coupon_valid),
        "unitsOf": HostFunction(
            "unitsOf", (("sku", STRING), ("least", NUMBER)), NUMBER, units_of, optional=1
        ),
        "setDiscount": HostFunction(
            "setDiscount", (("name", STRING), ("amount", NUMBER)), EFFECT, set_discount
        ),
        "setDiscountPerItem": HostFunction(
            "setDiscountPerItem",
            (("name", STRING), ("amount", per_item("Item"))),
            EFFECT,
            set_discount_per_item,
        ),
    },
)


def tree(document: object) -> Expression:
    """The expression of a JSON document, ready to be compiled."""
    expression, faults = desugar_expression(parse_expression(document))
    assert faults == ()
    return expression


def shop_frame(
    session: Session | None = None, profile: Profile | None = None, now: datetime = NOW
) -> ShopFrame:
    return ShopFrame(session or Session(), profile or Profile(), now)


def value_of(document: object, frame: Frame | None = None) -> Any:
    """What a JSON document evaluates to in the shop."""
    return compile_expression(tree(document), SHOP)(frame or shop_frame())
