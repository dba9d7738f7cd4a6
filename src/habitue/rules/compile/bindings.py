"""Bound names: expressions that are evaluated when they are first read, and at most once.

Words: a *binding* is a name with its compiled expression. Bound to a frame it becomes a *cell*,
which keeps the value, or the failure, for the rest of the evaluation. A binding sees the names that
were bound before it; of its own list it also sees the later ones, as long as none reads itself.

Invariant: evaluating a chain of bindings takes no deeper recursion than evaluating one of them,
because a binding is evaluated after those that it reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from habitue.rules.frame import Frame, RuleFailed

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class CompiledBinding:
    """A named expression ready to be evaluated; `reads` are the bound names that it may read."""

    name: str
    evaluate: Callable[[Frame], Any]
    reads: tuple[str, ...] = ()


@dataclass(slots=True)
class _Cell:
    """A binding in one evaluation, with the names that it sees."""

    binding: CompiledBinding
    visible: dict[str, Any]
    begun: bool = False
    settled: bool = False
    value: Any = None
    failure: str | None = None


def bind(frame: Frame, bindings: Sequence[CompiledBinding]) -> None:
    """Add `bindings` to the names of `frame`; nothing is evaluated yet.

    Whoever already sees the earlier names goes on seeing those: a rule's binding may hide one of
    its ruleset without changing what the ruleset's other bindings read. To leave the scope again,
    put back the `frame.bindings` from before the call.
    """
    visible = dict(frame.bindings)
    for binding in bindings:
        sees = visible
        if binding.name in visible:
            visible = dict(visible)
        visible[binding.name] = _Cell(binding, sees)
    frame.bindings = visible


def assign(frame: Frame, name: str, value: Any) -> None:
    """Bind `name` to a value for whatever is evaluated after this under the same names."""
    frame.bindings[name] = value


def read_binding(frame: Frame, name: str) -> Any:
    """The value bound to `name`. Raises `RuleFailed` where there is none."""
    value = frame.bindings.get(name, _ABSENT)
    if value.__class__ is _Cell:
        return _value_of(frame, value)
    if value is _ABSENT:
        raise RuleFailed(f"{name} is not set")
    return value


def _value_of(frame: Frame, cell: _Cell) -> Any:
    if not cell.settled:
        if cell.begun:
            raise RuleFailed(f"{cell.binding.name} reads itself")
        _settle(frame, cell)
    if cell.failure is not None:
        raise RuleFailed(cell.failure)
    return cell.value


def _settle(frame: Frame, cell: _Cell) -> None:
    """Evaluate the binding of `cell`, and before it those that it reads."""
    waiting = [cell]
    while waiting:
        top = waiting[-1]
        if top.settled:
            waiting.pop()
        elif not top.begun:
            top.begun = True
            waiting.extend(_unbegun(top))
        else:
            waiting.pop()
            _evaluate(frame, top)


def _unbegun(cell: _Cell) -> list[_Cell]:
    found = (cell.visible.get(name) for name in cell.binding.reads)
    return [each for each in found if isinstance(each, _Cell) and not each.begun]


def _evaluate(frame: Frame, cell: _Cell) -> None:
    before = frame.bindings
    frame.bindings = cell.visible
    try:
        cell.value = cell.binding.evaluate(frame)
    except RuleFailed as failure:
        cell.failure = str(failure)
    finally:
        frame.bindings = before
    cell.settled = True
