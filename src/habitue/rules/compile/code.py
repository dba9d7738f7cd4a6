"""Generated code: fragments of it, the functions they stand in, and the cache of compiled shapes.

Words: a *fragment* is Python source of one expression, with what is known of its value. A *shape*
is the whole source of an expression with all its constants and names left out: they are *lifted*
to parameters `c0, c1, ...`, so that text of a ruleset never enters source text, and ten thousand
rules of the same shape share one compiled function.

Invariant: the only names in the source that are not ours are attributes that a dialect declares,
and those must be Python identifiers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from habitue.model.numbers import EXACT
from habitue.rules.compile import bindings, runtime
from habitue.rules.dialect import Dialect
from habitue.rules.frame import Frame
from habitue.rules.functions.values import as_time, equal
from habitue.rules.tree import Expression
from habitue.rules.types import Type

Evaluate: TypeAlias = Callable[[Frame], Any]
#: How many different shapes stay compiled; a shop has tens, hostile configuration has many.
SHAPES_KEPT = 4_096

_NAMESPACE: Mapping[str, Any] = MappingProxyType(
    {
        "__builtins__": {"any": any, "all": all, "ArithmeticError": ArithmeticError},
        "CAUGHT": runtime.CAUGHT,
        "add": EXACT.add,
        "subtract": EXACT.subtract,
        "multiply": EXACT.multiply,
        "as_time": as_time,
        "equal": equal,
        "read_binding": bindings.read_binding,
        "assign": bindings.assign,
        **{
            name: getattr(runtime, name)
            for name in (
                *("any_attribute", "boolean", "boolean_attribute", "counted", "fail"),
                *("items", "list_attribute", "mapping", "number", "number_attribute"),
                *("out_of_range", "required", "sequence", "sort_by_number"),
                *("sort_by_string", "string", "string_attribute", "time_attribute", "total"),
                "truth",
            )
        },
    }
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """Source of one expression: its static type, and whether it can raise `RuleFailed`.

    `constant` tells that it is a lifted literal, `value` which. `unchecked` is source that never
    fails and is None where reading `code` would fail, if there is such source.
    """

    code: str
    type: Type
    fails: bool = True
    constant: bool = False
    value: Any = None
    unchecked: str | None = None


@dataclass(slots=True)
class Writer:
    """Writes one expression: the constants lifted so far, and the functions being written.

    `bound` are the types of the names that the caller bound; `variables` are the parameters of the
    blocks around the place being written, innermost last; `lines` are the inner functions of the
    function being written, innermost last. `literal_patterns` counts regular expressions.
    """

    dialect: Dialect
    bound: Mapping[str, Type]
    emit_with: Callable[["Writer", Expression], Fragment]
    constants: list[Any] = field(default_factory=list)
    variables: list[tuple[str, Fragment]] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=lambda: [[]])
    names_given: int = 0
    literal_patterns: int = 0

    def emit(self, expression: Expression) -> Fragment:
        """The fragment for `expression` at this place."""
        return self.emit_with(self, expression)

    def lift(self, value: Any) -> str:
        """The source name that stands for `value`."""
        self.constants.append(value)
        return f"c{len(self.constants) - 1}"

    def fresh(self, letter: str) -> str:
        """A source name that nothing else has."""
        self.names_given += 1
        return f"{letter}{self.names_given}"

    def variable(self, name: str) -> Fragment | None:
        """The innermost block parameter called `name`."""
        for declared, fragment in reversed(self.variables):
            if declared == name:
                return fragment
        return None

    def define(self, header: str, body: list[str]) -> None:
        """Add an inner function to the one being written."""
        self.lines[-1] += [header, *(" " + line for line in body)]

    def source(self, fragment: Fragment) -> str:
        """The source of a function that takes the lifted constants and returns the evaluation."""
        parameters = ", ".join(f"c{n}" for n in range(len(self.constants)))
        body = [*self.lines[0], *guarded(fragment.code)]
        return "\n".join(
            [
                f"def make({parameters}):",
                " def evaluate(frame):",
                *("  " + line for line in body),
                " return evaluate",
            ]
        )


def guarded(code: str) -> list[str]:
    """Lines that return `code`, arithmetic failures turned into `RuleFailed`."""
    return [
        f"try: return {code}",
        "except ArithmeticError as failure: raise out_of_range() from failure",
    ]


@lru_cache(maxsize=SHAPES_KEPT)
def factory(source: str) -> Callable[..., Evaluate]:
    """The function that `source` defines; one compilation per shape."""
    namespace = dict(_NAMESPACE)
    exec(compile(source, "<rule>", "exec"), namespace)
    make: Callable[..., Evaluate] = namespace["make"]
    return make
