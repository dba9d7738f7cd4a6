"""Talang in JSON: read into the tree, and written back without loss.

Words: a *document* is decoded JSON (lists, strings, booleans, null, and numbers as `Decimal` or
`int`). A list that begins with a string is a call; a list of a list of names and one document is a
block; anything else but a list is a literal (contracts/talon_one/TALANG.md section 1).

Invariants: `render_expression(parse_expression(document))` is the document, numbers being
`Decimal`. Whatever is accepted is within the bounds of `habitue.model.limits`, so that everything
behind this module may walk a tree recursively. All faults of a document are reported at once, each
with the JSON pointer of the place.
"""

from decimal import Decimal

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    AMOUNT_DECIMALS_MAX,
    AMOUNT_MAX,
    EXPRESSION_DEPTH_MAX,
    EXPRESSION_NODES_MAX,
    TEXT_LENGTH_MAX,
)
from habitue.model.numbers import EXACT
from habitue.rules.tree import Block, Call, Expression, Literal

_PLACEHOLDER = Literal(None)
_EXPONENTS = (-EXACT.prec, EXACT.prec)


def parse_expression(document: object, at: str = "") -> Expression:
    """The expression that `document` says; `at` is the pointer of the document itself.

    Raises `InvalidInput` with every fault of the document.
    """
    faults: list[Fault] = []
    expression = collect_expression(document, at, faults)
    if faults:
        raise InvalidInput(*faults)
    return expression


def collect_expression(document: object, at: str, faults: list[Fault]) -> Expression:
    """As `parse_expression`, with the faults added to `faults` instead of raised."""
    return _Parser(faults).expression(document, at, 1)


def render_expression(expression: Expression) -> object:
    """The document that `parse_expression` reads as `expression`."""
    match expression:
        case Literal(value):
            return value
        case Call(name, arguments):
            return [name, *map(render_expression, arguments)]
        case Block(parameters, body):
            return [list(parameters), render_expression(body)]


def node_count(expression: Expression) -> int:
    """How many literals, calls and blocks `expression` consists of, itself included."""
    match expression:
        case Literal():
            return 1
        case Call(_, arguments):
            return 1 + sum(map(node_count, arguments))
        case Block(_, body):
            return 1 + node_count(body)


def string_fault(text: str, at: str) -> Fault | None:
    """What is wrong with a string or a name inside a rule, if anything."""
    if len(text) > TEXT_LENGTH_MAX:
        return Fault(at, "Too long", f"a text has at most {TEXT_LENGTH_MAX} characters")
    if "\0" in text or not _is_unicode(text):
        return Fault(at, "Invalid text", "a text holds neither U+0000 nor half a surrogate pair")
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def number_fault(number: Decimal, at: str) -> Fault | None:
    """What is wrong with a number inside a rule, if anything."""
    if _is_exact(number):
        return None
    details = f"a number is at most {AMOUNT_MAX:f} and has at most {AMOUNT_DECIMALS_MAX} decimals"
    return Fault(at, "Number out of range", details)


def _is_exact(number: Decimal) -> bool:
    # Looks at the digits, because every operation would round or overflow on hostile numbers.
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or not _EXPONENTS[0] <= exponent <= _EXPONENTS[1]:
        return False
    if len(digits) > EXACT.prec or number.copy_abs() > AMOUNT_MAX:
        return False
    kept = "".join(map(str, digits)).rstrip("0")
    return not kept or -exponent - (len(digits) - len(kept)) <= AMOUNT_DECIMALS_MAX


class _Parser:
    """One document: counts its nodes and collects its faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._nodes = 0

    def expression(self, document: object, at: str, depth: int) -> Expression:
        self._nodes += 1
        if self._nodes > EXPRESSION_NODES_MAX or depth > EXPRESSION_DEPTH_MAX:
            return self._too_large(at, depth)
        if isinstance(document, list | tuple):
            return self._list(document, at, depth)
        return self._literal(document, at)

    def _too_large(self, at: str, depth: int) -> Expression:
        if depth > EXPRESSION_DEPTH_MAX:
            self._fault(at, "Too deep", f"a rule is at most {EXPRESSION_DEPTH_MAX} levels deep")
        elif self._nodes == EXPRESSION_NODES_MAX + 1:
            self._fault(at, "Too large", f"a rule has at most {EXPRESSION_NODES_MAX} parts")
        return _PLACEHOLDER

    def _list(self, items: list[object] | tuple[object, ...], at: str, depth: int) -> Expression:
        if not items:
            return self._fault(at, "Empty list", "a call begins with the name of a function")
        head = items[0]
        if isinstance(head, str):
            return self._call(head, items, at, depth)
        if isinstance(head, list | tuple):
            return self._block(head, items, at, depth)
        details = "a list is a call, [name, arguments...], or a block, [[parameters...], body]"
        return self._fault(f"{at}/0", "Not an expression", details)

    def _call(
        self, name: str, items: list[object] | tuple[object, ...], at: str, depth: int
    ) -> Expression:
        self._text(name, f"{at}/0")
        arguments = []
        for index, item in enumerate(items[1:], start=1):
            if self._nodes > EXPRESSION_NODES_MAX:
                break
            arguments.append(self.expression(item, f"{at}/{index}", depth + 1))
        return Call(name, tuple(arguments), at)

    def _block(
        self,
        head: list[object] | tuple[object, ...],
        items: list[object] | tuple[object, ...],
        at: str,
        depth: int,
    ) -> Expression:
        if len(items) != 2:
            details = f"a block has parameters and one body, this has {len(items) - 1} bodies"
            return self._fault(at, "Not a block", details)
        parameters = self._parameters(head, at)
        return Block(parameters, self.expression(items[1], f"{at}/1", depth + 1), at)

    def _parameters(self, head: list[object] | tuple[object, ...], at: str) -> tuple[str, ...]:
        self._nodes += len(head)
        if self._nodes > EXPRESSION_NODES_MAX:
            self._fault(at, "Too large", f"a rule has at most {EXPRESSION_NODES_MAX} parts")
            return ()
        parameters = []
        for index, name in enumerate(head):
            if isinstance(name, str):
                self._text(name, f"{at}/0/{index}")
                parameters.append(name)
            else:
                self._fault(f"{at}/0/{index}", "Not a name", "a block's parameters are strings")
        return tuple(parameters)

    def _literal(self, document: object, at: str) -> Expression:
        if isinstance(document, str):
            self._text(document, at)
            return Literal(document, at)
        if document is None or isinstance(document, bool):
            return Literal(document, at)
        if isinstance(document, int | Decimal):
            return self._number(Decimal(document), at)
        details = "a rule consists of strings, numbers, booleans, null and lists"
        return self._fault(at, "Not an expression", details)

    def _number(self, number: Decimal, at: str) -> Expression:
        fault = number_fault(number, at)
        if fault is None:
            return Literal(number, at)
        return self._fault(fault.pointer, fault.title, fault.details)

    def _text(self, text: str, at: str) -> None:
        fault = string_fault(text, at)
        if fault is not None:
            self._faults.append(fault)

    def _fault(self, at: str, title: str, details: str) -> Expression:
        self._faults.append(Fault(at, title, details))
        return _PLACEHOLDER
