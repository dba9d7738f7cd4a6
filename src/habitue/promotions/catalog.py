"""Catalogs: what a shop says of its articles once, so that carts need not say it again.

Words: a *catalog* is a list of articles for the applications that are subscribed to it; an *item*
is one article with its price, its product and its attributes. A *price type* is another price than
the base one, for everybody or for the members of some audiences; an *adjustment* gives an item a
price of one type for a time. What a cart line does not say itself is *filled in* from the item
(contracts/talon_one/SEMANTICS.md section 2).

Invariants: what a request says of a line is never overwritten; what was filled in is known as such,
so that a later evaluation of the open session fills it in anew.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from habitue.model.attributes import Attributes
from habitue.pricing.cart import CartItem, CatalogPart, TypedPrice

#: The type of the price that an item has of its own; its adjustments are for everybody.
BASE = "base"


class Catalog(msgspec.Struct, frozen=True):
    """A catalog as staff describe it; what is in it is kept apart."""

    id: int
    name: str
    created: datetime
    modified: datetime
    description: str = ""
    subscribed_application_ids: tuple[int, ...] = ()


class PriceType(msgspec.Struct, frozen=True):
    """A price type; with `targeted_audience_ids` only the members of one of these get it."""

    id: int
    name: str
    title: str
    created: datetime
    modified: datetime
    description: str = ""
    targeted_audience_ids: tuple[int, ...] = ()

    def serves(self, audience_ids: Set[int]) -> bool:
        """Whether somebody in those audiences gets the price."""
        return not self.targeted_audience_ids or any(
            each in audience_ids for each in self.targeted_audience_ids
        )


class PriceAdjustment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A price of one type for a time; a `price` of None ends what older ones say of the type."""

    price_type: str
    reference_id: str
    calculated_at: datetime
    price: Decimal | None = None
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    context_id: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it is in effect at that moment."""
        begun = self.effective_from is None or self.effective_from <= now
        return begun and (self.effective_until is None or now < self.effective_until)


class CatalogItem(msgspec.Struct, frozen=True):
    """One article of a catalog; `version` is that of the catalog when it was last changed."""

    id: int
    catalog_id: int
    sku: str
    version: int
    created: datetime
    price: Decimal | None = None
    product: dict[str, Any] | None = None
    attributes: Attributes = {}
    adjustments: tuple[PriceAdjustment, ...] = ()


#: Items by article.
Stock = Mapping[str, CatalogItem]
NO_STOCK: Stock = MappingProxyType({})


class Buyer(NamedTuple):
    """Who is asked about prices, and when: price types by name, and the buyer's audiences."""

    now: datetime
    price_types: Mapping[str, PriceType] = MappingProxyType({})
    audience_ids: Set[int] = frozenset()


class Chosen(NamedTuple):
    """The price that a buyer gets, its type, and the adjustment that it comes from, if any."""

    price: Decimal
    price_type: str
    adjustment: PriceAdjustment | None = None


def prices_of(item: CatalogItem, now: datetime) -> dict[str, Chosen]:
    """The item's price of each type that has one at that moment, the base one first.

    Of adjustments that overlap the one that was calculated last counts.
    """
    newest: dict[str, PriceAdjustment] = {}
    for each in item.adjustments:
        if each.holds(now):
            older = newest.get(each.price_type)
            if older is None or older.calculated_at <= each.calculated_at:
                newest[each.price_type] = each
    found = {} if item.price is None else {BASE: Chosen(item.price, BASE)}
    for name, each in newest.items():
        if each.price is not None:
            found[name] = Chosen(each.price, name, each)
    return found


def chosen_price(item: CatalogItem, buyer: Buyer) -> Chosen | None:
    """The lowest price that the buyer gets, of equals the base one; None where there is none."""
    return _lowest(prices_of(item, buyer.now), buyer)


def _lowest(prices: Mapping[str, Chosen], buyer: Buyer) -> Chosen | None:
    types = buyer.price_types
    served = (
        chosen
        for name, chosen in prices.items()
        if name == BASE or (name in types and types[name].serves(buyer.audience_ids))
    )
    return min(served, key=lambda each: (each.price, each.price_type != BASE), default=None)


def unpriced(items: Iterable[CartItem], stock: Stock, buyer: Buyer) -> Iterator[int]:
    """The positions of those lines whose price is wanted of a catalog, and of none to be had."""
    for position, line in enumerate(items):
        if line.catalog is not None and line.catalog.priced and not line.catalog.item_id:
            item = stock.get(line.sku)
            if item is None or chosen_price(item, buyer) is None:
                yield position


def filled_in(
    items: tuple[CartItem, ...], stock: Stock, names: Collection[str], buyer: Buyer
) -> tuple[CartItem, ...]:
    """The lines with what they do not say themselves out of their items; attributes only of those
    `names`. A line whose article is in no catalog any more keeps what it had."""
    return tuple(
        line if (item := stock.get(line.sku)) is None else _filled(line, item, names, buyer)
        for line in items
    )


def _filled(line: CartItem, item: CatalogItem, names: Collection[str], buyer: Buyer) -> CartItem:
    before = line.catalog or CatalogPart()
    own = {name: each for name, each in line.attributes.items() if name not in before.attributes}
    filling = {
        name: each for name, each in item.attributes.items() if name in names and name not in own
    }
    product_filled = before.product or line.product is None
    prices = prices_of(item, buyer.now)
    chosen = _lowest(prices, buyer) if before.priced else None
    return msgspec.structs.replace(
        line,
        price=line.price if chosen is None else chosen.price,
        product=item.product if product_filled else line.product,
        attributes={**filling, **own} if filling or before.attributes else line.attributes,
        catalog=CatalogPart(
            item_id=item.id,
            priced=before.priced,
            product=product_filled and item.product is not None,
            attributes=tuple(filling),
            selected=chosen.price_type if chosen is not None and item.adjustments else "",
            prices=_typed(prices) if item.adjustments else {},
        ),
    )


def _typed(prices: Mapping[str, Chosen]) -> dict[str, TypedPrice]:
    return {name: _typed_price(each.price, each.adjustment) for name, each in prices.items()}


def _typed_price(price: Decimal, adjustment: PriceAdjustment | None) -> TypedPrice:
    if adjustment is None:
        return TypedPrice(price)
    return TypedPrice(
        price,
        adjustment.reference_id,
        adjustment.context_id,
        adjustment.effective_from,
        adjustment.effective_until,
    )
