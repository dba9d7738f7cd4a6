"""Literals that have a grammar of their own: regular expressions, units, layouts, times."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from habitue.rules.check.walk import Walk
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions.layouts import layout_of
from habitue.rules.functions.patterns import compiled_pattern
from habitue.rules.functions.times import DAYS_PER, MICROSECONDS_PER, MONTHS_PER, parse_time
from habitue.rules.tree import Call, Literal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (*MICROSECONDS_PER, *DAYS_PER, *MONTHS_PER)

#: What is wrong with a literal, in words, or None.
Test = Callable[[str], str | None]


def _pattern(text: str) -> str | None:
    return _failure(lambda: compiled_pattern(text))


def _layout(text: str) -> str | None:
    return _failure(lambda: layout_of(text))


def _time(text: str) -> str | None:
    return _failure(lambda: parse_time(Frame(_EPOCH, UTC), text))


def _failure(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except RuleFailed as failure:
        return str(failure)
    return None


def _unit(text: str) -> str | None:
    if text.lower().removesuffix("s") in _UNITS:
        return None
    return f'"{text[:40]}" is not a unit of time; those are {", ".join(f"{u}s" for u in _UNITS)}'


#: (function, number of arguments) -> the position that is tested, the title of a fault, the test.
_TESTS: Mapping[tuple[str, int], tuple[int, str, Test]] = MappingProxyType(
    {
        ("addduration", 3): (2, "Not a unit of time", _unit),
        ("subduration", 3): (2, "Not a unit of time", _unit),
        ("parsetime", 1): (0, "Not a time", _time),
        ("parsetime", 2): (1, "Not a layout", _layout),
        ("formattime", 2): (1, "Not a layout", _layout),
        ("matchtime", 3): (2, "Not a layout", _layout),
    }
)


def check_literals(walk: Walk, call: Call) -> None:
    """Reports a literal argument of `call` that its function can never accept."""
    name = call.name.lower()
    test = _TESTS.get((name, len(call.arguments)))
    if name == "~":
        test = (0, "Not a regular expression", _pattern)
    if test is None:
        return
    position, title, verdict = test
    match call.arguments[position]:
        case Literal(str() as text) as literal:
            reason = verdict(text)
            if reason is not None:
                walk.findings.error(literal, title, reason)
