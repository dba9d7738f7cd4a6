"""Making the shop what a file says it is.

Words: what is *wanted* is matched with what there is by name, and becomes a *plan*: what would be
created and changed, and how. A plan is computed without writing anything, so it can be shown
first; carrying it out twice changes nothing the second time. What a file does not mention stays.
"""

from habitue.usecases.apply.carry_out import apply
from habitue.usecases.apply.plan import Plan, Step
from habitue.usecases.apply.wanted import (
    WantedApplication,
    WantedAttribute,
    WantedCampaign,
    WantedCost,
    WantedCoupon,
    WantedCustomer,
    WantedEntry,
    WantedLabels,
    WantedLoyaltyProgram,
    WantedOrganisation,
    WantedSettings,
    WantedShop,
)

__all__ = [
    "Plan",
    "Step",
    "WantedApplication",
    "WantedAttribute",
    "WantedCampaign",
    "WantedCost",
    "WantedCoupon",
    "WantedCustomer",
    "WantedEntry",
    "WantedLabels",
    "WantedLoyaltyProgram",
    "WantedOrganisation",
    "WantedSettings",
    "WantedShop",
    "apply",
]
