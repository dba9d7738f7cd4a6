"""Laying a request over a stored session, and checking that the result may exist.

A field that was not sent keeps its value, attributes are laid over the old ones name by name, and
the attributes of a cart item are replaced as a whole (contracts/talon_one/SEMANTICS.md sections 2
and 3.1). Every wrong field is reported at once, by its pointer into the request.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

import msgspec

from habitue.model.attributes import Definitions, merged, normalised, validate
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    CART_LINES_MAX,
    CART_UNITS_MAX,
    CODE_LENGTH_MAX,
    COUPON_CODES_MAX,
    IDENTIFIERS_MAX,
    INTEGRATION_ID_LENGTH_MAX,
    LOYALTY_CARDS_MAX,
)
from habitue.model.numbers import is_amount
from habitue.model.pointers import escape
from habitue.pricing.cart import CartItem
from habitue.promotions.campaign import AdditionalCost
from habitue.promotions.catalog import Buyer, Stock, unpriced
from habitue.promotions.quick_look import PlainTypes, cart_is_sound
from habitue.promotions.session import Session, SessionUpdate


class Vocabulary(msgspec.Struct, frozen=True):
    """The names that requests of one application may use."""

    session_attributes: Definitions
    item_attributes: Definitions
    plain_item_attributes: PlainTypes
    additional_costs: Mapping[str, AdditionalCost]
    application_id: int
    stores: Collection[str] = ()


def check_update(update: SessionUpdate, vocabulary: Vocabulary, stock: Stock, buyer: Buyer) -> None:
    """Raises `InvalidInput` with every fault of the request; pointers are into its body.

    A line without a price needs one that the buyer gets out of the `stock`.
    """
    faults = tuple(_faults(update, vocabulary))
    if update.lacks_prices:
        faults += tuple(map(_price_missing, unpriced(update.cart_items or (), stock, buyer)))
    if faults:
        raise InvalidInput(*(fault.under("/customerSession") for fault in faults))


def laid_over(session: Session, update: SessionUpdate, now: datetime) -> Session:
    """`session` as the request wants it; nothing is evaluated yet."""
    changes: dict[str, Any] = {
        name: getattr(update, name) for name in _PLAIN if getattr(update, name) is not None
    }
    if update.cart_items is not None:
        changes["cart_items"] = _stored_items(update.cart_items)
    if update.attributes is not None:
        changes["attributes"] = merged(session.attributes, normalised(update.attributes))
    return msgspec.structs.replace(
        session,
        state=update.state,
        updated=now,
        update_count=session.update_count + 1,
        **changes,
    )


_PLAIN = (
    "profile_id",
    "store_integration_id",
    "additional_costs",
    "coupon_codes",
    "referral_code",
    "loyalty_cards",
    "identifiers",
    "experiment_variant_allocations",
)


#: The types of values that are stored as they were sent.
_AS_SENT = frozenset({str, bool, Decimal})


def _stored_items(items: tuple[CartItem, ...]) -> tuple[CartItem, ...]:
    values = chain.from_iterable(item.attributes.values() for item in items)
    return items if _AS_SENT.issuperset(map(type, values)) else tuple(map(_stored_item, items))


def _stored_item(item: CartItem) -> CartItem:
    attributes = merged({}, normalised(item.attributes))
    return msgspec.structs.replace(item, attributes=attributes)


def _faults(update: SessionUpdate, vocabulary: Vocabulary) -> Iterator[Fault]:
    yield from _text_faults(update, vocabulary.stores)
    items = update.cart_items or ()
    if not cart_is_sound(items, vocabulary.plain_item_attributes):
        yield from _item_faults(items, vocabulary)
    costs = update.additional_costs or {}
    yield from _cost_faults(costs, vocabulary, "session", "/additionalCosts")
    if update.attributes:
        definitions = vocabulary.session_attributes
        yield from validate(update.attributes, definitions, "CustomerSession", "/attributes")


def _text_faults(update: SessionUpdate, stores: Collection[str]) -> Iterator[Fault]:
    if update.store_integration_id and update.store_integration_id not in stores:
        details = f"store {update.store_integration_id!r} does not exist in this Application"
        yield Fault("/storeIntegrationId", "Unknown", details)
    if update.profile_id is not None and len(update.profile_id) > INTEGRATION_ID_LENGTH_MAX:
        yield _too_long("/profileId", INTEGRATION_ID_LENGTH_MAX)
    if update.referral_code is not None and len(update.referral_code) > CODE_LENGTH_MAX:
        yield _too_long("/referralCode", CODE_LENGTH_MAX)
    for pointer, values, most in (
        ("/couponCodes", update.coupon_codes, COUPON_CODES_MAX),
        ("/loyaltyCards", update.loyalty_cards, LOYALTY_CARDS_MAX),
        ("/identifiers", update.identifiers, IDENTIFIERS_MAX),
    ):
        if values is not None and len(values) > most:
            yield Fault(pointer, "Too many", f"at most {most} entries are accepted")
    for index, code in enumerate(update.coupon_codes or ()):
        if len(code) > CODE_LENGTH_MAX:
            yield _too_long(f"/couponCodes/{index}", CODE_LENGTH_MAX)


def _price_missing(position: int) -> Fault:
    details = "price is required: no catalog has a price for this item"
    return Fault(f"/cartItems/{position}/price", "required", details)


def _too_long(pointer: str, most: int) -> Fault:
    return Fault(pointer, "Too long", f"at most {most} characters are accepted")


def _item_faults(items: tuple[CartItem, ...], vocabulary: Vocabulary) -> Iterator[Fault]:
    if len(items) > CART_LINES_MAX:
        yield Fault("/cartItems", "Too many", f"a cart has at most {CART_LINES_MAX} items")
        return
    if sum(item.quantity for item in items) > CART_UNITS_MAX:
        details = f"the quantities of a cart sum to at most {CART_UNITS_MAX}"
        yield Fault("/cartItems", "Too many", details)
    for index, item in enumerate(items):
        pointer = f"/cartItems/{index}"
        yield from _number_faults(item, pointer)
        if item.additional_costs:
            costs = item.additional_costs
            yield from _cost_faults(costs, vocabulary, "item", f"{pointer}/additionalCosts")
        if item.attributes:
            definitions = vocabulary.item_attributes
            yield from validate(item.attributes, definitions, "CartItem", f"{pointer}/attributes")


def _number_faults(item: CartItem, pointer: str) -> Iterator[Fault]:
    for name in _NUMBERS:
        value = getattr(item, name)
        if value is not None and not (is_amount(value) and value >= 0):
            details = f"{name} must be a number from 0 to 10^15 with at most 12 decimals"
            yield Fault(f"{pointer}/{name}", "Out of range", details)


_NUMBERS = ("price", "weight", "height", "width", "length")


def _cost_faults(
    costs: Mapping[str, Decimal],
    vocabulary: Vocabulary,
    place: Literal["session", "item"],
    pointer: str,
) -> Iterator[Fault]:
    for name, price in costs.items():
        at = f"{pointer}/{escape(name)}"
        cost = vocabulary.additional_costs.get(name)
        if cost is None or not cost.serves(vocabulary.application_id, place):
            details = f'Additional cost "{name}" is not defined for {place}s'
            yield Fault(at, "Unknown", details)
        elif not (is_amount(price) and price >= 0):
            details = "price must be a number from 0 to 10^15 with at most 12 decimals"
            yield Fault(f"{at}/price", "Out of range", details)
