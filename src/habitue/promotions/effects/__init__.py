"""Effects: what a customer gets and what a shop is asked to do, as values.

Words: an effect has a *cause* (campaign, ruleset, rule, and the coupon it was triggered by) and an
*outcome*, one of the classes of this package. A *rollback* takes an earlier effect back. The
properties are those of contracts/talon_one/SEMANTICS.md section 5.2; amounts are in the
application's currency, unrounded. Positions name a line of the cart, sub-positions a unit of that
line, both from 0. Each family of outcomes has a module here, and `Outcome` joins them.
"""

from typing import TypeAlias

import msgspec

from habitue.promotions.effects.achievements import (
    AchievementOutcome,
    IncreaseAchievementProgress,
    RollbackAchievementProgress,
    StartAchievementProgress,
)
from habitue.promotions.effects.attributes import UpdateAttribute
from habitue.promotions.effects.audiences import (
    AddToAudience,
    AudienceOutcome,
    RemoveFromAudience,
)
from habitue.promotions.effects.coupons import (
    AcceptCoupon,
    CouponOutcome,
    RejectCoupon,
    RollbackCoupon,
)
from habitue.promotions.effects.discounts import (
    DISCOUNTS,
    AddFreeItem,
    DiscountOutcome,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
)
from habitue.promotions.effects.issued import (
    AwardGiveaway,
    CouponCreated,
    IssuedOutcome,
    ReferralCreated,
    ReserveCoupon,
    WillAwardGiveaway,
)
from habitue.promotions.effects.notifications import (
    CustomEffect,
    EngineError,
    NotificationOutcome,
    NotificationType,
    ShowBundleMetadata,
    ShowNotification,
)
from habitue.promotions.effects.points import (
    AddLoyaltyPoints,
    ChangeLoyaltyTierLevel,
    DeductLoyaltyPoints,
    ExpiryChange,
    ExtendPointsExpiry,
    PointsOutcome,
    RollbackAddedPoints,
    RollbackDeductedPoints,
    SetPointsExpiry,
)
from habitue.promotions.effects.referrals import (
    AcceptReferral,
    ReferralOutcome,
    RejectReferral,
    RollbackReferral,
)
from habitue.promotions.effects.webhooks import TriggerWebhook

__all__ = [
    "DISCOUNTS",
    "NO_CAMPAIGN",
    "AcceptCoupon",
    "AcceptReferral",
    "AchievementOutcome",
    "AddFreeItem",
    "AddLoyaltyPoints",
    "AddToAudience",
    "AwardGiveaway",
    "ChangeLoyaltyTierLevel",
    "CouponCreated",
    "CustomEffect",
    "DeductLoyaltyPoints",
    "Effect",
    "EngineError",
    "ExpiryChange",
    "ExtendPointsExpiry",
    "IncreaseAchievementProgress",
    "NotificationType",
    "Outcome",
    "ReferralCreated",
    "RejectCoupon",
    "RejectReferral",
    "RemoveFromAudience",
    "ReserveCoupon",
    "RollbackAchievementProgress",
    "RollbackAddedPoints",
    "RollbackCoupon",
    "RollbackDeductedPoints",
    "RollbackDiscount",
    "RollbackReferral",
    "SetDiscount",
    "SetDiscountPerAdditionalCost",
    "SetDiscountPerAdditionalCostPerItem",
    "SetDiscountPerItem",
    "SetPointsExpiry",
    "ShowBundleMetadata",
    "ShowNotification",
    "StartAchievementProgress",
    "TriggerWebhook",
    "UpdateAttribute",
    "WillAwardGiveaway",
    "unclaimed",
]

#: The campaign of an effect that no campaign caused, such as the rejection of an unknown code.
NO_CAMPAIGN = -1

Outcome: TypeAlias = (
    CouponOutcome
    | ReferralOutcome
    | IssuedOutcome
    | DiscountOutcome
    | NotificationOutcome
    | UpdateAttribute
    | AudienceOutcome
    | TriggerWebhook
    | PointsOutcome
    | AchievementOutcome
)


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outcome and its cause; rule indexes count from 0.

    The group is that of the campaign set which the campaign was judged in, where there is one.
    """

    campaign_id: int
    ruleset_id: int
    rule_index: int
    rule_name: str
    outcome: Outcome
    coupon_id: int | None = None
    group_id: int | None = None
    group_mode: str | None = None
    experiment_id: int | None = None


def unclaimed(outcome: Outcome) -> Effect:
    """An effect that no campaign caused (contract section 5.1: campaign -1, and 0 for the rest)."""
    return Effect(NO_CAMPAIGN, 0, 0, "", outcome)
