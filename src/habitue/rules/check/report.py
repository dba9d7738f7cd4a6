"""What the checker found, and how it is told.

Words: an *error* makes a ruleset unusable and refuses it; a *warning* says that a part of it can
never do what it was written for. Both are `Fault`s whose pointer is the place in the ruleset as it
was written, and whose details name the rule and quote the expression as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from habitue.model.errors import Fault
from habitue.rules.notation import write_text
from habitue.rules.ruleset import Ruleset
from habitue.rules.tree import Expression
from habitue.rules.types import ANY, Type

_QUOTED_LENGTH = 160
#: Faults of each sort that are told; a ruleset with more is corrected in several rounds.
FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking a ruleset.

    `ruleset` is the checked one in the forms that the compiler knows (`habitue.rules.desugar`);
    `types` are keyed by the `id` of its nodes and therefore live and die with it.
    """

    ruleset: Ruleset
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    types: Mapping[int, Type]

    def type_of(self, expression: Expression) -> Type:
        """The type of a node of `ruleset`: for instance of a binding's expression."""
        return self.types.get(id(expression), ANY)


@dataclass(frozen=True, slots=True)
class FormulaReport:
    """The result of checking an expression that stands alone, as `CheckReport` for a ruleset."""

    expression: Expression
    type: Type
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(slots=True)
class Findings:
    """Collects errors, warnings and types; `where` names the rule that is being checked."""

    where: str = ""
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    types: dict[int, Type] = field(default_factory=dict)

    def error(self, node: Expression, title: str, details: str) -> None:
        """Refuse the ruleset because of `node`."""
        self._add(self.errors, node.at, title, details, node)

    def warn(self, node: Expression, title: str, details: str) -> None:
        """Warn about `node`, once for each place and title."""
        if not any(told.pointer == node.at and told.title == title for told in self.warnings):
            self._add(self.warnings, node.at, title, details, node)

    def add_error(self, pointer: str, title: str, details: str) -> None:
        """Refuse the ruleset because of something that is no expression."""
        self._add(self.errors, pointer, title, details)

    def add_warning(self, pointer: str, title: str, details: str) -> None:
        """Warn about something that is no expression."""
        self._add(self.warnings, pointer, title, details)

    @property
    def is_full(self) -> bool:
        """Whether no further error will be told, so that none need be worded."""
        return len(self.errors) >= FAULTS_MAX

    def typed(self, node: Expression, type_: Type) -> Type:
        """Remember that `node` is of `type_`."""
        self.types[id(node)] = type_
        return type_

    def _add(
        self,
        faults: list[Fault],
        pointer: str,
        title: str,
        details: str,
        node: Expression | None = None,
    ) -> None:
        if len(faults) >= FAULTS_MAX:
            return
        told = f"{self.where}: {details}" if self.where else details
        faults.append(
            Fault(pointer, title, told if node is None else f"{told}; in: {quoted(node)}")
        )


def quoted(node: Expression) -> str:
    """`node` as text, shortened."""
    text = write_text(node)
    return text if len(text) <= _QUOTED_LENGTH else f"{text[:_QUOTED_LENGTH]}…"
