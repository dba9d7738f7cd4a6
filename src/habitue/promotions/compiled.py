"""Compiled campaigns: rules as Python functions of an evaluation, beside what they came from."""

from collections.abc import Iterable, Iterator

import msgspec

from habitue.promotions.campaign import Campaign, StoredRuleset
from habitue.promotions.experiments import Experiment
from habitue.promotions.loyalty_references import (
    NO_REFERENCES,
    LoyaltyReferences,
    functions_of,
    joined_references,
    references_of,
)
from habitue.rules.compile import CompiledBinding, Evaluate, compile_binding, compile_expression
from habitue.rules.desugar import desugar_ruleset
from habitue.rules.dialect import Dialect
from habitue.rules.frame import FAILURES, Frame
from habitue.rules.ruleset import Binding, Rule, Ruleset, conditions, parse_ruleset
from habitue.rules.tree import Block, Call, Expression


class CompiledRule(msgspec.Struct, frozen=True):
    """One rule. Its `index` is unique in its campaign, that of its cause in its ruleset; these
    differ in experiments only, where each rule is of one variant. `uses_coupon` says that it asks
    for a coupon, `needs_coupon` that it fails without, `uses_referral` that it asks for a referral
    code.

    `cause` is campaign, ruleset, rule index and rule name, as effects carry them. `tree` is what
    was compiled, for explanations; `names` are the bindings that it may read.
    """

    index: int
    title: str
    cause: tuple[int, int, int, str]
    tree: Rule
    condition: Evaluate
    effects: tuple[Evaluate, ...]
    bindings: tuple[CompiledBinding, ...]
    uses_coupon: bool
    needs_coupon: bool
    uses_referral: bool = False
    failure_effects: tuple[Evaluate, ...] = ()
    parts: tuple[Evaluate, ...] = ()
    variant_id: int = 0
    names: tuple[tuple[str, Expression], ...] = ()

    def failing_condition(self, frame: Frame) -> int | None:
        """The index of the first condition that does not hold; None where no single one decides.

        Only rules that ask for a code keep their conditions apart, for the code's rejection.
        """
        for index, part in enumerate(self.parts):
            try:
                if part(frame) is not True:
                    return index
            except FAILURES:
                return index
        return None


class CompiledCampaign(msgspec.Struct, frozen=True):
    """One campaign with its active ruleset; `loyalty` are the programs that its rules refer to,
    `calls` the functions that they name, in lower case. The `strikethrough` rules are no part of
    `rules`."""

    campaign: Campaign
    ruleset_ids: tuple[int, ...]
    rules: tuple[CompiledRule, ...]
    loyalty: LoyaltyReferences = NO_REFERENCES
    calls: frozenset[str] = frozenset()
    strikethrough: tuple[CompiledRule, ...] = ()

    @property
    def ruleset_id(self) -> int:
        """The active ruleset, that of the primary variant in an experiment."""
        return self.ruleset_ids[0]


def compile_experiment(
    campaign: Campaign, experiment: Experiment, dialect: Dialect
) -> CompiledCampaign:
    """The campaign with the rules of all variants, one variant after the other."""
    variants = sorted(experiment.variants, key=lambda each: not each.is_primary)
    compiled = [compile_campaign(campaign, each.ruleset, dialect) for each in variants]
    rules = [
        msgspec.structs.replace(rule, variant_id=variant.id)
        for variant, each in zip(variants, compiled, strict=True)
        for rule in each.rules
    ]
    return CompiledCampaign(
        campaign,
        ruleset_ids_of(experiment),
        tuple(msgspec.structs.replace(each, index=index) for index, each in enumerate(rules)),
        joined_references(each.loyalty for each in compiled),
        frozenset[str]().union(*(each.calls for each in compiled)),
    )


def ruleset_ids_of(experiment: Experiment) -> tuple[int, ...]:
    """The rulesets of the variants, that of the primary one first."""
    variants = sorted(experiment.variants, key=lambda each: not each.is_primary)
    return tuple(each.ruleset.id for each in variants)


def compile_campaign(
    campaign: Campaign, ruleset: StoredRuleset, dialect: Dialect
) -> CompiledCampaign:
    """The campaign with its rules compiled. The ruleset passed its checks when it was saved."""
    tree, _ = desugar_ruleset(parse_ruleset(ruleset.document))

    def compiled(rules: tuple[Rule, ...]) -> tuple[CompiledRule, ...]:
        return tuple(
            _compiled_rule(tree, rule, (campaign.id, ruleset.id, index, rule.title), dialect)
            for index, rule in enumerate(rules)
        )

    return CompiledCampaign(
        campaign,
        (ruleset.id,),
        compiled(tree.rules),
        references_of(tree),
        functions_of(tree),
        compiled(tree.strikethrough_rules),
    )


def _compiled_rule(
    ruleset: Ruleset, rule: Rule, cause: tuple[int, int, int, str], dialect: Dialect
) -> CompiledRule:
    bindings: tuple[Binding, ...] = (*ruleset.bindings, *rule.bindings)
    read = (rule.condition, *(each.expression for each in bindings))
    uses_coupon = any(mentions(each, "couponvalid") for each in read)
    uses_referral = any(mentions(each, "referralvalid") for each in read)
    asks = uses_coupon or uses_referral
    operator, parts = conditions(rule)
    return CompiledRule(
        index=cause[2],
        title=rule.title,
        cause=cause,
        tree=rule,
        condition=compile_expression(rule.condition, dialect),
        effects=tuple(compile_expression(each, dialect) for each in rule.effects),
        bindings=tuple(compile_binding(each.name, each.expression, dialect) for each in bindings),
        uses_coupon=uses_coupon,
        needs_coupon=operator == "and" and any(map(is_coupon_condition, _joined(parts))),
        uses_referral=uses_referral,
        failure_effects=tuple(compile_expression(each, dialect) for each in rule.failure_effects),
        parts=_compiled_parts(parts, dialect) if asks and operator == "and" else (),
        names=tuple((each.name, each.expression) for each in bindings),
    )


def mentions(expression: Expression, function: str) -> bool:
    """Whether the expression calls the function, whose name is in lower case, anywhere."""
    match expression:
        case Call(name, arguments):
            return name.lower() == function or any(mentions(each, function) for each in arguments)
        case Block(_, body):
            return mentions(body, function)
    return False


def is_coupon_condition(expression: Expression) -> bool:
    """Whether the expression is nothing but the question for a coupon."""
    return isinstance(expression, Call) and expression.name.lower() == "couponvalid"


def _joined(parts: Iterable[Expression]) -> Iterator[Expression]:
    """Everything that must hold so that all parts do, however deep it stands in them."""
    for part in parts:
        if isinstance(part, Call) and part.name.lower() == "and":
            yield from _joined(part.arguments)
        else:
            yield part


def _compiled_parts(parts: Iterable[Expression], dialect: Dialect) -> tuple[Evaluate, ...]:
    return tuple(compile_expression(part, dialect) for part in parts)
