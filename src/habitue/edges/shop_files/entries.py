"""The shape of a shop file; what is not known by name is refused."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.shop_files.organisation import OrganisationEntries
from habitue.edges.talon_one.management.additional_costs import AdditionalCostIn
from habitue.edges.talon_one.management.applications import ApplicationIn
from habitue.edges.talon_one.management.attributes import AttributeIn
from habitue.edges.talon_one.management.campaigns import CampaignIn
from habitue.edges.talon_one.management.coupon_wire import CouponIn
from habitue.edges.talon_one.management.loyalty_programs import LoyaltyProgramIn

Name = Annotated[str, Meta(min_length=1)]


class RuleEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A rule, in text or as Talang; `bindings` are texts by name, or Talang.

    `otherwise` are the failure effects, in text.
    """

    title: Name
    description: str | None = None
    when: Any = UNSET
    then: str | list[str] | UnsetType = UNSET
    condition: Any = UNSET
    effects: list[Any] | UnsetType = UNSET
    otherwise: str | list[str] | UnsetType = UNSET
    failure_effects: list[Any] | UnsetType = UNSET
    bindings: dict[str, Any] | list[Any] | None = None


class CouponEntry(CouponIn, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A coupon with this very code; `recipient` is short for `recipientIntegrationId`."""

    code: Name
    recipient: str | UnsetType | None = UNSET


class CampaignEntry(CampaignIn, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A campaign with its rules and coupons."""

    name: Name
    rules: list[RuleEntry] | None = None
    bindings: dict[str, Any] | list[Any] | None = None
    coupons: list[CouponEntry] = msgspec.field(default_factory=list)


class ApplicationEntry(ApplicationIn, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """An application with its campaigns."""

    name: Name
    campaigns: list[CampaignEntry] = msgspec.field(default_factory=list)


class AttributeEntry(AttributeIn, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """An attribute; `applications` are the names of those that have it, by default all."""

    name: Name
    applications: list[str] | None = None


class AdditionalCostEntry(
    AdditionalCostIn, rename="camel", forbid_unknown_fields=True, kw_only=True
):
    """An additional cost; `applications` as for attributes."""

    name: Name
    applications: list[str] | None = None


class LoyaltyProgramEntry(
    LoyaltyProgramIn, rename="camel", forbid_unknown_fields=True, kw_only=True
):
    """A loyalty program; `applications` are the names of those that are subscribed to it."""

    name: Name
    applications: list[str] | None = None


class CustomerEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A customer by store-side id."""

    id: Annotated[str, Meta(min_length=1, max_length=1000)]
    attributes: dict[str, Any] = {}


class FileEntry(OrganisationEntries, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A whole file."""

    attributes: list[AttributeEntry] = msgspec.field(default_factory=list)
    additional_costs: list[AdditionalCostEntry] = msgspec.field(default_factory=list)
    loyalty_programs: list[LoyaltyProgramEntry] = msgspec.field(default_factory=list)
    applications: list[ApplicationEntry] = msgspec.field(default_factory=list)
    customers: list[CustomerEntry] = msgspec.field(default_factory=list)
