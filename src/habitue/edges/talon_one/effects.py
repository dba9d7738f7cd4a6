"""Effects on the wire: each outcome of the house under its effect type, with its exact properties.

Property names and their order are those of contracts/talon_one/SEMANTICS.md section 5.2. Numbers
leave in their shortest form and are never rounded.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from habitue.model.numbers import shortest
from habitue.promotions import effects as house
from habitue.promotions.effects import Effect


class Props(msgspec.Struct, rename="camel", omit_defaults=True):
    """The properties of an effect; what is None is left out."""


class CouponProps(Props):
    value: str


class RejectCouponProps(Props):
    value: str
    rejection_reason: str
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None


class RejectReferralProps(Props):
    value: str
    rejection_reason: str


class SetDiscountProps(Props):
    name: str
    value: Decimal


class SetDiscountPerItemProps(Props):
    name: str
    value: Decimal
    position: int
    sub_position: int
    total_discount: Decimal | None = None


class SetDiscountPerAdditionalCostProps(Props):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal


class AddFreeItemProps(Props):
    sku: str
    name: str


class ShowNotificationProps(Props):
    notification_type: str
    title: str
    body: str


class CustomEffectProps(Props):
    effect_id: int
    name: str
    payload: dict[str, Any]
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None


class UpdateAttributeProps(Props, omit_defaults=False):
    path: str
    value: Any


class RollbackDiscountProps(Props):
    name: str
    value: Decimal
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None


class EffectOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """One effect with its cause."""

    campaign_id: int
    ruleset_id: int
    rule_index: int
    rule_name: str
    effect_type: str
    props: Props
    triggered_by_coupon: int | None = None


def effect_out(effect: Effect) -> EffectOut:
    """The effect as it goes over the wire."""
    effect_type, props = _OUT[type(effect.outcome)]
    return EffectOut(
        effect.campaign_id,
        effect.ruleset_id,
        effect.rule_index,
        effect.rule_name,
        effect_type,
        props(effect.outcome),
        effect.coupon_id,
    )


def _reject_coupon(outcome: house.RejectCoupon) -> Props:
    return RejectCouponProps(
        outcome.value,
        outcome.reason,
        outcome.condition_index,
        outcome.effect_index,
        outcome.details,
    )


def _per_item(outcome: house.SetDiscountPerItem) -> Props:
    total = outcome.total_discount
    return SetDiscountPerItemProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        None if total is None else shortest(total),
    )


def _custom(outcome: house.CustomEffect) -> Props:
    return CustomEffectProps(
        outcome.effect_id,
        outcome.name,
        shortened(outcome.payload),
        outcome.position,
        outcome.sub_position,
    )


def _rollback(outcome: house.RollbackDiscount) -> Props:
    return RollbackDiscountProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        outcome.additional_cost_id,
        outcome.additional_cost,
    )


def shortened(value: Any) -> Any:
    if isinstance(value, Decimal):
        return shortest(value)
    if isinstance(value, list):
        return [shortened(each) for each in value]
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    return value


_OUT: Mapping[type, tuple[str, Callable[[Any], Props]]] = {
    house.AcceptCoupon: ("acceptCoupon", lambda it: CouponProps(it.value)),
    house.RejectCoupon: ("rejectCoupon", _reject_coupon),
    house.RejectReferral: (
        "rejectReferral",
        lambda it: RejectReferralProps(it.value, it.reason),
    ),
    house.SetDiscount: (
        "setDiscount",
        lambda it: SetDiscountProps(it.name, shortest(it.value)),
    ),
    house.SetDiscountPerItem: ("setDiscountPerItem", _per_item),
    house.SetDiscountPerAdditionalCost: (
        "setDiscountPerAdditionalCost",
        lambda it: SetDiscountPerAdditionalCostProps(
            it.name, it.additional_cost_id, it.additional_cost, shortest(it.value)
        ),
    ),
    house.AddFreeItem: ("addFreeItem", lambda it: AddFreeItemProps(it.sku, it.name)),
    house.ShowNotification: (
        "showNotification",
        lambda it: ShowNotificationProps(it.notification_type, it.title, it.body),
    ),
    house.CustomEffect: ("customEffect", _custom),
    house.UpdateAttribute: (
        "updateAttribute",
        lambda it: UpdateAttributeProps(it.path, shortened(it.value)),
    ),
    house.RollbackCoupon: ("rollbackCoupon", lambda it: CouponProps(it.value)),
    house.RollbackDiscount: ("rollbackDiscount", _rollback),
}
