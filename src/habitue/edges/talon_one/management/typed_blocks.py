"""Rules as typed blocks: the documented reading form of rulesets (contract TALANG.md section 7).

What a block says exactly becomes that block; everything else is a `passthrough` with the expression
as it stands, so that nothing is lost or bent. The ids of blocks are their places in the rule.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from habitue.model.numbers import shortest
from habitue.promotions.item_filters import FILTER_CALL
from habitue.rules.parse import render_expression
from habitue.rules.ruleset import Rule, conditions
from habitue.rules.tree import Block, Call, Expression, Literal

Fields = dict[str, Any]
Typed = Callable[[tuple[Expression, ...]], Fields | None]

_FILTER = FILTER_CALL.lower()
_ARITHMETIC = frozenset("+-*/")
_SCALAR_OPERATORS = {
    "=": "equals",
    "!=": "not(equals)",
    "<": "lessThan",
    "<=": "lessThanOrEqual",
    ">": "greaterThan",
    ">=": "greaterThanOrEqual",
    "contains": "contains",
    "notcontains": "not(contains)",
    "startswith": "startsWith",
    "endswith": "endsWith",
    "after": "after",
    "before": "before",
    "incollection": "inCollection",
}


def blocks_of(rule: Rule) -> list[Fields]:
    """The blocks of a rule: its conditions, then its effects."""
    operator, parts = conditions(rule)
    checks = [_condition(part, f"condition-{index}") for index, part in enumerate(parts)]
    if operator == "or" or rule.failure_effects:
        group: Fields = {
            "id": "conditions",
            "type": "group",
            "operator": "atLeastOne" if operator == "or" else "all",
            "blocks": checks,
        }
        if rule.failure_effects:
            group["onFailure"] = _effects(rule.failure_effects, "failure")
        checks = [group]
    return [*checks, *_effects(rule.effects, "effect")]


def _effects(effects: tuple[Expression, ...], name: str) -> list[Fields]:
    return [_block(effect, f"{name}-{index}", _EFFECTS) for index, effect in enumerate(effects)]


def condition_block(part: Expression, id_: str) -> Fields:
    """The block of one condition, under that id."""
    return _condition(part, id_)


def _condition(part: Expression, id_: str) -> Fields:
    if isinstance(part, Call):
        name = part.name.lower()
        if name in ("and", "or") and len(part.arguments) > 1:
            inner = [_condition(each, f"{id_}-{at}") for at, each in enumerate(part.arguments)]
            operator = "all" if name == "and" else "atLeastOne"
            return {"id": id_, "type": "group", "operator": operator, "blocks": inner}
        if name == "not" and len(part.arguments) == 1:
            inner = [_condition(part.arguments[0], f"{id_}-0")]
            return {"id": id_, "type": "group", "operator": "none", "blocks": inner}
        if name in _SCALAR_OPERATORS:
            checked = _scalar(_SCALAR_OPERATORS[name], part.arguments)
            if checked is not None:
                return {"id": id_, **checked}
    return _block(part, id_, _CONDITIONS)


def _block(expression: Expression, id_: str, typed: Mapping[str, Typed]) -> Fields:
    if isinstance(expression, Call):
        make = typed.get(expression.name.lower())
        made = make(expression.arguments) if make is not None else None
        if made is not None:
            return {"id": id_, **made}
    raw = render_expression(expression)
    return {"id": id_, "type": "passthrough", "expression": raw if isinstance(raw, list) else [raw]}


def _scalar(operator: str, arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Call() as path, Literal(value)) if (attribute := _path(path)) is not None:
            return {
                "type": "checkAttribute",
                "attribute": attribute,
                "operator": operator,
                "value": _plain(value),
            }
    return None


def _between(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Call() as path, Literal(least), Literal(most)) if (name := _path(path)) is not None:
            bounds = {"min": _plain(least), "max": _plain(most)}
            return {"type": "checkAttribute", "attribute": name, "operator": "between", **bounds}
    return None


def _matches(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal() as pattern, Call() as path):
            return _scalar("matchesRegexp", (path, pattern))
    return None


def _check(type_: str) -> Typed:
    def made(arguments: tuple[Expression, ...]) -> Fields | None:
        match arguments:
            case ():
                return {"type": type_, "redeem": True}
            case (Literal(bool() as redeem),):
                return {"type": type_, "redeem": redeem}
        return None

    return made


def _discount(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(str() as name), value) if (amount := _amount(value)) is not None:
            return _awarded(name, amount, {"type": "cart"})
    return None


def _item_discount(*, prorated: bool) -> Typed:
    def made(arguments: tuple[Expression, ...]) -> Fields | None:
        match arguments:
            case (Literal(str() as name), value, *more) if len(more) < 2:
                amount = _amount(value)
                target = _items_target(more[0]) if more else {"type": "allItems"}
                if amount is not None and target is not None:
                    return _awarded(name, amount, {**target, "prorated": prorated})
        return None

    return made


def _items_target(items: Expression) -> Fields | None:
    """The application's filter, or the binding, that the units of a discount are."""
    match items:
        case Call(name, (Literal(str() as filter_name),)) if name.lower() == _FILTER:
            return {"type": "globalFilter", "name": filter_name}
        case Call(".", (Literal(str() as binding_name),)):
            return {"type": "selector", "name": binding_name}
    return None


