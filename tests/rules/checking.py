"""What the tests of the checker share: a dialect, and short ways to ask."""

from dataclasses import replace
from typing import Any

from habitue.model.errors import Fault
from habitue.rules.check import CheckReport, check_formula, check_ruleset
from habitue.rules.dialect import Dialect, HostFunction
from habitue.rules.notation import read_text
from habitue.rules.ruleset import parse_ruleset
from habitue.rules.types import (
    ANY,
    BOOLEAN,
    EFFECT,
    NUMBER,
    STRING,
    Type,
)
from tests.rules.shop import SHOP

FEATURES = frozenset({"coupons", "loyalty"})


def _host(name: str, result: Type, *parameters: Type, feature: str | None = None) -> HostFunction:
    named = tuple((f"p{index}", type_) for index, type_ in enumerate(parameters))
    return HostFunction(name, named, result, print, feature=feature)


ADDED = (
    _host("couponValid", BOOLEAN, feature="coupons"),
    _host("referralValid", BOOLEAN, feature="referrals"),
    _host("addLoyaltyPoints", EFFECT, STRING, NUMBER, feature="loyalty"),
    _host("loyaltyBalance", NUMBER, STRING, feature="loyalty"),
    _host("notify", EFFECT, ANY),
)
DIALECT: Dialect = replace(
    SHOP, functions={**SHOP.functions, **{function.name: function for function in ADDED}}
)
DISCOUNT = ["setDiscount", "off", 5]


def check(
    condition: Any = True,
    effects: Any = (DISCOUNT,),
    bindings: Any = (),
    shared: Any = (),
    features: frozenset[str] = FEATURES,
) -> CheckReport:
    rule = {"title": "R", "condition": condition, "effects": effects, "bindings": bindings}
    return check_ruleset(parse_ruleset({"rules": [rule], "bindings": shared}), DIALECT, features)


def told(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.title) for fault in faults]


def formula(text: str, wanted: Type = ANY, **names: Type) -> Type:
    """The type of a formula without errors."""
    report = check_formula(read_text(text), DIALECT, wanted, names, FEATURES)
    assert report.errors == ()
    return report.type


TOTAL = [".", "Session", "Total"]
ITEMS = [".", "Session", "CartItems"]
