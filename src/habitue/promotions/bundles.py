"""Bundles: units of the cart that belong together, one out of each of several lists.

Words: a *bundle* is one unit out of each list, a *slot* is a list's place in it. A unit is used at
most once. As many bundles are formed as there can be; each takes the dearest units that still leave
all the others possible, so that the order of the cart's lines does not matter (units of one price
are told apart by their article, and then by their place).

How many there can be is Hall's theorem: k bundles are possible if and only if every set of slots
finds k units for each of its slots among its lists together.
"""

from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from habitue.model.numbers import ZERO
from habitue.promotions.facts import ItemFacts

#: More lists than this are not bundled: the sets of slots double with each.
SLOTS_MAX = 5

#: The slots whose lists hold a unit, or any other set of slots: one bit for each.
Slots: TypeAlias = int


class BundleFacts(msgspec.Struct, frozen=True, eq=False):
    """One bundle; `index` counts from 0 among those that were formed together."""

    index: Decimal
    name: str
    items: tuple[ItemFacts, ...]

    @property
    def total(self) -> Decimal:
        """What its units cost together."""
        return sum((item.price for item in self.items), ZERO)


def formed(
    name: str, lists: Sequence[Sequence[ItemFacts]], attribute: str | None = None
) -> Iterator[BundleFacts]:
    """The bundles of units of those lists, which are alike in `attribute` where one is named."""
    index = 0
    for alike in _groups(lists, attribute):
        for items in _bundled(alike):
            yield BundleFacts(Decimal(index), name, items)
            index += 1


def by_price(items: Sequence[ItemFacts], *, dearest_first: bool) -> list[ItemFacts]:
    """The units by price; those of one price by article and place."""
    ordered = sorted(items, key=lambda each: (each.sku, each.position, each.sub_position))
    return sorted(ordered, key=lambda each: each.price, reverse=dearest_first)


def _groups(
    lists: Sequence[Sequence[ItemFacts]], attribute: str | None
) -> Iterator[Sequence[Sequence[ItemFacts]]]:
    if attribute is None:
        yield lists
        return
    values = {_value(item, attribute) for items in lists for item in items} - {None}
    for value in sorted(values, key=lambda each: (type(each).__name__, str(each))):
        yield [[item for item in items if _value(item, attribute) == value] for items in lists]


def _value(item: ItemFacts, attribute: str) -> Hashable:
    fields: dict[str, Any] = {"Sku": item.sku, "Name": item.name, "Category": item.category}
    value = fields.get(attribute, item.attributes.get(attribute))
    return tuple(value) if isinstance(value, list) else value


def _bundled(lists: Sequence[Sequence[ItemFacts]]) -> Iterator[tuple[ItemFacts, ...]]:
    stock = _Stock(lists)
    slots = range(len(lists))
    demand = [stock.most()] * len(lists)
    for _ in range(demand[0]):
        items = []
        for slot in slots:
            demand[slot] -= 1
            items.append(stock.take(slot, demand))
        yield tuple(items)


class _Stock:
    """The units that are left, by the slots that they fit; dearest last."""

    def __init__(self, lists: Sequence[Sequence[ItemFacts]]) -> None:
        slots_of: dict[int, Slots] = {}
        units: dict[int, ItemFacts] = {}
        for slot, items in enumerate(lists):
            for item in items:
                units[id(item)] = item
                slots_of[id(item)] = slots_of.get(id(item), 0) | 1 << slot
        self._units: dict[Slots, list[ItemFacts]] = {}
        for item in reversed(by_price(list(units.values()), dearest_first=True)):
            self._units.setdefault(slots_of[id(item)], []).append(item)
        self._sets = range(1, 1 << len(lists))
        self._slots = range(len(lists))
        self._counts = [
            sum(len(each) for fits, each in self._units.items() if fits & chosen)
            for chosen in range(1 << len(lists))
        ]

    def most(self) -> int:
        """How many bundles there can be."""
        return min(self._counts[chosen] // chosen.bit_count() for chosen in self._sets)

    def take(self, slot: int, demand: Sequence[int]) -> ItemFacts:
        """The dearest unit for the slot that leaves what is still in demand possible."""
        fitting = [each for each in self._units if each >> slot & 1 and self._units[each]]
        for fits in sorted(fitting, key=self._dearest, reverse=True):
            if self._possible_without(fits, demand):
                self._counts = [
                    count - 1 if chosen & fits else count
                    for chosen, count in enumerate(self._counts)
                ]
                return self._units[fits].pop()
        raise AssertionError("what Hall's theorem promises is there")

    def _dearest(self, fits: Slots) -> tuple[Decimal, int]:
        """The price of its dearest unit; of one price the unit that fits the fewest slots."""
        return self._units[fits][-1].price, -fits.bit_count()

    def _possible_without(self, fits: Slots, demand: Sequence[int]) -> bool:
        return all(
            sum(demand[slot] for slot in self._slots if chosen >> slot & 1)
            <= self._counts[chosen] - bool(chosen & fits)
            for chosen in self._sets
        )
