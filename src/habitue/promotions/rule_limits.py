"""What the rules of a campaign may do, by the campaign's type and the place in the rule.

A campaign of the type `cartItem` may only do what is about units of the cart
(contracts/talon_one/SEMANTICS.md section 4.1). Where a rule's condition does not hold it may only
tell somebody of it (section 4.2). Which functions a campaign's features allow is checked with the
types of the rules (`habitue.rules.check`).
"""

from collections.abc import Callable, Iterator, Mapping

from habitue.model.errors import Fault
from habitue.promotions.campaign import CampaignType
from habitue.rules.dialect import HostFunction
from habitue.rules.ruleset import Ruleset
from habitue.rules.tree import Block, Call, Expression
from habitue.rules.types import EFFECT

_Allowed = Callable[[HostFunction], bool]


def rule_limit_faults(
    ruleset: Ruleset, type_: CampaignType, functions: Mapping[str, HostFunction]
) -> Iterator[Fault]:
    """The effects that the rules may not have, each at its place."""
    by_name = {name.lower(): function for name, function in functions.items()}
    for rule in ruleset.rules:
        if type_ == "cartItem":
            for function, at in _effects(rule.effects, by_name, lambda each: each.on_items):
                details = (
                    f'{function.name} in "{rule.title}" is no effect on items, and this campaign '
                    "is of the type cartItem"
                )
                yield Fault(at, "Effect not allowed", details)
        for function, at in _effects(rule.failure_effects, by_name, lambda each: each.on_failure):
            details = (
                f'{function.name} in "{rule.title}" cannot happen where the condition does not '
                "hold; notifications and custom effects can"
            )
            yield Fault(at, "Effect not allowed", details)


def _effects(
    expressions: tuple[Expression, ...], functions: Mapping[str, HostFunction], allowed: _Allowed
) -> Iterator[tuple[HostFunction, str]]:
    for expression in expressions:
        match expression:
            case Call(name, arguments, at):
                function = functions.get(name.lower())
                if function is not None and function.result == EFFECT and not allowed(function):
                    yield function, at
                yield from _effects(arguments, functions, allowed)
            case Block(_, body):
                yield from _effects((body,), functions, allowed)
