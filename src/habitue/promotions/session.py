"""The customer session: one cart of one customer from its first line to its last return.

States and transitions (contracts/talon_one/SEMANTICS.md section 3.2):

    (new)  -> open | closed
    open   -> open | closed | cancelled
    closed -> cancelled, by reopening -> open, and by a return -> partially_returned
    partially_returned -> cancelled, and by another return -> partially_returned

Everything else is refused. A closed or cancelled session cannot be edited; `cancelled` is final.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.errors import Fault, InvalidInput
from habitue.pricing.cart import CartItem, Totals
from habitue.pricing.totals import remaining_totals_of, totals_of
from habitue.promotions.effects import Effect
from habitue.promotions.experiments import VariantAllocation
from habitue.promotions.returned import Returns

SessionState = Literal["open", "closed", "partially_returned", "cancelled"]
ReachableState = Literal["open", "closed", "cancelled"]

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "new": frozenset({"open", "closed"}),
    "open": frozenset({"open", "closed", "cancelled"}),
    "closed": frozenset({"cancelled"}),
    "partially_returned": frozenset({"cancelled"}),
    "cancelled": frozenset(),
}


class SessionHead(msgspec.Struct, frozen=True):
    """A session apart from its cart and its effects, which are most of it.

    `profile_id` is empty for an anonymous one; `update_count` starts at 1, `reopen_count` at 0.
    """

    id: int
    customer_id: int
    application_id: int
    integration_id: str
    created: datetime
    updated: datetime
    state: SessionState = "open"
    profile_id: str = ""
    store_integration_id: str = ""
    additional_costs: dict[str, Decimal] = {}
    coupon_codes: tuple[str, ...] = ()
    referral_code: str = ""
    loyalty_cards: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    attributes: Attributes = {}
    experiment_variant_allocations: tuple[VariantAllocation, ...] = ()
    first_session: bool = True
    update_count: int = 0
    closed_at: datetime | None = None
    reopen_count: int = 0


class Session(SessionHead, frozen=True):
    """A stored session.

    `effects` are those of the last evaluation, without rollbacks and what they took back. Most
    sessions have no `returns`, and then nothing is stored of them.
    """

    cart_items: tuple[CartItem, ...] = ()
    effects: tuple[Effect, ...] = ()
    returns: Returns | msgspec.UnsetType = msgspec.UNSET

    @property
    def totals(self) -> Totals:
        return totals_of(self.cart_items, self.additional_costs)

    @property
    def remaining_totals(self) -> Totals:
        """The totals of what the customer has kept; `total` is what counts as sold."""
        return remaining_totals_of(self.cart_items, self.additional_costs)


class SessionUpdate(msgspec.Struct, frozen=True):
    """What a request wants of a session; a field of None was not sent and keeps its value.

    An empty string or list empties the field. `state` is open unless the request says otherwise.
    `lacks_prices` says that a line wants its price of a catalog (`pricing.cart.PRICE_WANTED`).
    """

    state: ReachableState = "open"
    profile_id: str | None = None
    store_integration_id: str | None = None
    cart_items: tuple[CartItem, ...] | None = None
    lacks_prices: bool = False
    additional_costs: dict[str, Decimal] | None = None
    coupon_codes: tuple[str, ...] | None = None
    referral_code: str | None = None
    loyalty_cards: tuple[str, ...] | None = None
    identifiers: tuple[str, ...] | None = None
    attributes: Attributes | None = None
    experiment_variant_allocations: tuple[VariantAllocation, ...] | None = None


def check_transition(current: str, wanted: str) -> None:
    """Raises `InvalidInput` when a request may not move a session from `current` to `wanted`.

    `current` is "new" for a session that is not stored yet.
    """
    if wanted not in TRANSITIONS[current]:
        details = f"a session that is {current} cannot become {wanted}"
        raise InvalidInput(Fault("/customerSession/state", "Invalid state transition", details))


def check_reopen(current: str) -> None:
    """Raises `InvalidInput` unless the session is closed: only closed sessions are reopened."""
    if current != "closed":
        details = f"only a closed session can be reopened; this one is {current}"
        raise InvalidInput(Fault("/customerSession/state", "Invalid state transition", details))


def check_return(current: str) -> None:
    """Raises `InvalidInput` unless items of a session in that state can be returned."""
    if current not in ("closed", "partially_returned"):
        details = f"only items of a closed session can be returned; this one is {current}"
        raise InvalidInput(Fault("/customerSession/state", "Invalid state transition", details))
