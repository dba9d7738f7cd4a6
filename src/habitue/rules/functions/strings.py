"""Functions of strings. `+` joins strings as well as adding numbers; `concat` is its other name.

In `contains`, `notContains`, `startsWith` and `endsWith` the first argument is the subject and
every later one is looked for in it. `contains` and `notContains` also take a list as the subject.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from habitue.model.limits import TEXT_LENGTH_MAX
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions.declare import (
    ANY,
    ANY_LIST,
    BOOLEAN,
    STRING,
    framed,
    function,
)
from habitue.rules.functions.numbers import ADD
from habitue.rules.functions.patterns import matches
from habitue.rules.functions.values import (
    CHARACTERS_PER_STEP,
    atom_text,
    charge_text,
    equal,
    whole_text,
)
from habitue.rules.signature import CoreFunction
from habitue.rules.types import list_of


def concatenate(frame: Frame, *texts: str) -> str:
    """The texts one after the other."""
    if sum(map(len, texts)) > TEXT_LENGTH_MAX:
        raise RuleFailed(f"the text would be longer than {TEXT_LENGTH_MAX} characters")
    return charge_text(frame, "".join(texts))


def contains_text(frame: Frame, subject: str, *needles: str) -> bool:
    """Whether every needle occurs in `subject`; the empty text occurs everywhere."""
    _charge_search(frame, subject, needles)
    return all(needle in subject for needle in needles)


def contains_no_text(frame: Frame, subject: str, *needles: str) -> bool:
    """Whether none of the needles occurs in `subject`."""
    _charge_search(frame, subject, needles)
    return not any(needle in subject for needle in needles)


def contains_element(frame: Frame, subject: Sequence[Any], *elements: Any) -> bool:
    """Whether every one of `elements` equals an element of the list."""
    return all(_is_element(frame, element, subject) for element in elements)


def contains_no_element(frame: Frame, subject: Sequence[Any], *elements: Any) -> bool:
    """Whether no one of `elements` equals an element of the list."""
    return not any(_is_element(frame, element, subject) for element in elements)


def _is_element(frame: Frame, element: Any, subject: Sequence[Any]) -> bool:
    frame.charge(1 + len(subject))
    return any(equal(frame, element, each) for each in subject)


def starts_with(frame: Frame, subject: str, *prefixes: str) -> bool:
    """Whether `subject` begins with every one of `prefixes`."""
    _charge_search(frame, "", prefixes)
    return all(subject.startswith(prefix) for prefix in prefixes)


def ends_with(frame: Frame, subject: str, *suffixes: str) -> bool:
    """Whether `subject` ends with every one of `suffixes`."""
    _charge_search(frame, "", suffixes)
    return all(subject.endswith(suffix) for suffix in suffixes)


def _charge_search(frame: Frame, subject: str, needles: tuple[str, ...]) -> None:
    characters = len(subject) * len(needles) + sum(map(len, needles))
    frame.charge(1 + characters // CHARACTERS_PER_STEP)


def split(frame: Frame, subject: str, separator: str) -> list[str]:
    """The pieces of `subject` between the separators; an empty separator splits into characters."""
    pieces = list(subject) if separator == "" else subject.split(separator)
    frame.charge(1 + len(pieces) + len(subject) // CHARACTERS_PER_STEP)
    return pieces


def join(frame: Frame, parts: Sequence[Any], glue: str) -> str:
    """The texts of the elements with `glue` between them."""
    frame.charge(1 + len(parts))
    texts: list[str] = []
    length = 0
    for part in parts:
        texts.append(atom_text(frame, part))
        length += len(texts[-1]) + len(glue)
        if length > TEXT_LENGTH_MAX + len(glue):
            raise RuleFailed(f"the text would be longer than {TEXT_LENGTH_MAX} characters")
    return charge_text(frame, glue.join(texts))


def first_name(frame: Frame, name: str) -> str:
    """What stands before the first space."""
    return charge_text(frame, name.partition(" ")[0])


def last_name(frame: Frame, name: str) -> str:
    """What stands after the last space."""
    return charge_text(frame, name.rpartition(" ")[2])


def to_string(frame: Frame, value: Decimal | str) -> str:
    """The text of any value."""
    return whole_text(frame, value)


def _join_strings(name: str, description: str) -> CoreFunction:
    strings = framed(concatenate, STRING, result=STRING, rest=STRING, least=1)
    return function(name, description, *((ADD, strings) if name == "+" else (strings,)))


FUNCTIONS = (
    _join_strings("+", "The sum of the numbers, or the strings one after the other."),
    _join_strings("concat", "The strings one after the other."),
    function(
        "contains",
        "Whether the first string, or list, contains every later value.",
        framed(contains_text, STRING, result=BOOLEAN, rest=STRING, least=1),
        framed(contains_element, ANY_LIST, result=BOOLEAN, rest=ANY, least=1),
    ),
    function(
        "notContains",
        "Whether the first string, or list, contains none of the later values.",
        framed(contains_no_text, STRING, result=BOOLEAN, rest=STRING, least=1),
        framed(contains_no_element, ANY_LIST, result=BOOLEAN, rest=ANY, least=1),
    ),
    function(
        "startsWith",
        "Whether the first string begins with every later one.",
        framed(starts_with, STRING, result=BOOLEAN, rest=STRING, least=1),
    ),
    function(
        "endsWith",
        "Whether the first string ends with every later one.",
        framed(ends_with, STRING, result=BOOLEAN, rest=STRING, least=1),
    ),
    function(
        "~",
        "Whether the regular expression (RE2) is found in every later string.",
        framed(matches, STRING, result=BOOLEAN, rest=STRING, least=1),
    ),
    function(
        "split",
        "The pieces of the string between the separators.",
        framed(split, STRING, STRING, result=list_of(STRING)),
    ),
    function(
        "join",
        "The elements of the list as one string, with the glue between them.",
        framed(join, ANY_LIST, STRING, result=STRING),
    ),
    function(
        "firstName",
        "What stands before the first space.",
        framed(first_name, STRING, result=STRING),
    ),
    function(
        "lastName",
        "What stands after the last space.",
        framed(last_name, STRING, result=STRING),
    ),
    function("toString", "The value as text.", framed(to_string, ANY, result=STRING)),
)
