"""Checks the parts of a ruleset in the order in which they are evaluated.

Words: as in `habitue.rules.ruleset`. A binding sees those before it; a rule sees the bindings of
its ruleset, then its own; an effect sees what the effects before it have `set`.
"""

from habitue.rules.check.dead import warn_condition, warn_formula
from habitue.rules.check.fold import Folder
from habitue.rules.check.infer import Inference
from habitue.rules.check.report import CheckReport, Findings, quoted
from habitue.rules.check.scope import Scope
from habitue.rules.check.walk import demand, fits, named
from habitue.rules.dialect import Dialect
from habitue.rules.ruleset import Binding, Rule, Ruleset
from habitue.rules.tree import Expression
from habitue.rules.types import BOOLEAN, NUMBER, STRING

_VALUE_TYPES = {"string": STRING, "number": NUMBER, "boolean": BOOLEAN}


class RulesetCheck:
    """One check of one ruleset."""

    def __init__(self, dialect: Dialect, features: frozenset[str]) -> None:
        self._findings = Findings()
        self._inference = Inference(dialect, features, self._findings)
        self._folder = Folder(self._findings.types, dialect.functions, features)
        self._dialect = dialect

    def report(self, ruleset: Ruleset) -> CheckReport:
        """The findings about `ruleset`, which has no sugar left."""
        shared = self._bindings(ruleset.bindings, Scope())
        for rule in (*ruleset.rules, *ruleset.strikethrough_rules):
            self._findings.where = f'Rule "{rule.title}"'
            self._rule(rule, shared)
        self._findings.where = ""
        self._warn_unread(ruleset.bindings)
        findings = self._findings
        return CheckReport(
            ruleset, tuple(findings.errors), tuple(findings.warnings), findings.types
        )

    def _rule(self, rule: Rule, shared: Scope) -> None:
        scope = self._bindings(rule.bindings, shared)
        self._condition(rule, scope)
        self._effects(rule.effects, scope)
        self._effects(rule.failure_effects, scope)
        self._warn_unread(rule.bindings)

    def _effects(self, effects: tuple[Expression, ...], scope: Scope) -> None:
        for effect in effects:
            errors = len(self._findings.errors)
            scope = self._inference.effect(effect, scope)
            if len(self._findings.errors) == errors:
                warn_formula(self._findings, self._folder, effect)

    def _condition(self, rule: Rule, scope: Scope) -> None:
        errors = len(self._findings.errors)
        given = self._inference.infer(rule.condition, scope)
        demand(self._inference, rule.condition, given, BOOLEAN)
        if len(self._findings.errors) == errors:
            warn_formula(self._findings, self._folder, rule.condition)
            warn_condition(self._findings, self._folder, rule.condition)

    def _bindings(self, bindings: tuple[Binding, ...], scope: Scope) -> Scope:
        names = [binding.name for binding in bindings]
        for position, binding in enumerate(bindings):
            self._name(binding, names[:position], scope)
            visible = Scope(scope.names, frozenset(names[position:]))
            scope = self._bound(binding, visible)
        return Scope(scope.names)

    def _name(self, binding: Binding, earlier: list[str], scope: Scope) -> None:
        pointer = f"{binding.expression.at.removesuffix('/expression')}/name"
        if binding.name in earlier:
            details = f'two bindings have the name "{binding.name}"'
            self._findings.add_error(pointer, "Name is taken", details)
        elif binding.name in self._dialect.variables:
            details = f'"{binding.name}" belongs to the engine and cannot be bound'
            self._findings.add_error(pointer, "Name is taken", details)
        elif binding.name in scope.names:
            details = f'"{binding.name}" hides the binding of the ruleset with the same name'
            self._findings.add_warning(pointer, "Hidden binding", details)

    def _bound(self, binding: Binding, scope: Scope) -> Scope:
        expression = binding.expression
        errors = len(self._findings.errors)
        given = self._inference.infer(expression, scope)
        wanted = _VALUE_TYPES.get(binding.value_type or "")
        if wanted is not None and not fits(given, wanted):
            details = f'"{binding.name}" is declared as {named(wanted)}, but is {named(given)}'
            self._findings.error(expression, "Wrong type", details)
        if len(self._findings.errors) == errors:
            warn_formula(self._findings, self._folder, expression)
        return scope.bound(binding.name, given, expression.at)

    def _warn_unread(self, bindings: tuple[Binding, ...]) -> None:
        for binding in bindings:
            at = binding.expression.at
            if at not in self._inference.read:
                pointer = f"{at.removesuffix('/expression')}/name"
                details = f'"{binding.name}" is bound to {quoted(binding.expression)}, never read'
                self._findings.add_warning(pointer, "Unused binding", details)
