"""Why a condition held, did not hold or had no value, with the values that it compared.

Words: an *explanation* is a tree beside the tree of the expression: `and`, `or`, `not` and `catch`
have the explanations of their parts as children; everything else is explained by its *operands*,
the parts that are not literals, each with its value in words. What a condition came to is its
*outcome*; `words` says it all in one sentence for people.

Not for the hot path: every part is compiled and evaluated by itself, so that parts after the one
that decided are explained too. Functions of the host are called again. The budget of the frame is
left as it was, and an explanation never fails: what cannot be told is said to be so.

Invariant: the size of an explanation is bounded (`EXPLANATIONS_MAX`, `OPERANDS_MAX`, and lengths of
values), whatever the size of the lists and texts that the condition read.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from habitue.model.limits import EVALUATION_STEPS_MAX
from habitue.rules.compile import compile_expression
from habitue.rules.dialect import Dialect
from habitue.rules.frame import Frame, RuleFailed, StepsExhausted
from habitue.rules.functions.values import number_text, time_text
from habitue.rules.notation.write import write_text
from habitue.rules.tree import Block, Call, Expression
from habitue.rules.tree import Literal as LiteralNode

EXPLANATIONS_MAX = 200
OPERANDS_MAX = 10
ELEMENTS_SHOWN_MAX = 5
TEXT_SHOWN_MAX = 200
VALUE_SHOWN_MAX = 80

Outcome = Literal["held", "did not hold", "failed"]

_WHOLES = frozenset({"and", "or", "not", "catch", ".|"})
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "between"})
_WALKS = frozenset({"filter", "exists", "every"})


class Operand(msgspec.Struct, frozen=True):
    """A part of a condition with its value in words: `Session.Total`, "59.9"."""

    text: str
    value: str

    def __str__(self) -> str:
        return f"{self.text} is {self.value}"


class Explanation(msgspec.Struct, frozen=True):
    """What a condition came to. `text` is the condition in the text notation."""

    text: str
    outcome: Outcome
    words: str
    operands: tuple[Operand, ...] = ()
    children: tuple["Explanation", ...] = ()

    @property
    def held(self) -> bool:
        """Whether the condition is true."""
        return self.outcome == "held"


def explain(
    expression: Expression,
    frame: Frame,
    dialect: Dialect,
    write: Callable[[Expression], str] = write_text,
) -> Explanation:
    """Why `expression` is true, false or without a value in `frame`."""
    steps_left = frame.steps_left
    frame.steps_left = EVALUATION_STEPS_MAX
    try:
        return _Explainer(frame, dialect, write).explanation(expression)
    finally:
        frame.steps_left = steps_left


def first_failure(
    condition_parts: Sequence[Expression], frame: Frame, dialect: Dialect
) -> tuple[int, str] | None:
    """The index of the first condition that does not hold, and why; None where all hold."""
    for index, part in enumerate(condition_parts):
        explanation = explain(part, frame, dialect)
        if not explanation.held:
            return index, explanation.words
    return None


class _Failure(msgspec.Struct, frozen=True):
    """An evaluation without a value."""

    reason: str


class _Explainer:
    """Explains one condition; counts what it has explained."""

    def __init__(self, frame: Frame, dialect: Dialect, write: Callable[[Expression], str]) -> None:
        self._frame = frame
        self._dialect = dialect
        self._write = write
        self._left = EXPLANATIONS_MAX

    def explanation(self, expression: Expression) -> Explanation:
        self._left -= 1
        text = _shortened(self._write(expression), TEXT_SHOWN_MAX)
        value = self._value(expression)
        outcome = _outcome(value)
        children = self._children(expression)
        operands = () if children else self._operands(expression)
        words = _words(expression, text, outcome, value, operands, children)
        return Explanation(text, outcome, words, operands, children)

    def _value(self, expression: Expression) -> Any:
        try:
            return compile_expression(expression, self._dialect)(self._frame)
        except RuleFailed as failure:
            return _Failure(str(failure))
        except StepsExhausted:
            return _Failure("it takes more steps than it may")

    def _children(self, expression: Expression) -> tuple[Explanation, ...]:
        if not isinstance(expression, Call) or expression.name.lower() not in _WHOLES:
            return ()
        catches = expression.name.lower() in ("catch", ".|")
        parts = expression.arguments[1:] if catches else expression.arguments
        return tuple(
            self.explanation(part) for part in parts[: max(self._left, 0)] if self._left > 0
        )

    def _operands(self, expression: Expression) -> tuple[Operand, ...]:
        """The parts of a condition that have a value of their own."""
        if not isinstance(expression, Call):
            return ()
        if expression.name == ".":
            return (self._operand(expression),)
        found: list[Operand] = []
        self._collect(expression, found)
        return tuple(found[:OPERANDS_MAX])

    def _collect(self, call: Call, found: list[Operand]) -> None:
        for argument in call.arguments:
            if isinstance(argument, Call) and len(found) < OPERANDS_MAX:
                walk = _walk_in(argument)
                if walk is not None:
                    found.append(self._matching(walk))
                if walk is not argument:
                    found.append(self._operand(argument))
        if call.name.lower() in _WALKS and len(call.arguments) == 2:
            found[:] = [self._matching(call)]

    def _operand(self, expression: Expression) -> Operand:
        text = _shortened(self._write(expression), TEXT_SHOWN_MAX)
        return Operand(text, self._in_words(self._value(expression)))

    def _matching(self, walk: Call) -> Operand:
        """A list that is filtered or tested: how many elements it has, and how many match."""
        values = self._value(walk.arguments[0])
        text = _shortened(self._write(walk.arguments[0]), TEXT_SHOWN_MAX)
        if not isinstance(values, list | tuple):
            return Operand(text, self._in_words(values))
        matching = self._value(Call("filter", walk.arguments))
        if isinstance(matching, _Failure):
            return Operand(text, f"{_counted(len(values))}; {matching.reason}")
        return Operand(text, f"{_counted(len(values))}, {_number_that_match(len(matching))}")

    def _in_words(self, value: Any) -> str:
        if isinstance(value, _Failure):
            return f"without a value ({value.reason})"
        if isinstance(value, list | tuple):
            return self._list_in_words(value)
        return _shortened(self._atom_in_words(value), VALUE_SHOWN_MAX)

    def _atom_in_words(self, value: Any) -> str:
        match value:
            case None:
                return "unset"
            case bool():
                return "true" if value else "false"
            case Decimal() | int():
                return _number_in_words(value)
            case str():
                return f'"{value[: VALUE_SHOWN_MAX + 1]}"'
            case datetime():
                return time_text(self._frame, value)
            case dict():
                return f"a map of {len(value)} entries"
        return "a record"

    def _list_in_words(self, values: Sequence[Any]) -> str:
        shown = values[:ELEMENTS_SHOWN_MAX]
        if not values or not all(isinstance(each, str | Decimal | bool) for each in shown):
            return _counted(len(values))
        words = ", ".join(_shortened(self._atom_in_words(each), VALUE_SHOWN_MAX) for each in shown)
        more = len(values) - len(shown)
        return f"[{words} and {more} more]" if more else f"[{words}]"


def _walk_in(call: Call) -> Call | None:
    """The filter, or the test of every element, that `call` is or takes its list from."""
    while call.name.lower() not in _WALKS or len(call.arguments) != 2:
        if not call.arguments or not isinstance(call.arguments[0], Call):
            return None
        call = call.arguments[0]
    return call if isinstance(call.arguments[1], Block) else None


def _outcome(value: Any) -> Outcome:
    if isinstance(value, _Failure):
        return "failed"
    return "held" if value is True else "did not hold"


def _words(
    expression: Expression,
    text: str,
    outcome: Outcome,
    value: Any,
    operands: tuple[Operand, ...],
    children: tuple[Explanation, ...],
) -> str:
    if children:
        return _words_of_whole(expression, text, outcome, children)
    if isinstance(value, _Failure):
        return f"{text} failed: {value.reason}"
    if isinstance(expression, LiteralNode):
        return f"{text} {outcome}"
    told = "; ".join(str(operand) for operand in operands)
    return f"{text} {outcome}: {told}" if told else f"{text} {outcome}"


def _words_of_whole(
    expression: Expression, text: str, outcome: Outcome, children: tuple[Explanation, ...]
) -> str:
    """The words of `and`, `or`, `not` and `catch`: of the part that decided, if there is one."""
    name = expression.name.lower() if isinstance(expression, Call) else ""
    if name in ("catch", ".|") and children[0].outcome == "failed":
        taken = "true" if outcome == "held" else "false"
        return f"{children[0].words}; it is taken as {taken}"
    if name in ("catch", ".|"):
        return children[0].words
    if outcome == "held":
        deciding = next((each for each in children if each.held), None) if name == "or" else None
        return deciding.words if deciding else f"{text} held"
    if name == "not":
        return f"{text} {outcome}: {children[0].words}"
    decided = [each for each in children if not each.held]
    if name == "or" and len(decided) > 1:
        return f"none of {len(children)} conditions held: {decided[0].words}; and others"
    return decided[0].words if decided else f"{text} {outcome}"


def _number_in_words(number: Decimal | int) -> str:
    try:
        return number_text(number)
    except RuleFailed:
        return "a number too long to be written out"


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _counted(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _number_that_match(count: int) -> str:
    return "1 matches" if count == 1 else f"{count} match"
