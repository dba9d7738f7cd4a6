"""Points and tiers on the wire."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.edges.talon_one.effects.props import Out, OutOfEffect, Props
from habitue.model.numbers import shortest
from habitue.promotions import effects as house


class AddLoyaltyPointsProps(Props, kw_only=True):
    """`start_date` is left out where points await an action."""

    name: str
    program_id: int
    sub_ledger_id: str
    value: Decimal
    desired_value: Decimal | None = None
    recipient_integration_id: str
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    transaction_uuid: str = msgspec.field(name="transactionUUID")
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None
    card_identifier: str | None = None
    awaits_activation: bool = False
    validity_duration: str | None = None


class DeductLoyaltyPointsProps(Props):
    rule_title: str
    program_id: int
    sub_ledger_id: str
    value: Decimal
    transaction_uuid: str = msgspec.field(name="transactionUUID")
    name: str
    card_identifier: str | None = None


class ChangeLoyaltyTierLevelProps(Props, kw_only=True):
    rule_title: str
    program_id: int
    sub_ledger_id: str
    previous_tier_name: str | None = None
    new_tier_name: str
    expiry_date: datetime | None = None


class ExpiryChangeOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """One transaction whose points end at another moment now; without a previous end they had
    none."""

    transaction_uuid: str = msgspec.field(name="transactionUUID")
    new_expiry_date: datetime
    previous_expiry_date: datetime | None = None


class ExtendExpiryProps(Props, omit_defaults=False):
    program_id: int
    sub_ledger_id: str
    extension_duration: str
    affected_transactions: list[ExpiryChangeOut]


class SetExpiryProps(Props, omit_defaults=False):
    program_id: int
    sub_ledger_id: str
    new_expiry_date: datetime
    affected_transactions: list[ExpiryChangeOut]


class RollbackAddedPointsProps(Props):
    program_id: int
    sub_ledger_id: str
    value: Decimal
    recipient_integration_id: str
    transaction_uuid: str = msgspec.field(name="transactionUUID")
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None
    card_identifier: str | None = None


class RollbackDeductedPointsProps(Props, kw_only=True):
    program_id: int
    sub_ledger_id: str
    value: Decimal
    recipient_integration_id: str
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    transaction_uuid: str = msgspec.field(name="transactionUUID")
    card_identifier: str | None = None


def _added(it: house.AddLoyaltyPoints) -> Props:
    return AddLoyaltyPointsProps(
        name=it.name,
        program_id=it.program_id,
        sub_ledger_id=it.subledger,
        value=shortest(it.value),
        desired_value=None if it.desired_value is None else shortest(it.desired_value),
        recipient_integration_id=it.recipient,
        start_date=it.start,
        expiry_date=it.expiry,
        transaction_uuid=str(it.key),
        cart_item_position=it.position,
        cart_item_sub_position=it.sub_position,
        card_identifier=it.card or None,
        awaits_activation=it.start is None,
        validity_duration=it.validity or None,
    )


def _deducted(effect: house.Effect, it: house.DeductLoyaltyPoints) -> Props:
    return DeductLoyaltyPointsProps(
        rule_title=effect.rule_name,
        program_id=it.program_id,
        sub_ledger_id=it.subledger,
        value=shortest(it.value),
        transaction_uuid=str(it.key),
        name=it.name,
        card_identifier=it.card or None,
    )


def _tier(effect: house.Effect, it: house.ChangeLoyaltyTierLevel) -> Props:
    return ChangeLoyaltyTierLevelProps(
        rule_title=effect.rule_name,
        program_id=it.program_id,
        sub_ledger_id=it.subledger,
        previous_tier_name=it.previous_tier,
        new_tier_name=it.new_tier,
        expiry_date=it.expiry,
    )


def _changes(changes: tuple[house.ExpiryChange, ...]) -> list[ExpiryChangeOut]:
    return [ExpiryChangeOut(str(each.key), each.after, each.before) for each in changes]


def _rolled_back(it: house.RollbackAddedPoints) -> Props:
    return RollbackAddedPointsProps(
        program_id=it.program_id,
        sub_ledger_id=it.subledger,
        value=shortest(it.value),
        recipient_integration_id=it.recipient,
        transaction_uuid=str(it.key),
        cart_item_position=it.position,
        cart_item_sub_position=it.sub_position,
        card_identifier=it.card or None,
    )


def _reimbursed(it: house.RollbackDeductedPoints) -> Props:
    return RollbackDeductedPointsProps(
        program_id=it.program_id,
        sub_ledger_id=it.subledger,
        value=shortest(it.value),
        recipient_integration_id=it.recipient,
        start_date=it.start,
        expiry_date=it.expiry,
        transaction_uuid=str(it.key),
        card_identifier=it.card or None,
    )


OUT: Mapping[type, Out] = {
    house.AddLoyaltyPoints: ("addLoyaltyPoints", _added),
    house.ExtendPointsExpiry: (
        "extendLoyaltyPointsExpiryDate",
        lambda it: ExtendExpiryProps(
            it.program_id, it.subledger, it.duration, _changes(it.changes)
        ),
    ),
    house.SetPointsExpiry: (
        "setLoyaltyPointsExpiryDate",
        lambda it: SetExpiryProps(it.program_id, it.subledger, it.expiry, _changes(it.changes)),
    ),
    house.RollbackAddedPoints: ("rollbackAddedLoyaltyPoints", _rolled_back),
    house.RollbackDeductedPoints: ("rollbackDeductedLoyaltyPoints", _reimbursed),
}
#: Outcomes that tell the title of their rule.
OUT_OF_EFFECT: Mapping[type, OutOfEffect] = {
    house.DeductLoyaltyPoints: ("deductLoyaltyPoints", _deducted),
    house.ChangeLoyaltyTierLevel: ("changeLoyaltyTierLevel", _tier),
}
