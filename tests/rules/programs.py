"""Random rules and random carts for them: trees that are well typed, and some that are not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.rules.shop import NOW, Item, Profile, Session, ShopFrame

Document = Any
Draw = Callable[..., Any]

WORDS = ("Kitchen", "Garden", "web", "shop", "red", "", "7")
NUMBERS = tuple(Decimal(text) for text in ("0", "1", "2", "-3", "0.5", "100", "59.90"))
SESSION_NUMBERS = ("Total", "CartTotal", "Discount")

words = st.sampled_from(WORDS)
numbers = st.sampled_from(NUMBERS)

attributes = st.fixed_dictionaries(
    {},
    optional={
        "channel": words,
        "visits": numbers,
        "vip": st.booleans(),
        "birthday": st.just(NOW - timedelta(days=400)),
        "colors": st.lists(words, max_size=3),
        "undeclared": words,
    },
)
items = st.builds(
    Item,
    sku=words,
    category=st.none() | words,
    price=numbers,
    quantity=st.sampled_from((Decimal(1), Decimal(2))),
    attributes=attributes,
)
sessions = st.builds(
    Session,
    total=numbers,
    cart_total=numbers,
    cart_items=st.lists(items, max_size=4),
    coupon_codes=st.lists(words, max_size=2),
    store=st.none() | words,
    discount=numbers,
    attributes=attributes,
)
profiles = st.builds(
    Profile,
    name=st.none() | words,
    audiences=st.lists(words, max_size=3),
    attributes=attributes,
)


NO_COUPONS: st.SearchStrategy[frozenset[object]] = st.just(frozenset())


def frames(coupons: st.SearchStrategy[Any] = NO_COUPONS) -> Any:
    """Frames of a random session, with or without a profile."""

    def build(session: Session, profile: Profile | None, coupons: frozenset[object]) -> ShopFrame:
        frame = ShopFrame(session, profile)
        frame.coupons = coupons
        frame.bindings = {"Bound": Decimal(7), "Words": list(WORDS)}
        return frame

    return st.builds(build, sessions, st.none() | profiles, coupons)


class Program:
    """Draws one expression; `scope` maps the names of block parameters to what they hold."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def of(self, kind: str, depth: int, scope: dict[str, str]) -> Document:
        """An expression of a kind; now and then one of another kind, to see it fail alike."""
        if self.draw(st.integers(0, 24)) == 0:
            kind = self.draw(st.sampled_from(("number", "string", "boolean", "list")))
        choices = getattr(self, f"_{kind}s")(depth, scope)
        return self.draw(st.sampled_from(choices))()

    def _path(self, kind: str, scope: dict[str, str]) -> list[Document]:
        """Reads of the kind that are possible here."""
        names = {"number": "visits", "string": "channel", "boolean": "vip", "time": "birthday"}
        fields = {
            "number": ("Price", "Quantity"),
            "string": ("Sku", "Category"),
        }
        found: list[Document] = [[".", name] for name, held in scope.items() if held == kind]
        records = [name for name, held in scope.items() if held == "item"]
        for record in records:
            found += [[".", record, field] for field in fields.get(kind, ())]
        if kind in names:
            holders = [*records, "Session", "Profile"]
            found += [[".", holder, "Attributes", names[kind]] for holder in holders]
            found.append([".", "Profile", names[kind]])
        return found

    def _reads(self, kind: str, scope: dict[str, str]) -> list[Callable[[], Document]]:
        return [lambda read=read: read for read in self._path(kind, scope)]  # type: ignore[misc]

    def _catch(self, kind: str, depth: int, scope: dict[str, str]) -> Document:
        name = self.draw(st.sampled_from(("catch", ".|")))
        return [name, self.of(kind, 0, scope), self.of(kind, depth - 1, scope)]

    def _let(self, kind: str, depth: int, scope: dict[str, str]) -> Document:
        held = self.draw(st.sampled_from(("number", "string", "boolean")))
        name = f"v{len(scope)}"
        body = self.of(kind, depth - 1, {**scope, name: held})
        return ["do", self.of(held, depth - 1, scope), [[name], body]]

    def _numbers(self, depth: int, scope: dict[str, str]) -> list[Callable[[], Document]]:
        simple: list[Callable[[], Document]] = [
            lambda: self.draw(numbers),
            lambda: [".", "Session", self.draw(st.sampled_from(SESSION_NUMBERS))],
            lambda: [".", "Bound"],
            *self._reads("number", scope),
        ]
        if depth <= 0:
            return simple
        return [
            *simple,
            lambda: [
                self.draw(st.sampled_from(("+", "-", "*", "/", "mod"))),
                *(self.of("number", depth - 1, scope) for _ in range(self.draw(_TWO_OR_THREE))),
            ],
            lambda: ["floor", self.of("number", depth - 1, scope)],
            lambda: ["count", self.of("items", depth - 1, scope)],
            lambda: self._over_items("sum", "number", depth, scope),
            lambda: ["max", ["map", *self._over_items("map", "number", depth, scope)[1:]]],
            lambda: ["unitsOf", self.of("string", depth - 1, scope)],
            lambda: ["item", self.of("list", depth - 1, scope), self.draw(st.integers(0, 2))],
            lambda: self._catch("number", depth, scope),
            lambda: self._let("number", depth, scope),
        ]

    def _strings(self, depth: int, scope: dict[str, str]) -> list[Callable[[], Document]]:
        simple: list[Callable[[], Document]] = [
            lambda: self.draw(words),
            lambda: [".", "Session", "Store"],
            lambda: [".", "Profile", "Name"],
            lambda: [".", "Session", "undeclared"],
            *self._reads("string", scope),
        ]
        if depth <= 0:
            return simple
        return [
            *simple,
            lambda: ["+", self.of("string", depth - 1, scope), self.of("string", depth - 1, scope)],
            lambda: ["toString", self.of("number", depth - 1, scope)],
            lambda: ["firstName", self.of("string", depth - 1, scope)],
            lambda: ["head", self.of("list", depth - 1, scope)],
            lambda: self._catch("string", depth, scope),
            lambda: self._let("string", depth, scope),
        ]

    def _lists(self, depth: int, scope: dict[str, str]) -> list[Callable[[], Document]]:
        return [
            lambda: [".", "Profile", "Audiences"],
            lambda: [".", "Words"],
            lambda: [".", "Session", "CouponCodes"],
            lambda: [".", "Session", "Attributes", "colors"],
            lambda: ["list", self.of("string", 0, scope), self.of("number", 0, scope)],
            lambda: ["reverse", [".", "Words"]],
            lambda: self._over_items("map", "string", depth, scope),
        ]

    def _itemss(self, depth: int, scope: dict[str, str]) -> list[Callable[[], Document]]:
        cart: Document = [".", "Session", "CartItems"]
        if depth <= 0:
            return [lambda: cart]
        return [
            lambda: cart,
            lambda: self._over_items("filter", "boolean", depth, scope),
            lambda: ["tail", self.of("items", depth - 1, scope)],
            lambda: self._over_items("sortByNumber", "number", depth, scope),
        ]

    def _over_items(self, form: str, kind: str, depth: int, scope: dict[str, str]) -> Document:
        name = f"v{len(scope)}"
        body = self.of(kind, depth - 1, {**scope, name: "item"})
        return [form, self.of("items", depth - 1, scope), [[name], body]]

    def _booleans(self, depth: int, scope: dict[str, str]) -> list[Callable[[], Document]]:
        simple: list[Callable[[], Document]] = [
            lambda: self.draw(st.booleans()),
            lambda: ["couponValid"],
            *self._reads("boolean", scope),
        ]
        if depth <= 0:
            return simple
        return [
            *simple,
            lambda: self._joined(depth, scope),
            lambda: ["not", self.of("boolean", depth - 1, scope)],
            lambda: ["catch", False, self._joined(depth, scope)],
            lambda: ["catch", False, self._equality(depth, scope)],
            lambda: self._equality(depth, scope),
            lambda: [
                self.draw(st.sampled_from(("<", "<=", ">", ">="))),
                *(self.of("number", depth - 1, scope) for _ in range(self.draw(_TWO_OR_THREE))),
            ],
            lambda: ["before", self.draw(st.sampled_from(self._path("time", scope))), NOW_TEXT],
            lambda: ["contains", self.of("list", depth - 1, scope), self.of("string", 0, scope)],
            lambda: ["startsWith", self.of("string", depth - 1, scope), self.draw(words)],
            lambda: self._over_items("exists", "boolean", depth, scope),
            lambda: self._over_items("every", "boolean", depth, scope),
            lambda: ["isEmpty", self.of("items", depth - 1, scope)],
            lambda: self._catch("boolean", depth, scope),
            lambda: self._let("boolean", depth, scope),
        ]

    def _joined(self, depth: int, scope: dict[str, str]) -> Document:
        count = self.draw(st.integers(0, 3))
        parts = [self.of("boolean", depth - 1, scope) for _ in range(count)]
        return [self.draw(st.sampled_from(("and", "or"))), *parts]

    def _equality(self, depth: int, scope: dict[str, str]) -> Document:
        kind = self.draw(st.sampled_from(("string", "string", "number", "boolean")))
        pair = [self.of(kind, 0, scope), self.of(kind, depth - 1, scope)]
        return [self.draw(st.sampled_from(("=", "=", "!="))), *self.draw(st.permutations(pair))]


_TWO_OR_THREE = st.sampled_from((2, 2, 3))
NOW_TEXT = "2026-01-01T00:00:00Z"


@st.composite
def programs(draw: Draw, kind: str = "boolean", depth: int = 4) -> Document:
    """The JSON document of a random expression of a kind."""
    return Program(draw).of(kind, depth, {})
