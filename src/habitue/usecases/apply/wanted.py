"""What a file wants, as values. `at` is where each thing stands, for what is wrong with it."""

from typing import Any, Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.rules.ruleset import Ruleset
from habitue.usecases.configure.additional_costs import AdditionalCostFields
from habitue.usecases.configure.applications import ApplicationFields
from habitue.usecases.configure.attributes import AttributeFields
from habitue.usecases.configure.campaigns import CampaignFields
from habitue.usecases.configure.coupon_checks import CouponFields
from habitue.usecases.configure.labels import LabelWish
from habitue.usecases.configure.loyalty_programs import LoyaltyProgramFields


class WantedAttribute(msgspec.Struct, frozen=True):
    """An attribute; `applications` are the names of those that shall have it, None for all."""

    at: str
    entity: str
    name: str
    fields: AttributeFields
    applications: tuple[str, ...] | None = None


class WantedCost(msgspec.Struct, frozen=True):
    """An additional cost; `applications` as for attributes."""

    at: str
    name: str
    fields: AdditionalCostFields
    applications: tuple[str, ...] | None = None


class WantedLoyaltyProgram(msgspec.Struct, frozen=True):
    """A loyalty program; `applications` are the names of those that are subscribed to it."""

    at: str
    name: str
    fields: LoyaltyProgramFields
    applications: tuple[str, ...] | None = None


class WantedCoupon(msgspec.Struct, frozen=True):
    """A coupon with this very code."""

    at: str
    code: str
    fields: CouponFields


class WantedCampaign(msgspec.Struct, frozen=True):
    """A campaign; without `rules` those that it has stay."""

    at: str
    name: str
    fields: CampaignFields
    rules: Ruleset | None = None
    coupons: tuple[WantedCoupon, ...] = ()


class WantedApplication(msgspec.Struct, frozen=True):
    """An application with campaigns."""

    at: str
    name: str
    fields: ApplicationFields
    campaigns: tuple[WantedCampaign, ...] = ()


class WantedCustomer(msgspec.Struct, frozen=True):
    """A customer by store-side id."""

    at: str
    integration_id: str
    attributes: Attributes


class WantedEntry(msgspec.Struct, frozen=True):
    """A till, a source account, a field or a card series, told apart by what its fields say."""

    at: str
    fields: msgspec.Struct


class WantedLabels(msgspec.Struct, frozen=True):
    """Labels of customers or of cards, all that one file has."""

    at: str
    of: Literal["customer", "card"]
    wishes: tuple[LabelWish, ...]


class WantedSettings(msgspec.Struct, frozen=True):
    """Rules of registration that shall change, by name."""

    at: str
    changes: dict[str, Any]


class WantedOrganisation(msgspec.Struct, frozen=True):
    """What the shop says of itself."""

    entries: tuple[WantedEntry, ...] = ()
    labels: tuple[WantedLabels, ...] = ()
    settings: tuple[WantedSettings, ...] = ()

    def and_then(self, later: "WantedOrganisation") -> "WantedOrganisation":
        """Both, in that order."""
        return WantedOrganisation(
            (*self.entries, *later.entries),
            (*self.labels, *later.labels),
            (*self.settings, *later.settings),
        )


class WantedShop(msgspec.Struct, frozen=True):
    """Everything that the files of one run want, in their order."""

    attributes: tuple[WantedAttribute, ...] = ()
    additional_costs: tuple[WantedCost, ...] = ()
    applications: tuple[WantedApplication, ...] = ()
    customers: tuple[WantedCustomer, ...] = ()
    organisation: WantedOrganisation = WantedOrganisation()
    loyalty_programs: tuple[WantedLoyaltyProgram, ...] = ()
