"""Requests of the Integration API as they come over the wire, and as the house understands them.

Null means the same as absent: the field keeps its value (contracts/talon_one/SEMANTICS.md section
3.1). Fields that only the server sets (position, returnedQuantity) are ignored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from habitue.edges.http.moments import YEAR_MAX
from habitue.edges.http.numbers import INTEGER_MAX, Integer, Number
from habitue.edges.talon_one.integration.eligibility import ELIGIBILITY, check_eligibility
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    AUDIENCE_CHANGES_MAX,
    CART_LINES_MAX,
    PROFILES_PER_REQUEST_MAX,
)
from habitue.model.numbers import ZERO
from habitue.pricing.cart import PRICE_WANTED, CartItem
from habitue.promotions.audiences import MembershipChange
from habitue.promotions.decide import SessionCommand
from habitue.promotions.decide_return import ReturnCommand
from habitue.promotions.evaluate import Purpose
from habitue.promotions.experiments import VariantAllocation
from habitue.promotions.returned import ReturnWish
from habitue.promotions.session import SessionUpdate

SessionContent = Literal[
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "awardedGiveaways",
    "ruleFailureReasons",
    "previousReturns",
    "campaignEligibility",
    "achievements",
    "trace",
]
ReturnContent = Literal[
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "previousReturns",
]
Quantity = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
AudienceIds = Annotated[list[Integer], Meta(max_length=AUDIENCE_CHANGES_MAX)]
CampaignId = Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Sku = Annotated[str, Meta(min_length=1)]


class AdditionalCostIn(msgspec.Struct):
    price: Number


class CartItemIn(msgspec.Struct, rename="camel"):
    """One line of the cart. `weight` in grams; `height`, `width`, `length` in millimetres."""

    sku: Sku
    quantity: Quantity
    name: str | None = None
    price: Number | None = None
    category: str | None = None
    product: dict[str, Any] | None = None
    weight: Number | None = None
    height: Number | None = None
    width: Number | None = None
    length: Number | None = None
    attributes: dict[str, Any] | None = None
    additional_costs: dict[str, AdditionalCostIn] | None = None

    def item(self) -> CartItem:
        """The line; one without a price wants that of a catalog."""
        price = self.price
        return CartItem(
            sku=self.sku,
            quantity=self.quantity,
            price=ZERO if price is None else price,
            catalog=PRICE_WANTED if price is None else None,
            name=self.name or "",
            category=self.category or "",
            product=self.product,
            weight=self.weight,
            height=self.height,
            width=self.width,
            length=self.length,
            attributes=self.attributes or {},
            additional_costs=_prices(self.additional_costs) or {},
        )


class VariantAllocationIn(
    msgspec.Struct, rename={"experiment_id": "experimentID", "variant_id": "variantID"}
):
    experiment_id: CampaignId
    variant_id: CampaignId


class SessionIn(msgspec.Struct, rename="camel"):
    """What a request wants of a session; null and absent fields keep their value."""

    profile_id: str | None = None
    store_integration_id: str | None = None
    evaluable_campaign_ids: list[CampaignId] | None = None
    coupon_codes: list[str] | None = None
    referral_code: str | None = None
    loyalty_cards: list[str] | None = None
    state: Literal["open", "closed", "cancelled"] | None = None
    cart_items: list[CartItemIn] | None = None
    experiment_variant_allocations: list[VariantAllocationIn] | None = None
    additional_costs: dict[str, AdditionalCostIn] | None = None
    identifiers: list[str] | None = None
    attributes: dict[str, Any] | None = None

    def update(self) -> SessionUpdate:
        """The update that the session asks for."""
        variants = self.experiment_variant_allocations
        return SessionUpdate(
            state=self.state or "open",
            profile_id=self.profile_id,
            store_integration_id=self.store_integration_id,
            cart_items=_items(self.cart_items),
            lacks_prices=any(each.price is None for each in self.cart_items or ()),
            additional_costs=_prices(self.additional_costs),
            coupon_codes=_tuple(self.coupon_codes),
            referral_code=self.referral_code,
            loyalty_cards=_tuple(self.loyalty_cards),
            identifiers=_tuple(self.identifiers),
            attributes=self.attributes,
            experiment_variant_allocations=None
            if variants is None
            else tuple(VariantAllocation(each.experiment_id, each.variant_id) for each in variants),
        )


class SessionRequest(msgspec.Struct, rename="camel"):
    """The body of an update of a session."""

    customer_session: SessionIn
    response_content: list[SessionContent] | None = None


class SessionQueryString(msgspec.Struct):
    """`now` is the moment at which a dry run takes place; live updates take place now."""

    dry: bool = False
    now: Annotated[datetime, Meta(tz=True)] | None = None


class ReturnedItemIn(msgspec.Struct):
    """A line of the cart by its position, or lines by their article; no quantity means the rest."""

    position: Integer | None = None
    quantity: Quantity | None = None
    sku: Sku | None = None


class ReturnIn(msgspec.Struct, rename="camel"):
    returned_cart_items: Annotated[list[ReturnedItemIn], Meta(max_length=CART_LINES_MAX)]


class ReturnRequest(
    msgspec.Struct, rename={"returned": "return", "response_content": "responseContent"}
):
    """The body of a return."""

    returned: ReturnIn
    response_content: list[ReturnContent] | None = None

    def command(
        self, query: "ReturnQueryString", application_id: int, integration_id: str
    ) -> ReturnCommand:
        """What the request asks for."""
        items = self.returned.returned_cart_items
        wishes = tuple(ReturnWish(each.position, each.sku, each.quantity) for each in items)
        tells = told_resources(self.response_content)
        return ReturnCommand(application_id, integration_id, wishes, query.run_rule_engine, tells)


class ReturnQueryString(msgspec.Struct, rename="camel"):
    """Whether anything is stored, and whether the rules are run again over what is left."""

    dry: bool = False
    run_rule_engine: bool = False


class ProfileQueryString(msgspec.Struct, rename="camel"):
    run_rule_engine: bool = False
    dry: bool = False


class ProfilesQueryString(msgspec.Struct):
    silent: str = "yes"


class AudiencesChanges(msgspec.Struct):
    adds: AudienceIds | None = None
    deletes: AudienceIds | None = None

    def wishes(self) -> Iterator[MembershipChange]:
        """The audiences to join, then those to leave."""
        for name, ids in (("adds", self.adds), ("deletes", self.deletes)):
            for index, id_ in enumerate(ids or ()):
                pointer = f"/audiencesChanges/{name}/{index}"
                yield MembershipChange(id_, name == "adds", pointer)


class ProfileRequest(msgspec.Struct, rename="camel"):
    """The body of an update of a profile."""

    attributes: dict[str, Any] | None = None
    evaluable_campaign_ids: list[CampaignId] | None = None
    audiences_changes: AudiencesChanges | None = None
    response_content: list[SessionContent] | None = None


class ProfileItem(msgspec.Struct, rename="camel"):
    integration_id: Annotated[str, Meta(min_length=1, max_length=1000)]
    attributes: dict[str, Any] | None = None


class ProfilesRequest(msgspec.Struct, rename="camel"):
    """The body of an update of many profiles."""

    customer_profiles: Annotated[
        list[ProfileItem], Meta(min_length=1, max_length=PROFILES_PER_REQUEST_MAX)
    ]


def command_of(
    request: SessionRequest, query: SessionQueryString, application_id: int, integration_id: str
) -> SessionCommand:
    """What the request asks for. Raises `InvalidInput`."""
    session = request.customer_session
    content = request.response_content or []
    check_evaluable(session.evaluable_campaign_ids, query.dry, "/customerSession")
    check_eligibility(content, dry=query.dry)
    if query.now is not None:
        _check_shifted(query.now, query.dry)
    purpose = Purpose(
        dry=query.dry,
        campaign_ids=_frozen(session.evaluable_campaign_ids),
        failures="ruleFailureReasons" in content,
        trace=is_traced(content),
    )
    tells = told_resources(content)
    return SessionCommand(application_id, integration_id, session.update(), purpose, tells)


def is_traced(content: Sequence[str]) -> bool:
    """Whether an answer with that content tells what came of each rule."""
    return "trace" in content or ELIGIBILITY in content


def told_resources(content: Iterable[str] | None) -> frozenset[str]:
    """The resources that an answer with that content tells."""
    return frozenset(_TOLD[name] for name in content or () if name in _TOLD)


#: Parts of answers, and the resources that they tell.
_TOLD: Mapping[str, str] = {
    "loyalty": "points",
    "achievements": "achievements",
    "referral": "referrals",
}


def _check_shifted(now: datetime, dry: bool) -> None:
    if not dry:
        details = "now can only be given with dry=true"
        raise InvalidInput(Fault("", "Not allowed", details, parameter="now"))
    if now.year >= YEAR_MAX:
        # the calendar must go on for a while, in every time zone
        details = f"now must be before the year {YEAR_MAX}"
        raise InvalidInput(Fault("", "Out of range", details, parameter="now"))


def check_evaluable(ids: list[int] | None, dry: bool, pointer: str) -> None:
    """Raises `InvalidInput` where campaigns are picked for anything but a dry run."""
    if ids is not None and not dry:
        details = "evaluableCampaignIds can only be given with dry=true"
        raise InvalidInput(Fault(f"{pointer}/evaluableCampaignIds", "Not allowed", details))


def _items(items: list[CartItemIn] | None) -> tuple[CartItem, ...] | None:
    return None if items is None else tuple([item.item() for item in items])


def _prices(costs: dict[str, AdditionalCostIn] | None) -> dict[str, Decimal] | None:
    return None if costs is None else {name: cost.price for name, cost in costs.items()}


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _frozen(ids: list[int] | None) -> frozenset[int] | None:
    return None if ids is None else frozenset(ids)
