"""The cart: lines, units and additional costs, as values.

Words: a *line* is one entry of the cart with a quantity; a *unit* is one piece of a line, named by
the line's position and its own sub-position, both counted from 0. An *additional cost* is money
beside the goods, such as shipping, on the session or on each unit of a line.

Invariants: quantities are at least 1; prices are exact decimals; nothing here is ever rounded.
"""

from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.numbers import EXACT


class TypedPrice(msgspec.Struct, frozen=True, omit_defaults=True):
    """The price of one type, and the adjustment that it comes from, if any."""

    price: Decimal
    reference_id: str = ""
    context_id: str = ""
    effective_from: datetime | None = None
    effective_until: datetime | None = None


class CatalogPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a line came out of a catalog: the price, the product, the attributes of those names.

    `item_id` is 0 while a price is only wanted. `selected` names the type of the price among
    `prices`, where the article has prices of several types.
    """

    item_id: int = 0
    priced: bool = False
    product: bool = False
    attributes: tuple[str, ...] = ()
    selected: str = ""
    prices: dict[str, TypedPrice] = {}


#: Of a line that is sent without a price.
PRICE_WANTED = CatalogPart(priced=True)


class CartItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. `weight` is in grams, `height`, `width` and `length` are in millimetres.

    `additional_costs` are prices per unit, by the name of the cost. `returned_quantity` counts the
    units that came back; `quantity` stays what was bought. `catalog` says what was filled in.
    """

    sku: str
    quantity: int
    price: Decimal
    name: str = ""
    category: str = ""
    product: dict[str, Any] | None = None
    weight: Decimal | None = None
    height: Decimal | None = None
    width: Decimal | None = None
    length: Decimal | None = None
    attributes: Attributes = {}
    additional_costs: dict[str, Decimal] = {}
    returned_quantity: int = 0
    catalog: CatalogPart | None = None

    @property
    def remaining_quantity(self) -> int:
        return self.quantity - self.returned_quantity


class Totals(msgspec.Struct, frozen=True):
    """Sums of a cart before any discount (contracts/talon_one/SEMANTICS.md section 3.8)."""

    cart_items: Decimal
    item_additional_costs: Decimal
    session_additional_costs: Decimal

    @property
    def total(self) -> Decimal:
        """What the cart costs in all: goods, their own costs, and the session's costs."""
        with localcontext(EXACT):
            return self.cart_items + self.item_additional_costs + self.session_additional_costs
