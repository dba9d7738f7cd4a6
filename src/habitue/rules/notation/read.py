"""Text for people, read into the tree by way of Talang's JSON form.

Words: as in `habitue.rules.parse` a *document* is the JSON form. The text is never executed: its
syntax tree is walked, and every construction that is not a rule is refused with line and column.

Invariants: the operators of two operands, `and`, `or`, `not`, names, lambdas, lists and
dictionaries each stand for one Talang form; everything else is a call. Numbers are taken from the
text as written, never from Python's binary floats.
"""

import ast
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import EXPRESSION_DEPTH_MAX
from habitue.rules.notation.names import (
    GENERIC_BLOCK,
    GENERIC_CALL,
    GENERIC_VARIABLE,
    SPELLED,
    VALUES,
    read_name,
)
from habitue.rules.notation.source import Source, parse_source
from habitue.rules.parse import parse_expression
from habitue.rules.tree import Expression

_COMPARISONS: Mapping[type[ast.cmpop], str] = MappingProxyType(
    {
        ast.Eq: "=",
        ast.NotEq: "!=",
        ast.Lt: "<",
        ast.LtE: "<=",
        ast.Gt: ">",
        ast.GtE: ">=",
        ast.In: "contains",
        ast.NotIn: "notContains",
    }
)
_OPERATORS: Mapping[type[ast.operator], str] = MappingProxyType(
    {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "mod"}
)
_UNSUPPORTED: Mapping[type[ast.expr], str] = MappingProxyType(
    {
        ast.Tuple: "a list is written in brackets: [a, b]",
        ast.Set: "a list is written in brackets: [a, b]",
        ast.IfExp: "there is no if; write two rules, or catch(default, value)",
        ast.JoinedStr: 'text is put together with +: "Hello " + profile.name',
        ast.NamedExpr: "names are bound in the bindings of a rule, or with do(value, lambda ...)",
        ast.GeneratorExp: "write map(list, lambda item: ...) or filter(list, lambda item: ...)",
        ast.ListComp: "write map(list, lambda item: ...) or filter(list, lambda item: ...)",
    }
)
_DEPTH_REFUSED = EXPRESSION_DEPTH_MAX + 5


def read_text(text: str, at: str = "") -> Expression:
    """The expression that `text` says; the nodes' pointers are those of its JSON form under `at`.

    Raises `InvalidInput` with every fault; those of the text say line and column.
    """
    source = parse_source(text, at)
    reader = _Reader(source, at)
    document = reader.document(source.root, 1)
    if reader.faults:
        raise InvalidInput(*reader.faults)
    return parse_expression(document, at)


