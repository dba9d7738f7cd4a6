"""Applications and campaigns: what a marketer configures, as values.

Words: an *application* is one sales channel with its own keys, campaigns, currency and time zone. A
*campaign* belongs to one application and has at most one active ruleset; it *runs* when it is
enabled and the moment lies between its start and its end. A *limit* caps how often something may
happen in a campaign, for each combination of the named entities and in each period.
"""

from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.instants import Period, zone_of
from habitue.promotions.campaign_set import CampaignSet

CaseSensitivity = Literal["sensitive", "insensitive-uppercase", "insensitive-lowercase"]
CampaignState = Literal["enabled", "disabled", "archived", "staged"]
FrontendState = Literal["expired", "scheduled", "running", "disabled", "archived", "staged"]
Feature = Literal[
    "coupons",
    "referrals",
    "loyalty",
    "giveaways",
    "strikethrough",
    "achievements",
    "advancedEvents",
]
CampaignType = Literal["cartItem", "advanced"]
SessionDiscountScope = Literal["sessionTotal", "cartItems", "additionalCosts"]
ItemDiscountScope = Literal["price", "itemTotal", "additionalCosts"]
LimitedEntity = Literal["Coupon", "Referral", "Profile", "Identifier", "Store", "Session"]
LimitedAction = Literal[
    "redeemCoupon",
    "redeemReferral",
    "createCoupon",
    "createReferral",
    "reserveCoupon",
    "setDiscount",
    "setDiscountEffect",
    "addFreeItemEffect",
    "createLoyaltyPoints",
    "createLoyaltyPointsEffect",
    "redeemLoyaltyPoints",
    "redeemLoyaltyPointsEffect",
    "awardGiveaway",
    "customEffect",
    "callApi",
]

#: What the budgets of stores can limit.
StoreLimitedAction = Literal["setDiscount"]


class Limit(msgspec.Struct, frozen=True):
    """How much of `action` each combination of `entities` may have in each `period`.

    Without entities the limit holds for the whole campaign, without a period for ever. It is money
    for `setDiscount`, points for `createLoyaltyPoints` and `redeemLoyaltyPoints`, and otherwise a
    number of times.
    """

    action: LimitedAction
    limit: Decimal
    entities: tuple[LimitedEntity, ...]
    period: Period | None = None

    @property
    def counted_by(self) -> str:
        """What its counters are kept for, as a part of their names."""
        return _in_one(self.entities)

    @property
    def is_personal(self) -> bool:
        """Whether it counts a customer's redemptions of coupons, which a coupon's own limits do."""
        entities = set(self.entities)
        return (
            self.action == "redeemCoupon"
            and "Profile" in entities
            and entities <= {"Profile", "Coupon"}
        )


@cache
def _in_one(entities: tuple[LimitedEntity, ...]) -> str:
    """Entities in one word; there are few combinations, and many requests ask for them."""
    return ",".join(sorted(entities))


class StoreBudget(msgspec.Struct, frozen=True):
    """How much of `action` some stores may have in each `period`, each an amount of its own.

    Amounts are by the store's id; a store that has none is not limited. `imported` ones come from a
    file.
    """

    action: StoreLimitedAction
    limits: dict[int, Decimal]
    period: Period | None = None
    imported: bool = False

    @property
    def key(self) -> tuple[str, Period | None]:
        """What it is told apart by within its campaign."""
        return self.action, self.period


class CodeSettings(msgspec.Struct, frozen=True):
    """How codes are generated: each `#` of the pattern becomes one of the characters."""

    valid_characters: tuple[str, ...]
    coupon_pattern: str


