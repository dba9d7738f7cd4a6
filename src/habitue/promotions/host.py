"""The functions that the promotion engine adds to the rule language.

Conditions ask about the coupon or the referral code at hand; effects add to the evaluation. Their
names are the effect types of contracts/talon_one/SEMANTICS.md section 5.2, their arguments are our
dialect (TALANG.md section 6). Whatever a formula yields that cannot be an effect (a negative or a
boundless amount, an unknown cost) fails the rule, never the request.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from habitue.model.attributes import Entity, normalised, validate
from habitue.model.limits import AMOUNT_MAX, CART_UNITS_MAX
from habitue.pricing.split import split
from habitue.promotions.effects import (
    AddFreeItem,
    CustomEffect,
    NotificationType,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
    ShowNotification,
    UpdateAttribute,
)
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import (
    ANY,
    BOOLEAN,
    EFFECT,
    MAP,
    NUMBER,
    STRING,
    list_of,
    per_item,
    record,
)

NOTIFICATION_TYPES = ("Info", "Offer", "Error", "Misc")
_ITEMS = list_of(record("Item"))
#: The entities whose attributes a rule may set, by the name that paths use.
WRITABLE: Mapping[str, Entity] = {"Session": "CustomerSession", "Profile": "CustomerProfile"}


def coupon_valid(frame: Evaluation, redeem: bool = True) -> bool:
    """Whether the rule is tried for a coupon that can be used; with `redeem` closing uses it up."""
    if frame.coupon is None:
        return False
    frame.coupon_read = True
    frame.redeem = frame.redeem or redeem
    return True


def referral_valid(frame: Evaluation) -> bool:
    """Whether the session's referral code can be used. No code is ever issued so far: it cannot."""
    frame.session_or_fail()
    return False


def set_discount(frame: Evaluation, name: str, value: Decimal) -> None:
    """Adds a discount on the whole session."""
    frame.session_or_fail()
    frame.add(SetDiscount(name, _discount(value)))


def set_discount_per_item(
    frame: Evaluation,
    name: str,
    value: Decimal | Callable[[ItemFacts], Decimal],
    items: Sequence[ItemFacts] | None = None,
) -> None:
    """Adds a discount on each unit: the same for all, or computed for each."""
    for item in _targets(frame, items):
        amount = value(item) if callable(value) else value
        frame.add(_per_item(name, _discount(amount), item, None))


def set_discount_pro_rata(
    frame: Evaluation, name: str, value: Decimal, items: Sequence[ItemFacts] | None = None
) -> None:
    """Spreads one discount over the units by price; the shares sum to the whole."""
    targets = _targets(frame, items)
    shares = split(_discount(value), [item.price for item in targets])
    for item, share in zip(targets, shares, strict=True):
        frame.add(_per_item(name, share, item, value))


def set_discount_per_additional_cost(
    frame: Evaluation, name: str, cost: str, value: Decimal
) -> None:
    """Adds a discount on an additional cost that the session has."""
    if cost not in frame.session_or_fail().additional_costs:
        raise RuleFailed(f"the session has no additional cost {cost!r}")
    cost_id = frame.additional_cost_ids[cost]
    frame.add(SetDiscountPerAdditionalCost(name, cost_id, cost, _discount(value)))


def add_free_item(frame: Evaluation, sku: str, name: str, quantity: Decimal = Decimal(1)) -> None:
    """Adds one effect for each free unit."""
    frame.session_or_fail()
    if quantity != quantity.to_integral_value() or not 1 <= quantity <= CART_UNITS_MAX:
        raise RuleFailed(f"a quantity of free items must be a whole number, not {quantity}")
    for _ in range(int(quantity)):
        frame.add(AddFreeItem(sku, name))


def show_notification(frame: Evaluation, notification_type: str, title: str, body: str) -> None:
    """Adds a message for the customer."""
    if notification_type not in NOTIFICATION_TYPES:
        raise RuleFailed(f"{notification_type!r} is no type of notification")
    frame.add(ShowNotification(cast(NotificationType, notification_type), title, body))


def custom_effect(
    frame: Evaluation, effect_id: Decimal, name: str, payload: Mapping[str, Any]
) -> None:
    """Adds an effect of the shop's own."""
    if effect_id != effect_id.to_integral_value() or not 0 <= effect_id < 2**53:
        raise RuleFailed(f"the id of a custom effect must be a whole number, not {effect_id}")
    frame.add(CustomEffect(int(effect_id), name, {key: plain(payload[key]) for key in payload}))


