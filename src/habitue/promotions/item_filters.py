"""Cart item filters: named expressions over the units of a cart, for an application's campaigns.

Words: a *filter* has *expressions*, of which one is active; an expression never changes, so that
what was active once can become so again. Rules call a filter by its name. It is evaluated when it
is first asked for, and once for all rules, unless discounts lower prices meanwhile
(contracts/talon_one/SEMANTICS.md section 4.2).

Invariant: an active expression gives a list of units in the dialect of its application; a filter
reads no other filter.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from habitue.model.errors import Fault
from habitue.rules.check import check_formula
from habitue.rules.compile import Evaluate, compile_expression
from habitue.rules.dialect import Dialect
from habitue.rules.parse import parse_expression
from habitue.rules.tree import Block, Call, Expression
from habitue.rules.types import list_of, record

#: What rules call a filter by.
FILTER_CALL = "cartItemFilter"
_UNITS = list_of(record("Item"))


class FilterExpression(msgspec.Struct, frozen=True):
    """One expression of a filter; `document` is its JSON form."""

    id: int
    created: datetime
    document: list[Any]


class CartItemFilter(msgspec.Struct, frozen=True):
    """A filter of an application; without an `active_expression_id` it cannot be called yet."""

    id: int
    application_id: int
    name: str
    created: datetime
    modified: datetime
    description: str = ""
    active_expression_id: int | None = None
    expressions: tuple[FilterExpression, ...] = ()

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.application_id}:{self.name}"

    def expression(self, id_: int | None) -> FilterExpression | None:
        """The expression of that id; None where the filter has none."""
        return next((each for each in self.expressions if each.id == id_), None)


class Filters(msgspec.Struct, frozen=True):
    """The filters of one application, compiled, by name; `default` is the name of the default."""

    by_name: Mapping[str, Evaluate] = MappingProxyType({})
    default: str | None = None


NO_FILTERS = Filters()


def filter_faults(document: object, dialect: Dialect) -> Iterator[Fault]:
    """What is wrong with the document of an expression. Raises `InvalidInput` where it is none."""
    expression = parse_expression(document)
    if _calls_filters(expression):
        yield Fault("", "Not allowed", "a filter reads no other filter")
    else:
        yield from check_formula(expression, dialect, _UNITS).errors


def compiled_filters(
    filters: Iterable[CartItemFilter], default_id: int | None, dialect: Dialect
) -> Filters:
    """The filters that have an active expression; one that the dialect has outgrown fails."""
    by_name, default = {}, None
    for each in filters:
        active = each.expression(each.active_expression_id)
        if active is not None:
            expression = check_formula(parse_expression(active.document), dialect).expression
            by_name[each.name] = compile_expression(expression, dialect)
        if each.id == default_id:
            default = each.name
    return Filters(by_name, default)


def _calls_filters(expression: Expression) -> bool:
    match expression:
        case Call(name, arguments):
            return name.lower() == FILTER_CALL.lower() or any(map(_calls_filters, arguments))
        case Block(_, body):
            return _calls_filters(body)
    return False
