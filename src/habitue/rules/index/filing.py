"""Where conjunctions are filed: by one token, inside that by a second, inside that by a threshold.

Words: a *leaf* holds the keys of rules that have passed the tokens before it; those with a
threshold are kept sorted by it, so that a lookup takes a prefix of the list. A *shelf* is what is
filed under one first token: a leaf for conjunctions without a second token, and one leaf for each
second token. Tokens are small integers here; what they mean, the index knows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec


class Filed(msgspec.Struct, frozen=True):
    """Where one conjunction of a rule is filed; None stands for no token or no threshold."""

    first: int | None
    second: int | None
    threshold: tuple[int, Decimal] | None


class Leaf:
    """Keys, unconditionally or from a threshold on."""

    __slots__ = ("always", "sorted")

    def __init__(self) -> None:
        self.always: list[Any] = []
        self.sorted: dict[int, tuple[list[Decimal], list[Any]]] = {}

    def add(self, key: Any, threshold: tuple[int, Decimal] | None) -> None:
        """Put in `key`."""
        if threshold is None:
            self.always.append(key)
            return
        number, bound = threshold
        bounds, keys = self.sorted.setdefault(number, ([], []))
        place = bisect_right(bounds, bound)
        bounds.insert(place, bound)
        keys.insert(place, key)

    def remove(self, key: Any, threshold: tuple[int, Decimal] | None) -> None:
        """Take out `key`, which was put in with this threshold."""
        if threshold is None:
            self.always.remove(key)
            return
        number, bound = threshold
        bounds, keys = self.sorted[number]
        place = keys.index(key, bisect_left(bounds, bound))
        del bounds[place], keys[place]
        if not bounds:
            del self.sorted[number]

    def collect(self, numbers: Mapping[int, Decimal], found: list[Any]) -> None:
        """Add the keys whose threshold is reached to `found`."""
        found += self.always
        for number, (bounds, keys) in self.sorted.items():
            value = numbers.get(number)
            if value is not None:
                found += keys[: bisect_right(bounds, value)]

    @property
    def is_empty(self) -> bool:
        return not self.always and not self.sorted


class Shelf:
    """What is filed under one first token."""

    __slots__ = ("alone", "seconds")

    def __init__(self) -> None:
        self.alone = Leaf()
        self.seconds: dict[int, Leaf] = {}

    def add(self, key: Any, filed: Filed) -> None:
        """Put in `key`."""
        leaf = self.alone
        if filed.second is not None:
            leaf = self.seconds.setdefault(filed.second, Leaf())
        leaf.add(key, filed.threshold)

    def remove(self, key: Any, filed: Filed) -> None:
        """Take out `key`, which was put in as `filed` says."""
        if filed.second is None:
            self.alone.remove(key, filed.threshold)
            return
        leaf = self.seconds[filed.second]
        leaf.remove(key, filed.threshold)
        if leaf.is_empty:
            del self.seconds[filed.second]

    def collect(
        self, tokens: frozenset[int] | set[int], numbers: Mapping[int, Decimal], found: list[Any]
    ) -> None:
        """Add the keys whose second token is among `tokens` and whose threshold is reached."""
        alone, seconds = self.alone, self.seconds
        if alone.always or alone.sorted:
            alone.collect(numbers, found)
        if len(seconds) < len(tokens):
            for token, leaf in seconds.items():
                if token in tokens:
                    leaf.collect(numbers, found)
        else:
            for token in tokens:
                if token in seconds:
                    seconds[token].collect(numbers, found)

    @property
    def is_empty(self) -> bool:
        return self.alone.is_empty and not self.seconds
