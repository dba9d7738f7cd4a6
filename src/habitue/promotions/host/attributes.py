"""Effects that set attributes of the session, its lines, the profile, and of codes.

Words: an *operator* says how the new value comes out of the old one and the operand. The old value
is the one that earlier effects of the same evaluation have left, so that two increases add up. An
unset number counts as 0 where it is increased or decreased, an unset yes-or-no as no; everything
else needs a value to start from.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from habitue.loyalty.duration import parse_duration
from habitue.model.attributes import Entity, normalised, validate
from habitue.model.instants import parse_instant
from habitue.model.limits import AMOUNT_DECIMALS_MAX
from habitue.model.numbers import ZERO
from habitue.promotions.coupon import Coupon
from habitue.promotions.effects import UpdateAttribute
from habitue.promotions.evaluation import AttributeChange, Evaluation
from habitue.promotions.facts import (
    CouponFacts,
    ItemFacts,
    ProfileFacts,
    ReferralFacts,
    SessionFacts,
)
from habitue.promotions.host.giving import counts, targets
from habitue.promotions.host.words import ITEMS, plain
from habitue.promotions.referral import Referral
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.functions.numbers import divide
from habitue.rules.functions.times import add_duration
from habitue.rules.types import ANY, EFFECT, STRING, per_item

#: The entities whose attributes a rule may set, by the name that paths use.
WRITABLE: Mapping[str, Entity] = {
    "Session": "CustomerSession",
    "Profile": "CustomerProfile",
    "Coupon": "Coupon",
    "Referral": "Referral",
}

_OPERATOR = ("operator", STRING)
_UNITS = {
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "D": "days",
    "W": "weeks",
    "M": "months",
    "Y": "years",
}

T = TypeVar("T")
_Facts: TypeAlias = SessionFacts | ProfileFacts | CouponFacts | ReferralFacts


def update_attribute(frame: Evaluation, path: str, value: Any, operator: str = "setTo") -> None:
    """Changes an attribute of the session, the profile, the coupon that the rule is tried for or
    the referral code, from the next request on."""
    owner, separator, name = path.partition(".Attributes.")
    entity = WRITABLE.get(owner)
    if not separator or entity is None:
        raise RuleFailed(f"{path!r} is not the path of an attribute that a rule can set")
    facts, code = _target(frame, owner)
    if facts is None:
        raise RuleFailed(f"there is no {owner.lower()} to update")
    wanted = AttributeChange(entity, name, None, code=code)
    old = _current(frame, wanted, facts.attributes)
    _change(frame, wanted._replace(value=_operated(frame, operator, old, value)), path)


def _target(frame: Evaluation, owner: str) -> tuple[_Facts | None, Coupon | Referral | None]:
    if owner == "Coupon":
        return frame.coupon_facts, frame.coupon
    if owner == "Referral":
        return frame.referral, frame.referral_code
    return (frame.profile if owner == "Profile" else frame.session_or_fail()), None


def update_cart_item_attribute(
    frame: Evaluation,
    name: str,
    value: Any,
    items: Sequence[ItemFacts] | None = None,
    operator: str = "setTo",
) -> None:
    """Changes an attribute of each line that one of the units belongs to."""
    changed = set[int]()
    for item in targets(frame, items):
        position = int(item.position)
        if position in changed or not counts(frame, item):
            continue
        changed.add(position)
        operand = value(item) if callable(value) else value
        wanted = AttributeChange("CartItem", name, None, position)
        old = _current(frame, wanted, item.attributes)
        new = _operated(frame, operator, old, operand)
        path = f"Session.CartItems[{position}].Attributes.{name}"
        _change(frame, wanted._replace(value=new), path)


def _change(frame: Evaluation, change: AttributeChange, path: str) -> None:
    stored = plain(change.value)
    definitions = frame.writable[change.entity]
    faults = validate({change.name: stored}, definitions, change.entity, "")
    if faults:
        raise RuleFailed(faults[0].details)
    kept = normalised({change.name: stored})[change.name]
    frame.attribute_changes.append(change._replace(value=kept))
    frame.add(UpdateAttribute(path, stored))


def _current(frame: Evaluation, wanted: AttributeChange, stored: Mapping[str, Any]) -> Any:
    place = _place(wanted)
    for change in reversed(frame.attribute_changes):
        if _place(change) == place:
            return Decimal(change.value) if type(change.value) is int else change.value
    return stored.get(wanted.name)


def _place(change: AttributeChange) -> tuple[Any, ...]:
    return change.entity, change.name, change.position, change.code.id if change.code else 0


def _operated(frame: Evaluation, operator: str, old: Any, operand: Any) -> Any:
    if operator == "setTo":
        return operand
    if operator == "toggle":
        return not _of(bool, False if old is None else old, operator)
    if operator in ("laterBy", "earlierBy"):
        return _moved(frame, operator, old, operand)
    arithmetic = _ARITHMETIC.get(operator)
    if arithmetic is None:
        known = ", ".join(("setTo", "toggle", "laterBy", "earlierBy", *_ARITHMETIC))
        raise RuleFailed(f"{operator!r} is no operator of an attribute; there are {known}")
    if old is None and operator in ("increaseBy", "decreaseBy"):
        old = ZERO
    result = arithmetic(_of(Decimal, old, operator), _of(Decimal, operand, operator))
    return round(result, AMOUNT_DECIMALS_MAX)


def _moved(frame: Evaluation, operator: str, old: Any, operand: Any) -> datetime:
    if isinstance(old, str):
        old = parse_instant(old)
    moment = _of(datetime, old, operator)
    duration = parse_duration(_of(str, operand, operator))
    if duration is None or duration.rounding:
        raise RuleFailed(f"{operand!r} is no length of time such as 30D, 12h or 1M")
    count = duration.count if operator == "laterBy" else -duration.count
    return add_duration(frame, moment, Decimal(count), _UNITS[duration.unit])


def _of(kind: type[T], value: Any, operator: str) -> T:
    if isinstance(value, kind):
        return value
    shown = "nothing" if value is None else repr(value)
    raise RuleFailed(f"{operator} cannot work with {shown}")


_ARITHMETIC: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "increaseBy": lambda old, operand: old + operand,
    "decreaseBy": lambda old, operand: old - operand,
    "multiplyBy": lambda old, operand: old * operand,
    "divideBy": divide,
}

_OPERATORS = "setTo, increaseBy, decreaseBy, multiplyBy, divideBy, toggle, laterBy or earlierBy"

FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "updateAttribute",
        (("path", STRING), ("value", ANY), _OPERATOR),
        EFFECT,
        update_attribute,
        optional=1,
        description="Changes an attribute of Session, Profile, Coupon or Referral, such as "
        f"Session.Attributes.<name>; the operator is {_OPERATORS}.",
    ),
    HostFunction(
        "updateCartItemAttribute",
        (("name", STRING), ("value", per_item("Item", ANY)), ("items", ITEMS), _OPERATOR),
        EFFECT,
        update_cart_item_attribute,
        optional=2,
        on_items=True,
        description=f"Changes an attribute of lines of the cart; the operator is {_OPERATORS}.",
    ),
)
