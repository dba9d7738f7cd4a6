"""Which loyalty programs rules refer to, so that a request reads those and no others.

Rules name a program by its id, as the argument of a function, or by its name, in a path under
`Profile.Loyalty`. An id that is no constant may be any program's.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from habitue.loyalty.program import LoyaltyProgram
from habitue.rules.ruleset import Ruleset
from habitue.rules.tree import Block, Call, Expression, Literal

#: The functions that refer to a program, and which of their arguments is its id.
PROGRAM_ARGUMENTS: Mapping[str, int] = {
    "addloyaltypoints": 1,
    "addloyaltypointsperitem": 1,
    "deductloyaltypoints": 1,
    "extendloyaltypointsexpirydate": 0,
    "setloyaltypointsexpirydate": 0,
    "loyaltybalance": 0,
    "loyaltytier": 0,
    "loyaltypointsredeemable": 0,
    "loyaltycardvalid": 0,
    "loyaltycardregistered": 0,
}
#: The functions that may give points to somebody else, and which argument says to whom.
RECIPIENT_ARGUMENTS: Mapping[str, int] = {"addloyaltypoints": 7, "addloyaltypointsperitem": 8}
PATH = ("Profile", "Loyalty")


class LoyaltyReferences(msgspec.Struct, frozen=True):
    """The ids and the names of programs that rules refer to; `any` says that it may be all,
    `achievements` that rules are about achievements too, and `advocates` that rules may give points
    to the advocate of a referral code."""

    ids: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    any: bool = False
    achievements: bool = False
    advocates: bool = False


NO_REFERENCES = LoyaltyReferences()


def references_of(ruleset: Ruleset) -> LoyaltyReferences:
    """What the rules of a ruleset refer to."""
    ids: set[int] = set()
    names: set[str] = set()
    any_ = achievements = advocates = False
    for call in _calls(_expressions(ruleset)):
        if call.name == ".":
            names.update(_name(call))
        achievements = achievements or "achievement" in call.name.lower()
        advocates = advocates or _may_give_away(call)
        position = PROGRAM_ARGUMENTS.get(call.name.lower())
        if position is None or position >= len(call.arguments):
            continue
        argument = call.arguments[position]
        if isinstance(argument, Literal) and not isinstance(argument.value, (str, bool)):
            ids.add(int(argument.value or 0))
        else:
            any_ = True
    return LoyaltyReferences(frozenset(ids), frozenset(names), any_, achievements, advocates)


def joined_references(references: Iterable[LoyaltyReferences]) -> LoyaltyReferences:
    """What several rulesets refer to, together."""
    each = list(references)
    return LoyaltyReferences(
        frozenset[int]().union(*(one.ids for one in each)),
        frozenset[str]().union(*(one.names for one in each)),
        any(one.any for one in each),
        any(one.achievements for one in each),
        any(one.advocates for one in each),
    )


def functions_of(ruleset: Ruleset) -> frozenset[str]:
    """The functions that the rules of a ruleset name, in lower case."""
    return frozenset(call.name.lower() for call in _calls(_expressions(ruleset)))


def loyalty_programs(
    wanted: Iterable[LoyaltyReferences], programs: Mapping[int, LoyaltyProgram]
) -> frozenset[int]:
    """The programs among `programs` that are referred to."""
    references = list(wanted)
    if any(each.any for each in references):
        return frozenset(programs)
    ids = frozenset().union(*(each.ids for each in references))
    names = frozenset().union(*(each.names for each in references))
    return frozenset(id_ for id_, each in programs.items() if id_ in ids or each.name in names)


def _expressions(ruleset: Ruleset) -> Iterator[Expression]:
    yield from (each.expression for each in ruleset.bindings)
    for rule in ruleset.rules:
        yield from (each.expression for each in rule.bindings)
        yield rule.condition
        yield from rule.effects


def _calls(expressions: Iterable[Expression]) -> Iterator[Call]:
    waiting = list(expressions)
    while waiting:
        match waiting.pop():
            case Call(_, arguments) as call:
                yield call
                waiting.extend(arguments)
            case Block(_, body):
                waiting.append(body)


def _may_give_away(call: Call) -> bool:
    position = RECIPIENT_ARGUMENTS.get(call.name.lower())
    if position is None or position >= len(call.arguments):
        return False
    argument = call.arguments[position]
    return not (isinstance(argument, Literal) and argument.value == "Current")


def _name(call: Call) -> list[str]:
    names = [str(each.value) for each in call.arguments if isinstance(each, Literal)]
    if tuple(names[:2]) != PATH:
        return []
    return [each for each in names[2:4] if each != "Attributes"][:1]
