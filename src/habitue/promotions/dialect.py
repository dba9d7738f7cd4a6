"""The dialect of promotion rules: what rules may read, by the names they read it under.

Session, Profile, Coupon, Event and Now are the variables; Item is the record of a unit of the cart.
Custom attributes come from the shop's definitions (contracts/talon_one/TALANG.md sections 1 and 6).
"""

from collections.abc import Mapping
from dataclasses import replace

from habitue.model.attributes import Definitions, Entity, by_name
from habitue.promotions.configuration import Configuration
from habitue.promotions.event import attribute_types, definitions_by_type
from habitue.promotions.host import HOST_FUNCTIONS
from habitue.rules.dialect import Dialect, Field, Record
from habitue.rules.types import (
    ANY,
    BOOLEAN,
    NUMBER,
    STRING,
    TIME,
    Type,
    list_of,
    record,
)

_TYPES: Mapping[str, Type] = {
    "string": STRING,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "time": TIME,
    "location": list_of(NUMBER),
    "(list string)": list_of(STRING),
    "(list number)": list_of(NUMBER),
    "(list time)": list_of(TIME),
    "(list location)": list_of(list_of(NUMBER)),
}

_VARIABLES: Mapping[str, Field] = {
    "Session": Field(record("Session"), "session", stable=True, nullable=True),
    "Profile": Field(record("Profile"), "profile", stable=True, nullable=True),
    "Coupon": Field(record("Coupon"), "coupon_facts", nullable=True),
    "Event": Field(record("Event"), "event", stable=True, nullable=True),
    "Referral": Field(record("Referral"), "referral", nullable=True),
    "Advocate": Field(record("Profile"), "advocate", nullable=True),
    "Now": Field(TIME, "now", stable=True),
}


def _stable(type_: Type, attribute: str) -> Field:
    return Field(type_, attribute, stable=True)


def _unset(type_: Type, attribute: str) -> Field:
    return Field(type_, attribute, stable=True, nullable=True)


_SESSION: Mapping[str, Field] = {
    "IntegrationId": _stable(STRING, "integration_id"),
    "State": _stable(STRING, "state"),
    "Total": _stable(NUMBER, "total"),
    "CartTotal": _stable(NUMBER, "cart_total"),
    "CartItemTotal": _stable(NUMBER, "cart_total"),
    "AdditionalCostTotal": _stable(NUMBER, "additional_cost_total"),
    "CartItemAdditionalCostTotal": _stable(NUMBER, "item_additional_cost_total"),
    "CartItems": _stable(list_of(record("Item")), "cart_items"),
    "CouponCodes": _stable(list_of(STRING), "coupon_codes"),
    "ReferralCode": _unset(STRING, "referral_code"),
    "Identifiers": _stable(list_of(STRING), "identifiers"),
    "StoreIntegrationId": _unset(STRING, "store_integration_id"),
    "FirstSession": _stable(BOOLEAN, "first_session"),
}
_ITEM: Mapping[str, Field] = {
    "Sku": _stable(STRING, "sku"),
    "Name": _unset(STRING, "name"),
    "Category": _unset(STRING, "category"),
    "ProductName": _unset(STRING, "product_name"),
    "Price": _stable(NUMBER, "price"),
    "Quantity": _stable(NUMBER, "quantity"),
    "Weight": _unset(NUMBER, "weight"),
    "Height": _unset(NUMBER, "height"),
    "Width": _unset(NUMBER, "width"),
    "Length": _unset(NUMBER, "length"),
    "AdditionalCostTotal": _stable(NUMBER, "additional_cost_total"),
    "Position": _stable(NUMBER, "position"),
    "SubPosition": _stable(NUMBER, "sub_position"),
}
#: What cascading discounts lower.
_PRICES = frozenset(
    {
        "Total",
        "CartTotal",
        "CartItemTotal",
        "AdditionalCostTotal",
        "CartItemAdditionalCostTotal",
        "CartItems",
        "Price",
    }
)
_BUNDLE: Mapping[str, Field] = {
    "Index": Field(NUMBER, "index"),
    "Name": Field(STRING, "name"),
    "Items": Field(list_of(record("Item")), "items"),
    "Total": Field(NUMBER, "total"),
}
_PROFILE: Mapping[str, Field] = {
    "IntegrationId": _stable(STRING, "integration_id"),
    "Audiences": _stable(list_of(STRING), "audiences"),
    "JoinedAudiences": _stable(list_of(STRING), "joined_audiences"),
    "LeftAudiences": _stable(list_of(STRING), "left_audiences"),
    "ClosedSessions": _stable(NUMBER, "closed_sessions"),
    "TotalSales": _stable(NUMBER, "total_sales"),
    "Created": _stable(TIME, "created"),
    "LastActivity": _stable(TIME, "last_activity"),
    "Loyalty": _unset(record("Loyalty"), "loyalty"),
}
_LOYALTY_PROGRAM: Mapping[str, Field] = {
    "CurrentBalance": _stable(NUMBER, "current"),
    "PendingBalance": _stable(NUMBER, "pending"),
    "NegativeBalance": _stable(NUMBER, "negative"),
    "Tier": _unset(STRING, "tier"),
    "JoinDate": _unset(TIME, "joined"),
}
_EVENT: Mapping[str, Field] = {"Type": _stable(STRING, "type")}
_COUPON: Mapping[str, Field] = {
    "Value": Field(STRING, "value"),
    "UsageCounter": Field(NUMBER, "usage_counter"),
    "StartDate": Field(TIME, "start_date", nullable=True),
    "ExpiryDate": Field(TIME, "expiry_date", nullable=True),
    "RecipientIntegrationId": Field(STRING, "recipient", nullable=True),
}


