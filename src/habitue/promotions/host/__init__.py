"""The functions that the promotion engine adds to the rule language.

Conditions ask about the coupon or the referral code at hand; effects add to the evaluation. Their
names are the effect types of contracts/talon_one/SEMANTICS.md section 5.2, their arguments are our
dialect (TALANG.md section 6). Each family has a module here that lists its `FUNCTIONS`. Whatever a
formula yields that cannot be an effect fails the rule, never the request.
"""

from collections.abc import Mapping

from habitue.promotions.host import (
    achievements,
    attributes,
    audiences,
    budgets,
    bundles,
    coupons,
    discounts,
    filters,
    issued,
    items,
    lists,
    notifications,
    points,
    referrals,
    webhooks,
)
from habitue.rules.dialect import HostFunction

HOST_FUNCTIONS: Mapping[str, HostFunction] = {
    each.name: each
    for family in (
        coupons.FUNCTIONS,
        budgets.FUNCTIONS,
        referrals.FUNCTIONS,
        issued.FUNCTIONS,
        discounts.FUNCTIONS,
        items.FUNCTIONS,
        lists.FUNCTIONS,
        filters.FUNCTIONS,
        bundles.FUNCTIONS,
        notifications.FUNCTIONS,
        attributes.FUNCTIONS,
        audiences.FUNCTIONS,
        points.FUNCTIONS,
        achievements.FUNCTIONS,
        webhooks.FUNCTIONS,
    )
    for each in family
}
