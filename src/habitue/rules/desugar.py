"""Rewrites a ruleset into the forms that the checker and the compiler know.

Words: a *template* is declared by a binding whose whole expression is
`["setTemplate", "plus(Decimal, Decimal)Decimal", body]`; `["#", 0]` in the body is its first
*hole*. A use, `["!", "plus", 1, 2]`, becomes the body with each hole reading a value that a `do`
binds. `["map", list, "Item", body]` becomes `["map", list, [["Item"], body]]`.

Invariants: the result means the same, contains none of the sugar of `habitue.rules.special`, shares
no call, block or literal between two places, and keeps the pointers into the ruleset as it was
written. A template uses only those declared before it, so that rewriting ends; the result is within
the bounds of size and depth.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from habitue.model.errors import Fault
from habitue.model.limits import EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX
from habitue.rules.ruleset import RULESET_NODES_MAX, Binding, Rule, Ruleset
from habitue.rules.special import SpecialForm, fits, special_form
from habitue.rules.tree import Block, Call, Expression, Literal

_SIGNATURE = re.compile(r"\s*([^\s()]+)\s*\(([^()]*)\)\s*\w*\s*")


@dataclass(frozen=True, slots=True)
class _Template:
    holes: int
    body: Expression


class _Budget:
    """How many more nodes the templates of the ruleset may be filled in with."""

    def __init__(self) -> None:
        self.nodes_left = RULESET_NODES_MAX


def desugar_ruleset(ruleset: Ruleset) -> tuple[Ruleset, tuple[Fault, ...]]:
    """`ruleset` without sugar, and what is wrong with its templates."""
    shared = _Desugar({}, _Budget())
    bindings = shared.bindings(ruleset.bindings)
    faults = shared.faults

    def rewritten(rule: Rule) -> Rule:
        own = _Desugar(dict(shared.templates), shared.budget)
        bindings = own.bindings(rule.bindings)
        condition = own.whole(rule.condition)
        effects = tuple(own.whole(effect) for effect in rule.effects)
        failures = tuple(own.whole(effect) for effect in rule.failure_effects)
        faults.extend(own.faults)
        return replace(
            rule,
            bindings=bindings,
            condition=condition,
            effects=effects,
            failure_effects=failures,
        )

    rules = tuple(rewritten(rule) for rule in ruleset.rules)
    strikethrough = tuple(rewritten(rule) for rule in ruleset.strikethrough_rules)
    return Ruleset(rules, bindings, strikethrough), tuple(faults)


def desugar_expression(expression: Expression) -> tuple[Expression, tuple[Fault, ...]]:
    """As `desugar_ruleset`, for an expression that stands alone and knows no templates."""
    desugar = _Desugar({}, _Budget())
    return desugar.whole(expression), tuple(desugar.faults)


class _Desugar:
    """Rewrites expressions in the order of evaluation, learning templates on the way."""

    def __init__(self, templates: dict[tuple[str, int], _Template], budget: _Budget) -> None:
        self.templates = templates
        self.budget = budget
        self.faults: list[Fault] = []
        self._nodes = 0
        self._uses = 0

    def bindings(self, bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
        """The bindings that have a value; those that declare a template are remembered."""
        kept = []
        for binding in bindings:
            expression = binding.expression
            if isinstance(expression, Call) and expression.name.lower() == "settemplate":
                self._declare(expression)
            else:
                kept.append(replace(binding, expression=self.whole(expression)))
        return tuple(kept)

    def whole(self, expression: Expression) -> Expression:
        """One expression of the ruleset, rewritten."""
        self._nodes = 0
        return self._rewritten(expression, (), 1)

    def _rewritten(self, node: Expression, holes: tuple[str, ...], depth: int) -> Expression:
        self._nodes += 1
        if self._nodes > EXPRESSION_NODES_MAX or depth > EXPRESSION_DEPTH_MAX:
            return self._too_large(node, depth)
        match node:
            case Literal(value, at):
                return Literal(value, at)
            case Block(parameters, body, at):
                return Block(parameters, self._rewritten(body, holes, depth + 1), at)
            case Call():
                return self._call(node, holes, depth)

    def _too_large(self, node: Expression, depth: int) -> Expression:
        if depth > EXPRESSION_DEPTH_MAX:
            self._fault(node, "Too deep", "with its templates filled in, this is too deep")
        elif self._nodes == EXPRESSION_NODES_MAX + 1:
            self._fault(node, "Too large", "with its templates filled in, this is too large")
        return Literal(None, node.at)

    def _call(self, call: Call, holes: tuple[str, ...], depth: int) -> Expression:
        form = special_form(call.name)
        if form is not None and form.sugar:
            return self._sugar(form, call, holes, depth)
        if form is not None and any(
            fits(shape, None, call.arguments) for shape in form.sugar_shapes
        ):
            subject, name, body = call.arguments
            assert isinstance(name, Literal)
            block = Block((str(name.value),), body, body.at)
            call = Call(call.name, (subject, block), call.at)
        arguments = tuple(self._rewritten(each, holes, depth + 1) for each in call.arguments)
        return Call(call.name, arguments, call.at)

    def _sugar(
        self, form: SpecialForm, call: Call, holes: tuple[str, ...], depth: int
    ) -> Expression:
        if form.name == "!":
            return self._use(call, holes, depth)
        if form.name == "#":
            return self._hole(call, holes)
        self._fault(call, "Misplaced template", "a template is declared by a binding of its own")
        return Literal(None, call.at)

    def _declare(self, call: Call) -> None:
        form = special_form(call.name)
        shape = form.shapes[0] if form else ()
        if not fits(shape, None, call.arguments):
            self._fault(call, "Wrong arguments", "setTemplate takes a signature and a body")
            return
        signature, body = call.arguments
        assert isinstance(signature, Literal)
        parsed = _SIGNATURE.fullmatch(str(signature.value))
        if parsed is None:
            self._fault(signature, "Not a signature", "write it as plus(Decimal, Decimal)Decimal")
            return
        name, parameters = parsed.groups()
        holes = len(parameters.split(",")) if parameters.strip() else 0
        self._nodes = 0
        names = tuple(f"#{index}" for index in range(holes))
        # The names are replaced at each use; here the body only loses its own sugar.
        written = self._rewritten(body, names, 1)
        self.templates[name.lower(), holes] = _Template(holes, written)

    def _use(self, call: Call, holes: tuple[str, ...], depth: int) -> Expression:
        if not call.arguments or not isinstance(call.arguments[0], Literal):
            self._fault(call, "Wrong arguments", "name the template: ! name arguments")
            return Literal(None, call.at)
        name, *arguments = call.arguments
        assert isinstance(name, Literal)
        template = self.templates.get((str(name.value).lower(), len(arguments)))
        if template is None:
            wanted = f'no template "{name.value}" of {len(arguments)} arguments is declared here'
            self._fault(call, "Unknown template", wanted)
            return Literal(None, call.at)
        self._uses += 1
        names = tuple(f"#{self._uses}.{index}" for index in range(template.holes))
        return self._filled(template, names, arguments, holes, depth, call.at)

    def _filled(
        self,
        template: _Template,
        names: tuple[str, ...],
        arguments: list[Expression],
        holes: tuple[str, ...],
        depth: int,
        at: str,
    ) -> Expression:
        values = [
            self._rewritten(each, holes, depth + 1 + 2 * index)
            for index, each in enumerate(arguments)
        ]
        renaming = {f"#{index}": name for index, name in enumerate(names)}
        result = self._renamed(template.body, renaming, depth + 2 * len(names))
        for name, value in zip(reversed(names), reversed(values), strict=True):
            result = Call("do", (value, Block((name,), result, at)), at)
        return result

    def _renamed(self, node: Expression, renaming: dict[str, str], depth: int) -> Expression:
        self._nodes += 1
        self.budget.nodes_left -= 1
        if self.budget.nodes_left < 0 and self._nodes <= EXPRESSION_NODES_MAX:
            self._nodes = EXPRESSION_NODES_MAX + 1
        if self._nodes > EXPRESSION_NODES_MAX or depth > EXPRESSION_DEPTH_MAX:
            return self._too_large(node, depth)
        match node:
            case Literal(value, at):
                return Literal(value, at)
            case Block(parameters, body, at):
                return Block(parameters, self._renamed(body, renaming, depth + 1), at)
            case Call(".", (Literal(str() as name),), at) if name in renaming:
                return Call(".", (Literal(renaming[name], at),), at)
            case Call(name, arguments, at):
                parts = tuple(self._renamed(each, renaming, depth + 1) for each in arguments)
                return Call(name, parts, at)

    def _hole(self, call: Call, holes: tuple[str, ...]) -> Expression:
        match call.arguments:
            case (Literal(Decimal() as value),) if value in range(len(holes)):
                return Call(".", (Literal(holes[int(value)], call.at),), call.at)
        known = f"the holes here are 0 to {len(holes) - 1}" if holes else "there are no holes here"
        self._fault(call, "Unknown hole", known)
        return Literal(None, call.at)

    def _fault(self, node: Expression, title: str, details: str) -> None:
        self.faults.append(Fault(node.at, title, details))