_REFERRAL: Mapping[str, Field] = {
    "Value": Field(STRING, "value"),
    "AdvocateIntegrationId": Field(STRING, "advocate_id"),
    "FriendIntegrationId": Field(STRING, "friend_id", nullable=True),
    "UsageCounter": Field(NUMBER, "usage_counter"),
}


def dialect_of(configuration: Configuration, application_id: int) -> Dialect:
    """What rules of that application may read and call."""

    def of(entity: Entity, fields: Mapping[str, Field], *, stable: bool = True) -> Record:
        definitions = definitions_of(configuration, application_id, entity)
        types = {name: _TYPES.get(each.type, ANY) for name, each in definitions.items()}
        return Record(fields, types, stable_attributes=stable)

    application = configuration.applications.get(application_id)
    cascades = application is not None and application.enable_cascading_discounts
    records = {
        "Session": of("CustomerSession", _cascading(_SESSION) if cascades else _SESSION),
        "Item": of("CartItem", _cascading(_ITEM) if cascades else _ITEM),
        "Bundle": Record(_BUNDLE),
        "Profile": of("CustomerProfile", _PROFILE),
        "Coupon": of("Coupon", _COUPON, stable=False),
        "Referral": of("Referral", _REFERRAL, stable=False),
        "Event": _event_record(event_definitions(configuration, application_id)),
        "Loyalty": Record({}, _loyalty_names(configuration, application_id)),
        "LoyaltyProgram": Record(_LOYALTY_PROGRAM),
    }
    return Dialect(_VARIABLES, records, HOST_FUNCTIONS)


def event_definitions(
    configuration: Configuration, application_id: int
) -> Mapping[str, Definitions]:
    """The attribute definitions of events that serve that application, by type and name."""
    serving = [each for each in configuration.attributes.values() if each.serves(application_id)]
    return definitions_by_type(configuration.event_types.values(), serving)


def _event_record(definitions: Mapping[str, Definitions]) -> Record:
    types = attribute_types(definitions)
    known = {name: _TYPES.get(type_ or "", ANY) for name, type_ in types.items()}
    return Record(_EVENT, known, stable_attributes=True)


def _loyalty_names(configuration: Configuration, application_id: int) -> Mapping[str, Type]:
    """The programs whose points customers have, by the names under which rules read them."""
    programs = configuration.loyalty_programs.values()
    serving = [each for each in programs if application_id in each.subscribed_application_ids]
    return {each.name: record("LoyaltyProgram") for each in serving if not each.card_based}


def _cascading(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """The fields where discounts lower prices while rules run."""
    return {
        name: replace(field, stable=False) if name in _PRICES else field
        for name, field in fields.items()
    }


def definitions_of(
    configuration: Configuration, application_id: int, entity: Entity
) -> Definitions:
    """The attribute definitions of one entity that serve that application, by name."""
    serving = [each for each in configuration.attributes.values() if each.serves(application_id)]
    return by_name(serving, entity)