class _Reader:
    """Walks one syntax tree; what is refused is remembered and stands as null meanwhile."""

    def __init__(self, source: Source, at: str) -> None:
        self._source = source
        self._at = at
        self.faults: list[Fault] = []

    def document(self, node: ast.expr, depth: int) -> object:
        """The JSON form of `node`, which stands `depth` levels below the root."""
        if depth > _DEPTH_REFUSED:
            return self._refuse(node, f"a rule is at most {EXPRESSION_DEPTH_MAX} levels deep")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._path(node)
            case ast.Call():
                return self._call(node, depth)
            case ast.Lambda():
                return self._lambda(node, depth)
            case ast.List():
                return ["list", *self._documents(node.elts, depth)]
            case ast.Dict():
                return self._dictionary(node, depth)
        return self._operation(node, depth)

    def _operation(self, node: ast.expr, depth: int) -> object:
        match node:
            case ast.BoolOp(op, values):
                name = "and" if isinstance(op, ast.And) else "or"
                return [name, *self._documents(values, depth)]
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
                return [_OPERATORS[type(operator)], *self._documents([left, right], depth)]
            case ast.UnaryOp(operator, operand):
                return self._unary(operator, operand, depth)
        return self._refuse(node, _UNSUPPORTED.get(type(node), "this is not part of a rule"))

    def _documents(self, nodes: list[ast.expr], depth: int) -> list[object]:
        return [self.document(node, depth + 1) for node in nodes]

    def _refuse(self, node: ast.expr, why: str) -> object:
        details = f"{self._source.place(node)}: {why}"
        self.faults.append(Fault(self._at, "Not a rule", details))
        return None

    def _constant(self, node: ast.Constant) -> object:
        value = node.value
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, bytes) or value is Ellipsis:
            return self._refuse(node, "this is not part of a rule")
        try:
            return Decimal(self._source.text(node))
        except InvalidOperation:
            return self._refuse(node, "a number is written in decimal digits, like 12.50")

    def _unary(self, operator: ast.unaryop, operand: ast.expr, depth: int) -> object:
        if isinstance(operator, ast.Not):
            return ["not", self.document(operand, depth + 1)]
        value = self.document(operand, depth + 1)
        if isinstance(operator, ast.UAdd) and isinstance(value, Decimal):
            return value
        if not isinstance(operator, ast.USub):
            return self._refuse(operand, "the only signs are + and - before a number")
        if isinstance(operand, ast.Constant) and isinstance(value, Decimal):
            return value.copy_negate()
        return ["-", Decimal(0), value]

    def _comparison(self, node: ast.Compare, depth: int) -> object:
        if len(node.ops) > 1:
            why = "compare two things at a time: a < b and b < c, or between(b, a, c)"
            return self._refuse(node, why)
        name = _COMPARISONS.get(type(node.ops[0]))
        if name is None:
            return self._refuse(node, "write == or != instead of is")
        left, right = self._documents([node.left, node.comparators[0]], depth)
        return [name, right, left] if name in ("contains", "notContains") else [name, left, right]

    def _path(self, node: ast.expr) -> object:
        parts: list[object] = []
        while True:
            match node:
                case ast.Attribute(value, attribute):
                    parts.append(self._identifier(node, attribute))
                    node = value
                case ast.Subscript(value, ast.Constant(str() as name)):
                    parts.append(name)
                    node = value
                case ast.Subscript():
                    return self._refuse(node, 'a field is quoted: item.attributes["color"]')
                case _:
                    break
        return self._rooted(node, parts[::-1])

    def _rooted(self, root: ast.expr, parts: list[object]) -> object:
        match root:
            case ast.Name(name) if name in VALUES and not parts:
                return VALUES[name]
            case ast.Name(name):
                return [".", self._identifier(root, name), *parts]
            case ast.Call(ast.Name("var"), [ast.Constant(str() as quoted)], []):
                return [".", quoted, *parts]
        return self._refuse(root, "only variables have fields; bind it to a name with do")

    def _identifier(self, node: ast.expr, identifier: str) -> str | None:
        name = read_name(identifier)
        if name is None:
            self._refuse(node, f'quote this name: {GENERIC_VARIABLE}("{identifier}") or x["..."]')
        return name

    def _call(self, node: ast.Call, depth: int) -> object:
        if not isinstance(node.func, ast.Name):
            return self._refuse(node, "only functions are called, by their name")
        if node.keywords or any(isinstance(part, ast.Starred) for part in node.args):
            return self._refuse(node, "arguments have no names and no stars")
        name = node.func.id
        if name == GENERIC_VARIABLE:
            return self._rooted(node, [])
        if name == GENERIC_CALL:
            return self._generic_call(node, depth)
        if name == GENERIC_BLOCK:
            return self._generic_block(node, depth)
        if not name.isascii():
            return self._refuse(node, f'write call("{name}", ...)')
        return [SPELLED.get(name, name), *self._documents(node.args, depth)]

    def _generic_call(self, node: ast.Call, depth: int) -> object:
        match node.args:
            case [ast.Constant(str() as name), *arguments]:
                return [name, *self._documents(arguments, depth)]
        return self._refuse(node, 'write call("name", arguments...)')

    def _generic_block(self, node: ast.Call, depth: int) -> object:
        names = [part.value for part in node.args[:-1] if isinstance(part, ast.Constant)]
        if len(names) != len(node.args) - 1 or not all(isinstance(name, str) for name in names):
            return self._refuse(node, 'write block("parameter", body)')
        return [names, self.document(node.args[-1], depth + 1)]

    def _lambda(self, node: ast.Lambda, depth: int) -> object:
        signature = node.args
        if (
            signature.vararg
            or signature.kwarg
            or signature.kwonlyargs
            or signature.posonlyargs
            or signature.defaults
        ):
            return self._refuse(node, "a lambda has plain parameters only")
        names = [self._parameter(node, argument.arg) for argument in signature.args]
        return [names, self.document(node.body, depth + 1)]

    def _parameter(self, node: ast.Lambda, identifier: str) -> str | None:
        if identifier in VALUES:
            self._refuse(node, f"{identifier} is a value, not a name")
        return self._identifier(node, identifier)

    def _dictionary(self, node: ast.Dict, depth: int) -> object:
        pairs: list[object] = ["kv"]
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                pairs.append([key.value, self.document(value, depth + 2)])
            else:
                self._refuse(key or node, 'a key is a text: {"size": 42}')
        return pairs
