"""The checker proper: the type of every formula and effect, and what is wrong with it.

Invariants: every fault is reported once; walking ends for every tree within the bounds of the
parser; nothing is evaluated but literals.
"""

from habitue.rules.check.calls import infer_core, infer_host, is_effect, unknown_function
from habitue.rules.check.forms import block_scope, demand_shape, infer_form
from habitue.rules.check.report import Findings
from habitue.rules.check.scope import Scope
from habitue.rules.dialect import Dialect, HostFunction
from habitue.rules.functions import core_function
from habitue.rules.functions.values import type_of
from habitue.rules.special import SpecialForm, special_form
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import ANY, EFFECT, Type


class Inference:
    """Infers expressions of one dialect for a campaign that has `features`.

    `read` collects the pointers of all bindings that were read.
    """

    def __init__(self, dialect: Dialect, features: frozenset[str], findings: Findings) -> None:
        self.dialect = dialect
        self.features = features
        self.findings = findings
        self.read: set[str] = set()
        self._hosts = {name.lower(): host for name, host in dialect.functions.items()}

    def infer(self, node: Expression, scope: Scope) -> Type:
        """The type of a formula; an effect or a block in its place is an error."""
        return self.findings.typed(node, self._formula(node, scope))

    def _formula(self, node: Expression, scope: Scope) -> Type:
        match node:
            case Literal(value):
                return type_of(value)
            case Block():
                details = "a block stands only where a function evaluates it"
                self.findings.error(node, "Misplaced block", details)
                return ANY
            case Call():
                return self._call(node, scope)

    def _call(self, call: Call, scope: Scope) -> Type:
        form = special_form(call.name)
        if form is not None:
            return infer_form(self, form, call, scope)
        host = self.host(call)
        if host is None:
            core = core_function(call.name)
            return (
                unknown_function(self, call)
                if core is None
                else infer_core(self, core, call, scope)
            )
        if is_effect(host):
            details = f"{host.name} is an effect and has no value; it stands among the effects"
            self.findings.error(call, "Effect in a formula", details)
            return ANY
        return infer_host(self, host, call, scope)

    def host(self, call: Call) -> HostFunction | None:
        """The function of the host that `call` names in any spelling."""
        return self._hosts.get(call.name.lower())

    def effect(self, node: Expression, scope: Scope) -> Scope:
        """Checks one effect; the scope of the effects after it."""
        self.findings.typed(node, EFFECT)
        if isinstance(node, Call):
            form = special_form(node.name)
            if form is not None and form.name in ("catch", ".|", "do", "noop", "set"):
                return self._effect_form(form, node, scope)
            host = self.host(node)
            if host is not None and is_effect(host):
                infer_host(self, host, node, scope)
                return scope
            if form is None and host is None and core_function(node.name) is None:
                unknown_function(self, node)
                return scope
        details = "an effect is wanted here, this only computes a value"
        self.findings.error(node, "Formula as an effect", details)
        return scope

    def _effect_form(self, form: SpecialForm, call: Call, scope: Scope) -> Scope:
        if not demand_shape(self, form, call):
            return scope
        if form.name == "set":
            return self._set(call, scope)
        if form.name == "do":
            value, block = call.arguments
            inner = block_scope(self, block, self.infer(value, scope), scope)
            if inner is not None and isinstance(block, Block):
                self.effect(block.body, inner)
            return scope
        for part in call.arguments:
            self.effect(part, scope)
        return scope

    def _set(self, call: Call, scope: Scope) -> Scope:
        name, value = call.arguments
        given = self.infer(value, scope)
        written = str(name.value) if isinstance(name, Literal) else ""
        if written in self.dialect.variables:
            details = f'"{written}" belongs to the engine and cannot be bound'
            self.findings.error(call, "Name is taken", details)
            return scope
        return scope.bound(written, given, call.at)
