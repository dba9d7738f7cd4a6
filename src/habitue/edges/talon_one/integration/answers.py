"""Answers of the Integration API, field by field as the official clients demand them.

Required fields are always there and never null: an anonymous session has the profile id "", an
empty cart is [], no attributes are {} (contracts/talon_one/SDK.md sections 4 and 5).
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from habitue.customers.customer import Customer
from habitue.edges.talon_one.effects import shortened
from habitue.model.numbers import shortest
from habitue.pricing.cart import CartItem, TypedPrice
from habitue.promotions.audiences import after
from habitue.promotions.program import Program
from habitue.promotions.returned import Return, ReturnedLine
from habitue.promotions.session import Session
from habitue.promotions.trace import RuleFailure
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.update_profile import ProfileOutcome

#: One deployment is one organisation: there is one account.
ACCOUNT_ID = 1


class Price(msgspec.Struct):
    price: Decimal


class PriceDetailOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The price of one type; of an adjustment, which one and for how long."""

    price: Decimal
    adjustment_context_id: str | None = None
    adjustment_reference_id: str | None = None
    adjustment_effective_from: datetime | None = None
    adjustment_effective_until: datetime | None = None


class CartItemOut(msgspec.Struct, rename="camel", omit_defaults=True):
    sku: str
    quantity: int
    returned_quantity: int
    remaining_quantity: int
    price: Decimal
    position: int
    attributes: dict[str, Any]
    name: str | None = None
    category: str | None = None
    product: dict[str, Any] | None = None
    weight: Decimal | None = None
    height: Decimal | None = None
    width: Decimal | None = None
    length: Decimal | None = None
    additional_costs: dict[str, Price] | None = None
    catalog_item_id: int | None = msgspec.field(name="catalogItemID", default=None)
    selected_price_type: str | None = None
    adjustment_reference_id: str | None = None
    adjustment_effective_from: datetime | None = None
    adjustment_effective_until: datetime | None = None
    prices: dict[str, PriceDetailOut] | None = None


class VariantAllocationOut(
    msgspec.Struct, rename={"experiment_id": "experimentID", "variant_id": "variantID"}
):
    """The variant of an experiment that a session has."""

    experiment_id: int
    variant_id: int


class CustomerSessionOut(msgspec.Struct, rename="camel"):
    """A session; totals are before any discount."""

    id: int
    created: datetime
    integration_id: str
    application_id: int
    profile_id: str
    coupon_codes: list[str]
    referral_code: str
    loyalty_cards: list[str]
    state: str
    cart_items: list[CartItemOut]
    experiment_variant_allocations: list[VariantAllocationOut]
    additional_costs: dict[str, Price]
    identifiers: list[str]
    attributes: dict[str, Any]
    first_session: bool
    update_count: int
    total: Decimal
    cart_item_total: Decimal
    additional_cost_total: Decimal
    cart_item_additional_cost_total: Decimal
    updated: datetime
    store_integration_id: str | msgspec.UnsetType = msgspec.UNSET


class AudienceMembershipOut(msgspec.Struct):
    """An audience that a profile is in."""

    id: int
    name: str


class CustomerProfileOut(msgspec.Struct, rename="camel"):
    """A profile; `totalSales` is before discounts, without what was cancelled or reopened."""

    id: int
    created: datetime
    integration_id: str
    attributes: dict[str, Any]
    account_id: int
    closed_sessions: int
    total_sales: Decimal
    loyalty_memberships: None
    audience_memberships: list[AudienceMembershipOut]
    last_activity: datetime
    sandbox: bool


class EventOut(msgspec.Struct, rename="camel"):
    """The event that a request was.

    `effects` is always empty: of the published clients one release reads objects there and another
    arrays, and the effects stand beside the event anyway (docs/decisions/0018).
    """

    id: int
    created: datetime
    application_id: int
    profile_id: str
    type: str
    attributes: dict[str, Any]
    session_id: str
    effects: list[list[Any]]


class RuleFailureOut(
    msgspec.Struct,
    omit_defaults=True,
    rename={
        "campaign_id": "campaignID",
        "campaign_name": "campaignName",
        "ruleset_id": "rulesetID",
        "rule_index": "ruleIndex",
        "rule_name": "ruleName",
        "condition_index": "conditionIndex",
        "effect_index": "effectIndex",
        "coupon_id": "couponID",
        "coupon_value": "couponValue",
    },
):
    campaign_id: int
    campaign_name: str
    ruleset_id: int
    rule_index: int
    rule_name: str
    details: str
    condition_index: int | None = None
    effect_index: int | None = None
    coupon_id: int | None = None
    coupon_value: str | None = None


class ReturnedItemOut(msgspec.Struct):
    position: int
    quantity: int
    sku: str


class ReturnOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A return; one from an anonymous session names no profile."""

    id: int
    created: datetime
    application_id: int
    account_id: int
    returned_cart_items: list[ReturnedItemOut]
    event_id: int
    session_id: int
    session_integration_id: str
    profile_id: int | None = None
    profile_integration_id: str | None = None


def session_out(session: Session) -> CustomerSessionOut:
    """The session as it goes over the wire."""
    totals = session.totals
    return CustomerSessionOut(
        id=session.id,
        created=session.created,
        integration_id=session.integration_id,
        application_id=session.application_id,
        profile_id=session.profile_id,
        store_integration_id=session.store_integration_id or msgspec.UNSET,
        coupon_codes=list(session.coupon_codes),
        referral_code=session.referral_code,
        loyalty_cards=list(session.loyalty_cards),
        state=session.state,
        cart_items=items_out(session),
        experiment_variant_allocations=[
            VariantAllocationOut(each.experiment_id, each.variant_id)
            for each in session.experiment_variant_allocations
        ],
        additional_costs=_prices(session.additional_costs),
        identifiers=list(session.identifiers),
        attributes=shortened(session.attributes),
        first_session=session.first_session,
        update_count=session.update_count,
        total=shortest(totals.total),
        cart_item_total=shortest(totals.cart_items),
        additional_cost_total=shortest(totals.session_additional_costs),
        cart_item_additional_cost_total=shortest(totals.item_additional_costs),
        updated=session.updated,
    )


def items_out(session: Session) -> list[CartItemOut]:
    """The lines of the cart with their positions."""
    return [_item_out(item, index) for index, item in enumerate(session.cart_items)]


def profile_out(
    customer: Customer,
    integration_id: str,
    memberships: list[AudienceMembershipOut],
    *,
    sandbox: bool,
) -> CustomerProfileOut:
    """The customer as a profile, with the audiences it is in."""
    return CustomerProfileOut(
        id=customer.id,
        created=customer.created,
        integration_id=integration_id,
        attributes=shortened(customer.attributes),
        account_id=ACCOUNT_ID,
        closed_sessions=customer.closed_sessions,
        total_sales=shortest(customer.total_sales),
        loyalty_memberships=None,
        audience_memberships=memberships,
        last_activity=customer.last_activity,
        sandbox=sandbox,
    )


def profile_seen(
    customer: Customer, integration_id: str, audiences: Iterable[int], program: Program
) -> CustomerProfileOut:
    """The customer as a profile, with those of the audiences that the application knows."""
    names = program.audience_names
    memberships = [
        AudienceMembershipOut(id_, names[id_]) for id_ in sorted(audiences) if id_ in names
    ]
    sandbox = program.application.sandbox
    return profile_out(customer, integration_id, memberships, sandbox=sandbox)


def event_out(outcome: SessionOutcome) -> EventOut:
    """The event that the request was."""
    session = outcome.decision.session
    return EventOut(
        id=outcome.event_id,
        created=outcome.now,
        application_id=session.application_id,
        profile_id=session.profile_id,
        type=outcome.decision.event_type,
        attributes={},
        session_id=session.integration_id,
        effects=[],
    )


def returns_out(session: Session) -> list[ReturnOut]:
    """The returns of the session, oldest first."""
    made = session.returns.made if session.returns else ()
    return [_return_out(each, session) for each in made]


def _return_out(made: Return, session: Session) -> ReturnOut:
    return ReturnOut(
        id=made.id,
        created=made.created,
        application_id=session.application_id,
        account_id=ACCOUNT_ID,
        returned_cart_items=[_returned_item_out(line) for line in made.lines],
        event_id=made.id,
        session_id=session.id,
        session_integration_id=session.integration_id,
        profile_id=session.customer_id if session.profile_id else None,
        profile_integration_id=session.profile_id or None,
    )


def _returned_item_out(line: ReturnedLine) -> ReturnedItemOut:
    return ReturnedItemOut(line.position, line.quantity, line.sku)


def failure_out(failure: RuleFailure) -> RuleFailureOut:
    """Why one rule did not apply."""
    return RuleFailureOut(*msgspec.structs.astuple(failure))


def session_profile(outcome: SessionOutcome, program: Program) -> CustomerProfileOut | None:
    """The profile of the session as the request leaves it; None for an anonymous session."""
    profile_id = outcome.decision.session.profile_id
    if not profile_id:
        return None
    changes = outcome.decision.resource_changes.audiences
    audiences = after(outcome.state.resources.audiences, changes)
    return profile_seen(outcome.owner_after, profile_id, audiences, program)


def _item_out(item: CartItem, position: int) -> CartItemOut:
    line = _line_out(item, position)
    part = item.catalog
    if part is None:
        return line
    line.catalog_item_id = part.item_id or None
    line.prices = {name: _price_detail(each) for name, each in part.prices.items()} or None
    if part.selected:
        line.selected_price_type = part.selected
        selected = part.prices[part.selected]
        line.adjustment_reference_id = uuid_or_none(selected.reference_id)
        line.adjustment_effective_from = selected.effective_from
        line.adjustment_effective_until = selected.effective_until
    return line


def uuid_or_none(reference: str) -> str | None:
    """The reference where it is a UUID: strict clients refuse answers with any other text there."""
    try:
        return str(UUID(reference))
    except ValueError:
        return None


def _price_detail(price: TypedPrice) -> PriceDetailOut:
    return PriceDetailOut(
        shortest(price.price),
        price.context_id or None,
        uuid_or_none(price.reference_id),
        price.effective_from,
        price.effective_until,
    )


def _line_out(item: CartItem, position: int) -> CartItemOut:
    return CartItemOut(
        sku=item.sku,
        quantity=item.quantity,
        returned_quantity=item.returned_quantity,
        remaining_quantity=item.remaining_quantity,
        price=shortest(item.price),
        position=position,
        attributes=shortened(item.attributes),
        name=item.name or None,
        category=item.category or None,
        product=item.product,
        weight=_optional(item.weight),
        height=_optional(item.height),
        width=_optional(item.width),
        length=_optional(item.length),
        additional_costs=_prices(item.additional_costs) or None,
    )


def _optional(value: Decimal | None) -> Decimal | None:
    return None if value is None else shortest(value)


def _prices(costs: dict[str, Decimal]) -> dict[str, Price]:
    return {name: Price(shortest(price)) for name, price in costs.items()}


def profile_event_out(outcome: ProfileOutcome, application_id: int) -> EventOut:
    """The event that the update of a profile was; it has no session."""
    return EventOut(
        id=outcome.event_id,
        created=outcome.now,
        application_id=application_id,
        profile_id=outcome.integration_id,
        type=outcome.event_type,
        attributes={},
        session_id="",
        effects=[],
    )
