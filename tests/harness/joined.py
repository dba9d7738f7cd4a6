"""What should be known of customers that are joined and taken apart, as dictionaries.

A *root* is a customer as it came to be, by its id. The model is a log: who told what when, and
which merges stand. Everything else is worked out of the log from its beginning, so that a merge
that was undone has never been. No code of the engine is used.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PERSONAL_LIMIT = 2
Attributes = dict[str, Any]


@dataclass
class Visit:
    """A session, by its root; None for a guest's."""

    root: int | None
    state: str = "open"
    total: int = 0
    redeemed: bool = False
    updates: int = 0


@dataclass
class Joined:
    """The whole state. `log` holds ("told", root, attributes) and ("merged", victim, survivor)."""

    log: list[tuple[Any, ...]] = field(default_factory=list)
    merges: dict[int, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    parts: set[int] = field(default_factory=set)

    @property
    def roots(self) -> set[int]:
        """Every card there ever was."""
        return {event[1] for event in self.log if event[0] == "born"}

    def owner(self, root: int) -> int:
        """The customer that the root is a part of."""
        while root in self.merges:
            root = self.merges[root]
        return root

    def standing(self) -> list[int]:
        """Customers that stand for themselves."""
        return sorted(self.roots - set(self.merges))

    def family(self, root: int) -> set[int]:
        """All roots that are one customer with this one."""
        return {each for each in self.roots if self.owner(each) == self.owner(root)}

    def merge(self, survivor: int, victim: int) -> None:
        self.merges[victim] = survivor
        self.log.append(("merged", victim, survivor))

    def unmerge(self, victim: int) -> None:
        del self.merges[victim]
        last = max(n for n, each in enumerate(self.log) if each[:2] == ("merged", victim))
        del self.log[last]

    def attributes(self) -> dict[int, Attributes]:
        """The attributes of every customer that stands for itself."""
        cards: dict[int, Attributes] = {}
        within: dict[int, int] = {}
        for event in self.log:
            match event:
                case ("born", root):
                    cards[root], within[root] = {}, root
                case ("told", root, told):
                    card = cards[within[root]]
                    card.update(told)
                    for name in [name for name, value in card.items() if value is None]:
                        del card[name]
                case ("merged", victim, survivor):
                    cards[survivor] = cards.pop(victim) | cards[survivor]
                    for root in [each for each in within if within[each] == victim]:
                        within[root] = survivor
        return cards

    def may_redeem(self, root: int) -> bool:
        """Whether the personal limit leaves a use."""
        family = self.family(root)
        used = sum(each.redeemed for each in self.visits.values() if each.root in family)
        return used < PERSONAL_LIMIT

    def counters(self, customer: int) -> tuple[int, int, Decimal]:
        """Sessions, closed sessions and sales of a customer that stands for itself."""
        family = self.family(customer)
        mine = [each for each in self.visits.values() if each.root in family]
        closed = [each for each in mine if each.state == "closed"]
        return len(mine), len(closed), Decimal(sum(each.total for each in closed))
