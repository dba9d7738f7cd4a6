"""The static checker: refuses rulesets that cannot work, warns about those that do nothing.

Words: a *formula* is an expression with a value, an *effect* one without. *Features* are what the
campaign has switched on ("coupons", "loyalty"). What only evaluation can tell is left to it.

Invariants: the checker raises nothing; a ruleset without errors compiles, and evaluating it fails
only for what is unset, out of range, or of a type that is known at evaluation alone.
"""

from collections.abc import Mapping, Set
from types import MappingProxyType

from habitue.rules.check.dead import warn_condition, warn_formula
from habitue.rules.check.fold import Folder
from habitue.rules.check.infer import Inference
from habitue.rules.check.report import CheckReport, Findings, FormulaReport
from habitue.rules.check.rules import RulesetCheck
from habitue.rules.check.scope import Scope
from habitue.rules.check.walk import demand
from habitue.rules.desugar import desugar_expression, desugar_ruleset
from habitue.rules.dialect import Dialect
from habitue.rules.ruleset import Ruleset
from habitue.rules.tree import Expression
from habitue.rules.types import ANY, BOOLEAN, Type

__all__ = ["CheckReport", "FormulaReport", "check_formula", "check_ruleset"]

_NO_NAMES: Mapping[str, Type] = MappingProxyType({})


def check_ruleset(ruleset: Ruleset, dialect: Dialect, features: Set[str]) -> CheckReport:
    """Everything that is wrong with `ruleset` for a campaign that has `features`.

    Compile `report.ruleset`, and only where `report.errors` is empty.
    """
    checked, faults = desugar_ruleset(ruleset)
    if faults:
        return CheckReport(checked, faults, (), {})
    return RulesetCheck(dialect, frozenset(features)).report(checked)


def check_formula(
    expression: Expression,
    dialect: Dialect,
    wanted: Type = ANY,
    names: Mapping[str, Type] = _NO_NAMES,
    features: Set[str] = frozenset(),
) -> FormulaReport:
    """Everything that is wrong with a formula of its own, such as a filter of cart items.

    `names` are the names bound around it, `wanted` is the type that its value must have. Compile
    `report.expression`, and only where `report.errors` is empty.
    """
    checked, faults = desugar_expression(expression)
    if faults:
        return FormulaReport(checked, ANY, faults, ())
    findings = Findings()
    inference = Inference(dialect, frozenset(features), findings)
    scope = Scope()
    for name, type_ in names.items():
        scope = scope.bound(name, type_, "")
    given = inference.infer(checked, scope)
    demand(inference, checked, given, wanted)
    if not findings.errors:
        folder = Folder(findings.types, dialect.functions, frozenset(features))
        warn_formula(findings, folder, checked)
        if wanted == BOOLEAN:
            warn_condition(findings, folder, checked)
    return FormulaReport(checked, given, tuple(findings.errors), tuple(findings.warnings))
