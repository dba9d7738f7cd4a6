"""Facts: what the rules of one evaluation may read.

A line of quantity n stands here as n units, for effects per item are given per unit
(contracts/talon_one/SEMANTICS.md section 4.7). Facts do not change during an evaluation: an
attribute that an effect updates is read by the next request (docs/decisions/0003). Prices do, where
an application's discounts cascade (docs/decisions/0081).

Invariant: numbers are `Decimal`, times are aware datetimes, what is unset is None or not there.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol

import msgspec

from habitue.model.attributes import Attributes, Definitions
from habitue.model.instants import parse_instant
from habitue.model.numbers import ZERO
from habitue.pricing.cart import CartItem
from habitue.promotions.session import Session


class ItemFacts(msgspec.Struct, eq=False):
    """One unit of a line. Only cascading discounts change its price and its costs."""

    sku: str
    name: str | None
    category: str | None
    product_name: Any
    price: Decimal
    weight: Decimal | None
    height: Decimal | None
    width: Decimal | None
    length: Decimal | None
    attributes: Attributes
    position: Decimal
    sub_position: Decimal
    quantity: Decimal
    additional_costs: Mapping[str, Decimal]

    @property
    def additional_cost_total(self) -> Decimal:
        """What the unit costs beside its price."""
        return sum(self.additional_costs.values(), ZERO)


class SessionFacts:
    """The session under evaluation; totals are before any discount."""

    __slots__ = (
        "additional_cost_total",
        "additional_costs",
        "attributes",
        "cart_items",
        "cart_total",
        "coupon_codes",
        "first_session",
        "identifiers",
        "integration_id",
        "item_additional_cost_total",
        "referral_code",
        "state",
        "store_integration_id",
        "total",
        "variant_allocations",
    )

    def __init__(self, session: Session, definitions: "FactDefinitions") -> None:
        totals = session.totals
        self.integration_id = session.integration_id
        self.state = session.state
        self.total = totals.total
        self.cart_total = totals.cart_items
        self.additional_cost_total = totals.session_additional_costs
        self.item_additional_cost_total = totals.item_additional_costs
        self.additional_costs = session.additional_costs
        self.cart_items = _units(session.cart_items, definitions.cart_item)
        self.coupon_codes = list(session.coupon_codes)
        self.referral_code = session.referral_code or None
        self.identifiers = list(session.identifiers)
        self.store_integration_id = session.store_integration_id or None
        self.first_session = session.first_session
        self.variant_allocations = session.experiment_variant_allocations
        self.attributes = readable(session.attributes, definitions.session)


class PastSession(SessionFacts):
    """A closed session that rules may read and nothing can be given in."""

    __slots__ = ()


def remaining_facts(session: Session, definitions: "FactDefinitions") -> SessionFacts:
    """The session as if what was returned had never been bought: its units and totals are left."""
    facts = SessionFacts(session, definitions)
    totals = session.remaining_totals
    facts.total = totals.total
    facts.cart_total = totals.cart_items
    facts.item_additional_cost_total = totals.item_additional_costs
    return facts


class AudienceFacts(msgspec.Struct, frozen=True):
    """The names of the audiences that the customer is in, and of those that the request itself has
    the customer join and leave."""

    present: list[str] = []
    joined: list[str] = []
    left: list[str] = []


NO_AUDIENCES = AudienceFacts()


class LoyaltyFacts(Protocol):
    """What the customer has in loyalty programs, by the names of these."""

    @property
    def attributes(self) -> Mapping[str, Any]: ...


class ProfileFacts:
    """The customer as the rules see them; `total_sales` is before discounts."""

    __slots__ = (
        "attributes",
        "audiences",
        "closed_sessions",
        "created",
        "customer_id",
        "integration_id",
        "joined_audiences",
        "last_activity",
        "left_audiences",
        "loyalty",
        "total_sales",
    )

    def __init__(
        self,
        integration_id: str,
        attributes: Attributes,
        *,
        created: datetime,
        last_activity: datetime,
        customer_id: int = 0,
        closed_sessions: int = 0,
        total_sales: Decimal = ZERO,
        audiences: AudienceFacts = NO_AUDIENCES,
        loyalty: "LoyaltyFacts | None" = None,
    ) -> None:
        self.integration_id = integration_id
        self.attributes = attributes
        self.customer_id = customer_id
        self.audiences = audiences.present
        self.joined_audiences = audiences.joined
        self.left_audiences = audiences.left
        self.loyalty = loyalty
        self.closed_sessions = Decimal(closed_sessions)
        self.total_sales = total_sales
        self.created = created
        self.last_activity = last_activity


class CouponFacts:
    """The coupon that a rule is evaluated for."""

    __slots__ = ("attributes", "expiry_date", "recipient", "start_date", "usage_counter", "value")

    def __init__(
        self,
        value: str,
        attributes: Attributes,
        *,
        usage_counter: int,
        start_date: datetime | None,
        expiry_date: datetime | None,
        recipient: str,
    ) -> None:
        self.value = value
        self.attributes = attributes
        self.usage_counter = Decimal(usage_counter)
        self.start_date = start_date
        self.expiry_date = expiry_date
        self.recipient = recipient or None


class ReferralFacts(msgspec.Struct, frozen=True, eq=False):
    """The session's referral code."""

    value: str
    advocate_id: str
    friend_id: str | None
    usage_counter: Decimal
    attributes: Attributes


