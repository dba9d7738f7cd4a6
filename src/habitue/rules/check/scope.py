"""The names that an expression may read beside the variables of the dialect.

Words: a *bound name* is a parameter of a block, a binding or what `set` bound; it hides a variable
of the dialect of the same name. `later` are bindings that come after the place: reading one of them
would go in a circle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from habitue.rules.types import Type


@dataclass(frozen=True, slots=True)
class BoundName:
    """The type of a bound name, and the pointer of what bound it."""

    type: Type
    at: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Bound names by name; a scope never changes, a new name makes a new scope."""

    names: Mapping[str, BoundName] = field(default_factory=dict)
    later: frozenset[str] = frozenset()

    def bound(self, name: str, type_: Type, at: str) -> "Scope":
        """This scope with `name` bound as well."""
        return replace(self, names={**self.names, name: BoundName(type_, at)})
