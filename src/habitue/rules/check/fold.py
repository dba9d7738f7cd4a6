"""What an expression is worth whatever the customer does: constants, folded as far as they go.

Words: *unknown* is the value of what depends on the request. A function is folded by calling it, so
that a folded value is the value of evaluation; only functions that look neither at the clock nor at
the zone are folded. A condition that needs a feature the campaign lacks is false.

Invariant: what folds to a value has that value in every evaluation in which it has one at all.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.rules.check.contradictions import Contradictions, never_equal
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import Frame, RuleFailed, StepsExhausted
from habitue.rules.functions import core_function
from habitue.rules.functions.values import type_of
from habitue.rules.signature import Overload
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import BOOLEAN, TIME, Type

#: The value of what cannot be told before evaluation.
UNKNOWN: Any = object()

_FOLDED = frozenset(
    {
        *("=", "!=", "<", "<=", ">", ">=", "between", "+", "-", "*", "/", "mod", "ceil", "floor"),
        *("contains", "notcontains", "startswith", "endswith", "concat", "~"),
    }
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Folder:
    """Folds the expressions of one checked ruleset, within one budget of evaluation."""

    def __init__(
        self,
        types: Mapping[int, Type],
        hosts: Mapping[str, HostFunction],
        features: frozenset[str],
    ) -> None:
        self.types = types
        self._hosts = {name.lower(): host for name, host in hosts.items()}
        self._features = features
        self._frame = Frame(_EPOCH, UTC)
        self._known: dict[int, Any] = {}
        self._contradictions = Contradictions(types)

    def fold(self, node: Expression) -> Any:
        """The value of `node`, or `UNKNOWN`."""
        if id(node) not in self._known:
            self._known[id(node)] = self._fold(node)
        return self._known[id(node)]

    def clash(self, node: Expression) -> tuple[Expression, Expression] | None:
        """Two parts of the conjunction `node` that exclude each other, if there are any."""
        if isinstance(node, Call) and node.name.lower() == "and":
            return self._contradictions.find(node)
        return None

    def lacks_feature(self, node: Expression) -> bool:
        """Whether `node` is a condition that the campaign's features never let be true."""
        host = self._hosts.get(node.name.lower()) if isinstance(node, Call) else None
        if host is None or host.feature is None or host.result != BOOLEAN:
            return False
        return host.feature not in self._features

    def _fold(self, node: Expression) -> Any:
        match node:
            case Literal(value):
                return UNKNOWN if self.types.get(id(node)) == TIME else value
            case Call():
                return self._call(node)
            case Block():
                return UNKNOWN

    def _call(self, call: Call) -> Any:
        name = call.name.lower()
        if name in ("and", "or"):
            return self._joined(call, ends=name == "or")
        if name == "not" and len(call.arguments) == 1:
            part = self.fold(call.arguments[0])
            return not part if isinstance(part, bool) else UNKNOWN
        if name in ("catch", ".|") and len(call.arguments) == 2:
            return self._caught(*call.arguments)
        if self.lacks_feature(call):
            return False
        if name in _FOLDED:
            return self._core(call, name)
        return UNKNOWN

    def _joined(self, call: Call, *, ends: bool) -> Any:
        """`or` ends at the first true part, `and` at the first false one."""
        parts = [self.fold(part) for part in call.arguments]
        if any(part is ends for part in parts):
            return ends
        if all(part is (not ends) for part in parts):
            return not ends
        if not ends and self.clash(call) is not None:
            return False
        return UNKNOWN

    def _caught(self, default: Expression, body: Expression) -> Any:
        """A body that is known may still fail on the way, so that the default must agree."""
        known = self.fold(body)
        if isinstance(body, Literal) or known is UNKNOWN:
            return known
        return known if known is self.fold(default) else UNKNOWN

    def _core(self, call: Call, name: str) -> Any:
        values = [self.fold(argument) for argument in call.arguments]
        if any(value is UNKNOWN for value in values):
            return self._by_type(call, name)
        function = core_function(name)
        for overload in function.overloads if function else ():
            if _takes(overload, values):
                return self._value(overload, values)
        return UNKNOWN

    def _by_type(self, call: Call, name: str) -> Any:
        """Comparisons of a field with a literal that no value of the field's type equals."""
        if name in ("=", "!=") and never_equal(call, self.types):
            return name == "!="
        return UNKNOWN

    def _value(self, overload: Overload, values: list[Any]) -> Any:
        try:
            return overload.call(*((self._frame,) if overload.framed else ()), *values)
        except (RuleFailed, StepsExhausted):
            return UNKNOWN


def _takes(overload: Overload, values: list[Any]) -> bool:
    further = len(values) - len(overload.parameters)
    if further < overload.rest_least or (overload.rest is None and further > 0):
        return False
    wanted = [*overload.parameters, *[overload.rest] * further]
    return all(
        type_ is not None and type_.kind in ("any", type_of(value).kind)
        for type_, value in zip(wanted, values, strict=True)
    )


def is_zero(value: Any) -> bool:
    """Whether a folded value is the number zero."""
    return isinstance(value, Decimal) and value == 0
