"""An index of rules by what their conditions need: an evaluation costs by what matches.

Words: a *candidate* is a rule whose condition may hold; it still has to be evaluated. Each
conjunction of a condition (see `necessary`) is filed under its rarest token, inside that under its
second rarest, inside that by a threshold. A lookup reads the facts of the frame once, looks up the
tokens that some rule asks for, and collects. Below `SMALL` rules it gives all of them, which is
cheaper than looking.

Invariants: no rule whose condition holds in a frame is missing from its candidates; candidates come
in the order of their keys, each once. Adding or removing a rule costs by the size of its condition.
"""

from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from habitue.rules.dialect import Dialect
from habitue.rules.frame import Frame
from habitue.rules.index.filing import Filed, Shelf
from habitue.rules.index.necessary import (
    HOST,
    Conjunction,
    Extractor,
    HostToken,
    Token,
    usable_bindings,
)
from habitue.rules.index.slots import Read, Steps, reader
from habitue.rules.tree import Expression

__all__ = ["SMALL", "HostToken", "RuleIndex"]

#: Up to this many rules, all of them are candidates.
SMALL = 32

Key = TypeVar("Key")
#: Names with the expressions behind them.
Bindings: TypeAlias = Sequence[tuple[str, Expression]]


class _Entry(msgspec.Struct, frozen=True):
    """What the index keeps of one rule: where it is filed, and all tokens it was counted for."""

    filed: tuple[Filed, ...]
    tokens: tuple[int, ...]


class _Needs(msgspec.Struct, frozen=True):
    """One conjunction with its tokens as integers."""

    tokens: tuple[int, ...]
    threshold: tuple[int, Decimal] | None


class _Slot:
    """A slot that some rule asks about: how to read it, and the tokens of the values asked for."""

    __slots__ = ("read", "steps", "tokens")

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.read: Read | None = None if steps == HOST else reader(steps)
        self.tokens: dict[Hashable, int] = {}


class RuleIndex(Generic[Key]):
    """Rules by what they need. Keys are hashable and orderable: the order of evaluation.

    `host_token(call, key)` names the fact behind a call of a host function in the rule of `key`, or
    None; the facts that are so in an evaluation are given to `candidates`.
    """

    def __init__(
        self, dialect: Dialect, host_token: HostToken | None = None, small: int = SMALL
    ) -> None:
        self._dialect = dialect
        self._host_token = host_token
        self._small = small
        self._entries: dict[Key, _Entry] = {}
        self._slots: dict[Steps, _Slot] = {}
        self._meanings: dict[int, Token] = {}
        self._uses: dict[int, int] = {}
        self._shelves: dict[int | None, Shelf] = {None: Shelf()}
        self._numbers: dict[Steps, tuple[int, Read]] = {}
        self._tokens_given = 0
        self._in_order: list[Key] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: Key, condition: Expression, bindings: Bindings = ()) -> None:
        """Add the rule of `key`, or replace it. `bindings` are the names that its condition reads.

        Conditions and bindings are desugared, as they are compiled.
        """
        self.add_all([(key, condition, bindings)])

    def add_all(self, rules: Iterable[tuple[Key, Expression, Bindings]]) -> None:
        """Add many rules at once: all are counted before one is filed, so that rare is rare."""
        needs: dict[Key, list[_Needs]] = {}
        for key, condition, bindings in rules:
            self.remove(key)
            for token in (token for each in needs.pop(key, ()) for token in each.tokens):
                self._forget(token)
            needs[key] = self._needs(key, condition, bindings)
        for key, alternatives in needs.items():
            filed = tuple(self._file(key, each) for each in alternatives)
            tokens = tuple(token for each in alternatives for token in each.tokens)
            self._entries[key] = _Entry(filed, tokens)
        self._in_order = None

    def _needs(self, key: Key, condition: Expression, bindings: Bindings) -> list[_Needs]:
        bound = usable_bindings(self._dialect, bindings)
        extractor = Extractor(self._dialect, key, self._host_token, bound)
        return [self._counted(each) for each in extractor.alternatives(condition)]

    def _counted(self, conjunction: Conjunction) -> _Needs:
        tokens = tuple(self._number(token) for token in conjunction.tokens)
        for token in tokens:
            self._uses[token] += 1
        threshold = max(conjunction.thresholds, key=itemgetter(1), default=None)
        if threshold is None:
            return _Needs(tokens, None)
        return _Needs(tokens, (self._number_of(threshold[0]), threshold[1]))

    def _file(self, key: Key, needs: _Needs) -> Filed:
        rarest = sorted(needs.tokens, key=self._uses.__getitem__)
        first, second = (*rarest, None, None)[:2]
        filed = Filed(first, second, needs.threshold)
        self._shelves.setdefault(first, Shelf()).add(key, filed)
        return filed

    def remove(self, key: Key) -> None:
        """Remove the rule of `key`, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        for filed in entry.filed:
            shelf = self._shelves[filed.first]
            shelf.remove(key, filed)
            if shelf.is_empty and filed.first is not None:
                del self._shelves[filed.first]
        for token in entry.tokens:
            self._forget(token)
        self._in_order = None

    def _forget(self, token: int) -> None:
        self._uses[token] -= 1
        if self._uses[token] > 0:
            return
        del self._uses[token]
        steps, value = self._meanings.pop(token)
        slot = self._slots[steps]
        del slot.tokens[value]
        if not slot.tokens:
            del self._slots[steps]

    def _number(self, token: Token) -> int:
        """The integer that stands for a token."""
        steps, value = token
        slot = self._slots.get(steps)
        if slot is None:
            slot = self._slots[steps] = _Slot(steps)
        number = slot.tokens.get(value)
        if number is None:
            number = slot.tokens[value] = self._tokens_given
            self._tokens_given += 1
            self._meanings[number] = (slot.steps, value)
            self._uses[number] = 0
        return number

    def _number_of(self, steps: Steps) -> int:
        known = self._numbers.get(steps)
        if known is None:
            known = self._numbers[steps] = (len(self._numbers), reader(steps))
        return known[0]

    def candidates(self, frame: Frame, host_facts: Iterable[Hashable] = ()) -> list[Key]:
        """The keys of all rules whose condition may hold in `frame`, in order.

        `host_facts` are the facts of the host that are so.
        """
        if len(self._entries) <= self._small:
            return self._all()
        tokens = self._tokens(frame, host_facts)
        numbers = self._values(frame)
        found: list[Any] = []
        self._shelves[None].collect(tokens, numbers, found)
        shelves = self._shelves
        for token in tokens:
            shelf = shelves.get(token)
            if shelf is not None:
                shelf.collect(tokens, numbers, found)
        return sorted(set(found))

    def _all(self) -> list[Key]:
        if self._in_order is None:
            self._in_order = sorted(self._entries)  # type: ignore[type-var]
        return list(self._in_order)

    def _tokens(self, frame: Frame, host_facts: Iterable[Hashable]) -> set[int]:
        """The tokens that are so, of those that some rule asks for."""
        found: set[int] = set()
        for slot in self._slots.values():
            values = host_facts if slot.read is None else slot.read(frame)
            tokens = slot.tokens
            for value in tokens.keys() & values:
                found.add(tokens[value])
        return found

    def _values(self, frame: Frame) -> dict[int, Decimal]:
        return {
            number: value
            for number, read in self._numbers.values()
            for value in read(frame)
            if value is not None
        }
