"""What the parts of the checker share while they walk a ruleset.

Words: *to infer* an expression is to find its type and to report what is wrong with it on the way.
After an error the type is `ANY`, so that one mistake is told once.
"""

from difflib import get_close_matches
from typing import Protocol

from habitue.rules.check.report import Findings
from habitue.rules.check.scope import Scope
from habitue.rules.dialect import Dialect
from habitue.rules.frame import RuleFailed
from habitue.rules.functions.values import time_of_text
from habitue.rules.tree import Expression, Literal
from habitue.rules.types import ANY, TIME, Type

_SUGGESTIONS_FROM = 5_000


class Walk(Protocol):
    """The checker as its parts see it."""

    findings: Findings
    dialect: Dialect
    features: frozenset[str]
    read: set[str]

    def infer(self, node: Expression, scope: Scope) -> Type:
        """The type of `node`, remembered and returned."""


def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of type `given` may stand where `wanted` is asked for.

    Text stands for a time if it reads as one, which evaluation tells; literals are tested here.
    """
    if "any" in (given.kind, wanted.kind):
        return True
    if given.kind == "list" and wanted.kind == "list":
        return fits(given.item or ANY, wanted.item or ANY)
    return given == wanted or (given.kind == "string" and wanted == TIME)


def is_time(text: str) -> bool:
    """Whether `text` names a time in RFC 3339."""
    try:
        time_of_text(text)
    except RuleFailed:
        return False
    return True


def demand(walk: Walk, node: Expression, given: Type, wanted: Type) -> bool:
    """Whether `node` of type `given` fits `wanted`; reports it where it does not."""
    match node:
        case Literal(str() as text) if wanted == TIME:
            if is_time(text):
                walk.findings.typed(node, TIME)
                return True
            details = f'"{text[:40]}" is not a time like 2026-01-31T12:00:00Z'
            walk.findings.error(node, "Not a time", details)
            return False
    if fits(given, wanted):
        return True
    walk.findings.error(node, "Wrong type", f"{named(wanted)} is wanted here, not {named(given)}")
    return False


def named(type_: Type) -> str:
    """The type in words: a number, a list of string, null."""
    name = str(type_)
    if type_.kind == "null":
        return name
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def did_you_mean(walk: Walk, wrong: str, known: list[str]) -> str:
    """The end of a sentence that suggests the name most like `wrong`; empty where none is."""
    if walk.findings.is_full or len(known) > _SUGGESTIONS_FROM:
        return ""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(wrong.lower()[:100], by_lower, n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""
