"""The promotions and carts that every engine gets, as plain values that are written as JSON.

Words: a *promotion* is a conjunction of *conditions* and a percentage of the cart's total. A
*condition* compares a *fact* of a cart, or one *key* of it, with a value; `has` asks whether a list
has it. The mix and its spread are those of `bench.rules`: however many there are, about fifteen
apply. Sums of categories and articles are facts that peers are given; Habitue adds them up itself.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import msgspec

CARTS = 10
LINES = 15
BROAD_PROMOTIONS = 20
CATEGORIES = 12
SEED = 20261120

Value = str | int | bool


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """One comparison; all of a promotion must hold."""

    fact: str
    operator: Literal["==", ">=", "has"]
    value: Value
    key: str = ""


class Promotion(msgspec.Struct, frozen=True):
    """What a marketer configured; ids count from 1."""

    id: int
    conditions: tuple[Condition, ...]
    percent: int


class Line(msgspec.Struct, frozen=True):
    """One line of a cart."""

    sku: str
    category: str
    price: Decimal
    quantity: int


class Cart(msgspec.Struct, frozen=True):
    """What is known of one visit."""

    lines: tuple[Line, ...]
    channel: str
    vip: bool
    store: str
    audiences: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))


class PricedLine(msgspec.Struct, frozen=True):
    """A line as engines have it that compute a whole order."""

    price: float
    quantity: int


class Facts(msgspec.Struct, frozen=True):
    """A cart as the conditions read it; amounts are binary numbers, as the peers have them."""

    total: float
    channel: str
    vip: bool
    store: str
    audiences: tuple[str, ...]
    codes: tuple[str, ...]
    spent: dict[str, float]
    units: dict[str, int]
    lines: tuple[PricedLine, ...]


def promotions(size: int) -> list[Promotion]:
    """That many promotions, the same ones each time; broad ones are spread among the others."""
    pick = random.Random(SEED + size)
    kinds, weights = zip(*_NARROW, strict=True)
    broad = set(pick.sample(range(1, size + 1), min(size // 10, BROAD_PROMOTIONS)))
    made = []
    for number in range(1, size + 1):
        kind = _broad if number in broad else pick.choices(kinds, weights)[0]
        made.append(Promotion(number, kind(pick, size, number), pick.randrange(1, 4)))
    return made


def carts(size: int) -> list[Cart]:
    """Carts of a shop with that many promotions."""
    pick = random.Random(SEED)
    return [_cart(pick, size) for _ in range(CARTS)]


def facts(cart: Cart) -> Facts:
    """What the peers are given of a cart."""
    spent: dict[str, Decimal] = {}
    units: dict[str, int] = {}
    for line in cart.lines:
        spent[line.category] = spent.get(line.category, Decimal(0)) + line.price * line.quantity
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    return Facts(
        float(cart.total),
        cart.channel,
        cart.vip,
        cart.store,
        cart.audiences,
        cart.codes,
        {category: float(amount) for category, amount in spent.items()},
        units,
        tuple(PricedLine(float(line.price), line.quantity) for line in cart.lines),
    )


def _cart(pick: random.Random, size: int) -> Cart:
    held = pick.sample(range(CATEGORIES), CATEGORIES // 2)
    lines = tuple(
        Line(
            f"sku{pick.randrange(_articles(size))}",
            f"category{pick.choice(held)}",
            Decimal(pick.randrange(100, 5_000)) / 100,
            pick.randrange(1, 4),
        )
        for _ in range(LINES)
    )
    return Cart(
        lines,
        pick.choice(("web", "app")),
        pick.choice((True, False)),
        f"store{pick.randrange(_stores(size))}",
        tuple(f"audience{each}" for each in pick.sample(range(_audiences(size)), 5)),
        tuple(f"code{each}" for each in pick.sample(range(1, size + 1), 2)),
    )


def _coupon(pick: random.Random, size: int, number: int) -> tuple[Condition, ...]:
    return Condition("codes", "has", f"code{number}"), _total(pick, 60)


def _audience(pick: random.Random, size: int, number: int) -> tuple[Condition, ...]:
    audience = f"audience{pick.randrange(_audiences(size))}"
    return (
        Condition("audiences", "has", audience),
        Condition("spent", ">=", pick.randrange(10, 80), _category(pick)),
    )


def _article(pick: random.Random, size: int, number: int) -> tuple[Condition, ...]:
    return (
        Condition("units", ">=", pick.randrange(1, 3), f"sku{pick.randrange(_articles(size))}"),
    )


def _store(pick: random.Random, size: int, number: int) -> tuple[Condition, ...]:
    store = f"store{pick.randrange(_stores(size))}"
    spent = Condition("spent", ">=", 1, _category(pick))
    return Condition("store", "==", store), spent, _total(pick, 200)


def _broad(pick: random.Random, size: int, number: int) -> tuple[Condition, ...]:
    channel = Condition("channel", "==", pick.choice(("web", "app")))
    return channel, Condition("vip", "==", pick.choice((True, False))), _total(pick, 300)


_Kind = Callable[[random.Random, int, int], tuple[Condition, ...]]
_NARROW: tuple[tuple[_Kind, int], ...] = (
    (_coupon, 40),
    (_audience, 20),
    (_article, 15),
    (_store, 25),
)


def _total(pick: random.Random, below: int) -> Condition:
    return Condition("total", ">=", pick.randrange(10, below))


def _category(pick: random.Random) -> str:
    return f"category{pick.randrange(CATEGORIES)}"


def _audiences(size: int) -> int:
    return max(10, size // 10)


def _articles(size: int) -> int:
    return max(30, size // 2)


def _stores(size: int) -> int:
    return max(5, size // 20)
