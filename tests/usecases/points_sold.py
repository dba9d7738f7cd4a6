"""What sessions give and take, beside the ledgers: the sessions' side of the independent model.

Words: a *part* of a session is a unit of its cart or the cart as a whole; the *advocate* is the
other customer, by whose code a customer is brought.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from habitue.promotions.effects import AddLoyaltyPoints
from tests.loyalty.points_machine import points
from tests.loyalty.points_model import PointsModel

#: What points of a cart wait for and how long they last then, in hours, by the kind of the cart.
KINDS: dict[str, tuple[int | None, int | None]] = {
    "now": (0, None),
    "later": (24, 48),
    "action": (None, 30),
}
CARTS = st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 3)), min_size=1, max_size=3)
GIFT = 3_000
#: What whoever brings a customer is given besides: for the session as a whole.
THANKS = 500
#: A unit of a cart, or, as None, the cart as a whole.
Part = tuple[int, int] | None
#: The kind of an effect, whether the points are those of the advocate, and how many.
Told = tuple[type, bool, Decimal]
#: Whose, which kind, the lines, what it pays with, whether it closes, whether the other brought it.
Sale = tuple[int, str, list[tuple[int, int]], int, bool, bool]
SALES: st.SearchStrategy[Sale] = st.tuples(
    st.integers(0, 1),
    st.sampled_from(sorted(KINDS)),
    CARTS,
    st.one_of(st.just(0), st.integers(1, GIFT)),
    st.booleans(),
    st.booleans(),
)


@dataclass
class Sold:
    """A session: its lines as prices in hundredths and quantities, and what stands of its points.

    `units` are names and amounts of what units earned, `paid` that of what it paid with; with a
    `code` of the other customer, `brought` are those of what that one earned.
    """

    name: str
    owner: int
    kind: str
    lines: list[tuple[int, int]]
    pays: int
    state: str = "open"
    returned: dict[int, int] = field(default_factory=dict)
    units: dict[Part, tuple[str, int]] = field(default_factory=dict)
    paid: tuple[str, int] | None = None
    code: str = ""
    brought: dict[Part, tuple[str, int]] = field(default_factory=dict)

    @property
    def advocate(self) -> int:
        return 1 - self.owner

    def left(self, line: int) -> int:
        return self.lines[line][1] - self.returned.get(line, 0)


def earns(
    told: Sequence[AddLoyaltyPoints],
    wanted: Mapping[Part, int],
    terms: tuple[int | None, int | None],
    model: PointsModel,
) -> dict[Part, tuple[str, int]]:
    """Has the model earn what each part of a cart is told to give, which is what is wanted; the
    names and amounts."""
    earned: dict[Part, tuple[str, int]] = {}
    for given, (part, amount) in zip(told, wanted.items(), strict=True):
        place = None if given.sub_position is None else (given.position, given.sub_position)
        assert (place, given.value) == (part, points(amount))
        earned[part] = (str(given.key), amount)
        model.earn(str(given.key), amount, *terms)
    return earned


def rolled_back(model: PointsModel, parts: dict[Part, tuple[str, int]], part: Part) -> int:
    """Has the model take back what a part earned, if anything; how much of it was."""
    if part not in parts:
        return 0
    name, amount = parts[part]
    taken = model.take_back(name, amount)
    if taken >= amount:
        del parts[part]
    return taken