def _cost_discount(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(str() as name), Literal(str() as cost), value):
            amount = _amount(value)
            if amount is not None:
                target = {"type": "additionalCost", "additionalCost": {"name": cost}}
                return _awarded(name, amount, {**target, "target": {"type": "cart"}})
    return None


def _awarded(name: str, amount: Any, target: Fields) -> Fields:
    common = {"type": "awardDiscount", "name": name, "value": amount}
    return {**common, "partial": False, "target": target}


def _item(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(str() as sku), Literal(str() as name), *more) if len(more) < 2:
            quantity = _amount(more[0]) if more else 1
            if quantity is not None:
                return {"type": "awardItem", "sku": sku, "name": name, "quantity": str(quantity)}
    return None


def _notification(arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(str() as kind), Literal(str() as title), Literal(str() as body)):
            told = {"notificationType": kind, "title": title, "body": body}
            return {"type": "showNotification", **told}
    return None


def _amount(value: Expression) -> Any:
    """A number, or a template of arithmetic; None for what neither can say."""
    if isinstance(value, Literal):
        number = value.value
        return shortest(number) if isinstance(number, Decimal) else None
    if isinstance(value, Block):
        named = {value.parameters[0]: "Item"} if len(value.parameters) == 1 else {}
        formula = _formula(value.body, named)
    else:
        formula = _formula(value, {})
    return None if formula is None else f"{{{{{formula}}}}}"


def _formula(value: Expression, named: Mapping[str, str]) -> str | None:
    match value:
        case Literal(Decimal() as number):
            return str(shortest(number))
        case Call(name, arguments) if name in _ARITHMETIC and len(arguments) > 1:
            parts = [_formula(each, named) for each in arguments]
            known = [each for each in parts if each is not None]
            return f"({f' {name} '.join(known)})" if len(known) == len(parts) else None
        case Call():
            return _path(value, named)
    return None


def _path(call: Call, named: Mapping[str, str] | None = None) -> str | None:
    names = [each.value for each in call.arguments if isinstance(each, Literal)]
    texts = [each for each in names if isinstance(each, str)]
    if call.name != "." or len(texts) < 2 or len(texts) != len(call.arguments):
        return None
    first = (named or {}).get(texts[0], texts[0])
    return "$" + ".".join((first, *texts[1:]))


def _plain(value: Any) -> Any:
    return shortest(value) if isinstance(value, Decimal) else value


_CONDITIONS: Mapping[str, Typed] = {
    "couponvalid": _check("checkCoupon"),
    "referralvalid": _check("checkReferral"),
    "between": _between,
    "~": _matches,
}
_EFFECTS: Mapping[str, Typed] = {
    "setdiscount": _discount,
    "setdiscountperitem": _item_discount(prorated=False),
    "setdiscountperitemprorata": _item_discount(prorated=True),
    "setdiscountperadditionalcost": _cost_discount,
    "addfreeitem": _item,
    "shownotification": _notification,
}