def update_attribute(frame: Evaluation, path: str, value: Any) -> None:
    """Sets an attribute of the session or the profile, from the next request on."""
    owner, separator, name = path.partition(".Attributes.")
    entity = WRITABLE.get(owner)
    if not separator or entity is None:
        raise RuleFailed(f"{path!r} is not the path of an attribute that a rule can set")
    if (frame.profile if owner == "Profile" else frame.session) is None:
        raise RuleFailed(f"there is no {owner.lower()} to update")
    stored = plain(value)
    faults = validate({name: stored}, frame.writable[entity], entity, "")
    if faults:
        raise RuleFailed(faults[0].details)
    frame.attribute_changes.append((entity, name, normalised({name: stored})[name]))
    frame.add(UpdateAttribute(path, stored))


def plain(value: Any) -> Any:
    """A value of the rule language as JSON holds it: times become RFC 3339 text in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if value is None or isinstance(value, (str, bool, Decimal)):
        return value
    raise RuleFailed("this value has no JSON form")


def _targets(frame: Evaluation, items: Sequence[ItemFacts] | None) -> Sequence[ItemFacts]:
    targets = frame.session_or_fail().cart_items if items is None else items
    if not targets:
        raise RuleFailed("there is no item to give a discount on")
    return targets


def _per_item(
    name: str, value: Decimal, item: ItemFacts, total: Decimal | None
) -> SetDiscountPerItem:
    position = int(item.position)
    return SetDiscountPerItem(f"{name}#{position}", value, position, int(item.sub_position), total)


def _discount(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value <= AMOUNT_MAX:
        raise RuleFailed(f"{value} cannot be a discount")
    return value


_NAME = ("name", STRING)

HOST_FUNCTIONS: Mapping[str, HostFunction] = {
    each.name: each
    for each in (
        HostFunction(
            "couponValid",
            (("redeem", BOOLEAN),),
            BOOLEAN,
            coupon_valid,
            optional=1,
            feature="coupons",
            description="Whether the submitted coupon of this campaign can be used.",
        ),
        HostFunction(
            "referralValid",
            (),
            BOOLEAN,
            referral_valid,
            feature="referrals",
            description="Whether the submitted referral code of this campaign can be used.",
        ),
        HostFunction(
            "setDiscount",
            (_NAME, ("value", NUMBER)),
            EFFECT,
            set_discount,
            description="A discount on the whole session.",
        ),
        HostFunction(
            "setDiscountPerItem",
            (_NAME, ("value", per_item("Item")), ("items", _ITEMS)),
            EFFECT,
            set_discount_per_item,
            optional=1,
            description="A discount on each unit, of all items or of those given.",
        ),
        HostFunction(
            "setDiscountPerItemProRata",
            (_NAME, ("value", NUMBER), ("items", _ITEMS)),
            EFFECT,
            set_discount_pro_rata,
            optional=1,
            description="One discount, spread over the units in proportion to their prices.",
        ),
        HostFunction(
            "setDiscountPerAdditionalCost",
            (_NAME, ("additionalCost", STRING), ("value", NUMBER)),
            EFFECT,
            set_discount_per_additional_cost,
            description="A discount on an additional cost of the session, such as shipping.",
        ),
        HostFunction(
            "addFreeItem",
            (("sku", STRING), _NAME, ("quantity", NUMBER)),
            EFFECT,
            add_free_item,
            optional=1,
            description="Free units of an article.",
        ),
        HostFunction(
            "showNotification",
            (("notificationType", STRING), ("title", STRING), ("body", STRING)),
            EFFECT,
            show_notification,
            description="A message for the customer; the type is Info, Offer, Error or Misc.",
        ),
        HostFunction(
            "customEffect",
            (("effectId", NUMBER), _NAME, ("payload", MAP)),
            EFFECT,
            custom_effect,
            description="An effect of the shop's own, with a payload that it understands.",
        ),
        HostFunction(
            "updateAttribute",
            (("path", STRING), ("value", ANY)),
            EFFECT,
            update_attribute,
            description="Sets Session.Attributes.<name> or Profile.Attributes.<name>.",
        ),
    )
}