class FactDefinitions:
    """The attributes whose values are times, which rules read as times and not as strings."""

    __slots__ = ("cart_item", "coupon", "profile", "session")

    def __init__(
        self,
        session: Definitions,
        cart_item: Definitions,
        profile: Definitions,
        coupon: Definitions,
    ) -> None:
        self.session = time_names(session)
        self.cart_item = time_names(cart_item)
        self.profile = time_names(profile)
        self.coupon = time_names(coupon)


_ONE = Decimal(1)
#: The types of stored values that rules read as they are.
_AS_READ = frozenset({str, bool, Decimal})


def time_names(definitions: Definitions) -> frozenset[str]:
    """The names of the attributes that hold one time or a list of times."""
    return frozenset(
        name for name, each in definitions.items() if each.type in ("time", "(list time)")
    )


def readable(attributes: Attributes, times: frozenset[str]) -> Attributes:
    """Stored attributes as rules read them: numbers are decimals, times are parsed.

    Where there is nothing to convert it is the very same mapping, which nobody changes.
    """
    if _AS_READ.issuperset(map(type, attributes.values())) and times.isdisjoint(attributes):
        return attributes
    return {
        name: _as_time(value) if name in times else as_value(value)
        for name, value in attributes.items()
    }


def as_value(value: Any) -> Any:
    """A stored value as rules read it: a whole number is a decimal like any other."""
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, list):
        return [as_value(each) for each in value]
    return value


def _as_time(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_time(each) for each in value]
    return parse_instant(value) if isinstance(value, str) else value


def _units(items: tuple[CartItem, ...], times: frozenset[str]) -> list[ItemFacts]:
    attributes = _readable_lines([item.attributes for item in items], times)
    return [
        _unit(item, attributes[position], position, sub_position)
        for position, item in enumerate(items)
        for sub_position in range(item.returned_quantity, item.quantity)
    ]


def _readable_lines(lines: list[Attributes], times: frozenset[str]) -> list[Attributes]:
    values = chain.from_iterable(map(dict.values, lines))
    if not times and _AS_READ.issuperset(map(type, values)):
        return lines
    return [readable(each, times) for each in lines]


def _unit(item: CartItem, attributes: Attributes, position: int, sub_position: int) -> ItemFacts:
    product = item.product
    return ItemFacts(
        item.sku,
        item.name or None,
        item.category or None,
        product.get("name") if product else None,
        item.price,
        item.weight,
        item.height,
        item.width,
        item.length,
        attributes,
        Decimal(position),
        Decimal(sub_position),
        _ONE,
        item.additional_costs,
    )