class Application(msgspec.Struct, frozen=True):
    """One sales channel. `timezone` is an IANA name, `currency` an ISO 4217 code.

    Campaigns and coupons of the application must carry the `mandatory` attributes. The default
    discount scopes matter to cascading discounts only; partial ones are those that a budget has cut
    short. With `enable_best_prior_price` what articles cost is recorded, and with
    `enable_campaign_state_management` campaigns can be staged. Without a `campaign_set` all
    campaigns apply, the oldest first.
    """

    id: int
    name: str
    timezone: str
    currency: str
    created: datetime
    modified: datetime
    description: str = ""
    case_sensitivity: CaseSensitivity = "sensitive"
    attributes: Attributes = {}
    limits: tuple[Limit, ...] = ()
    sandbox: bool = False
    default_discount_scope: SessionDiscountScope = "sessionTotal"
    default_item_discount_scope: ItemDiscountScope = "price"
    mandatory_campaign_attributes: tuple[str, ...] = ()
    mandatory_coupon_attributes: tuple[str, ...] = ()
    enable_cascading_discounts: bool = False
    enable_partial_discounts: bool = False
    default_cart_item_filter_id: int | None = None
    enable_best_prior_price: bool = False
    enable_campaign_state_management: bool = False
    campaign_set: CampaignSet | None = None

    @property
    def zone(self) -> tzinfo:
        """The time zone in which this application's calendar runs."""
        zone = zone_of(self.timezone)
        assert zone is not None, "the zone was checked when the application was saved"
        return zone

    def code(self, code: str) -> str:
        """`code` in the spelling in which this application stores and compares codes."""
        if self.case_sensitivity == "insensitive-uppercase":
            return code.upper()
        if self.case_sensitivity == "insensitive-lowercase":
            return code.lower()
        return code


class Campaign(msgspec.Struct, frozen=True):
    """One campaign. `start_time` is included and `end_time` is not.

    Linked to stores, it runs only for requests that name one of them; `stores_imported` links come
    from a file. With an experiment its customers get the rules of one variant each, and not those
    of its active ruleset (`habitue.promotions.experiments`). The active revision is the last of
    those that were activated (`habitue.promotions.revision`).
    """

    id: int
    application_id: int
    name: str
    created: datetime
    updated: datetime
    description: str = ""
    state: CampaignState = "enabled"
    start_time: datetime | None = None
    end_time: datetime | None = None
    attributes: Attributes = {}
    active_ruleset_id: int | None = None
    tags: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    limits: tuple[Limit, ...] = ()
    type: CampaignType = "advanced"
    coupon_settings: CodeSettings | None = None
    referral_settings: CodeSettings | None = None
    coupon_attributes: Attributes = {}
    reevaluate_on_return: bool = False
    linked_store_ids: tuple[int, ...] = ()
    stores_imported: bool = False
    store_budgets: tuple[StoreBudget, ...] = ()
    experiment_id: int | None = None
    template_id: int | None = None
    activated_revisions: int = 0
    active_revision_id: int | None = None
    active_revision_version_id: int | None = None

    def starts_later(self, now: datetime) -> bool:
        return self.start_time is not None and now < self.start_time

    def has_ended(self, now: datetime) -> bool:
        return self.end_time is not None and now >= self.end_time

    def runs(self, now: datetime, *, staged: bool = False) -> bool:
        """Whether rules of this campaign may apply at `now`; with `staged`, or would if it were not
        staged only."""
        if self.state != "enabled" and not (staged and self.state == "staged"):
            return False
        start, end = self.start_time, self.end_time
        return (start is None or start <= now) and (end is None or now < end)

    def frontend_state(self, now: datetime) -> FrontendState:
        """What a person is told about the campaign at `now`."""
        if self.state != "enabled":
            return self.state
        if self.has_ended(now):
            return "expired"
        return "scheduled" if self.starts_later(now) else "running"


class StoredRuleset(msgspec.Struct, frozen=True):
    """An immutable version of a campaign's rules; `document` is the JSON as it was accepted."""

    id: int
    campaign_id: int
    created: datetime
    document: dict[str, Any]
    warnings: tuple[dict[str, str], ...] = ()
    activated_at: datetime | None = None


class AdditionalCost(msgspec.Struct, frozen=True):
    """A cost beside the goods that requests may carry, by name."""

    id: int
    name: str
    title: str
    created: datetime
    description: str = ""
    type: Literal["session", "item", "both"] = "session"
    subscribed_application_ids: tuple[int, ...] = ()

    def serves(self, application_id: int, place: Literal["session", "item"]) -> bool:
        """Whether requests of this application may carry the cost at that place."""
        subscribed = self.subscribed_application_ids
        return (not subscribed or application_id in subscribed) and self.type in (place, "both")
