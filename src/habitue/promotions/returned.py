"""Items that come back: what a request names, and the units of the cart that this means.

Words: a *wish* names a line by its position, or lines by their article, and how many units come
back. Units of a line come back in the order of their sub-positions, so those that are back are its
first `returned_quantity` units, however many returns they came in.

Invariant: no line gives back more units than were bought (contracts/talon_one/SEMANTICS.md section
3.7).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from habitue.model.errors import Fault, InvalidInput
from habitue.pricing.cart import CartItem

_POINTER = "/return/returnedCartItems"


class ReturnWish(msgspec.Struct, frozen=True):
    """Units that shall come back: of the line at `position`, or of all lines of the article `sku`.

    Where both are given they must agree. A `quantity` of None means all units that remain,
    otherwise it is at least 1.
    """

    position: int | None = None
    sku: str | None = None
    quantity: int | None = None


class ReturnedLine(msgspec.Struct, frozen=True):
    """How many units of one line came back."""

    position: int
    sku: str
    quantity: int


class Return(msgspec.Struct, frozen=True):
    """One return. Its `id` is that of the event that it was."""

    id: int
    created: datetime
    lines: tuple[ReturnedLine, ...]


class Returns(msgspec.Struct, frozen=True):
    """The returns of a session, oldest first.

    `campaign_ids` are the campaigns that gave something when the session was closed, in order.
    """

    campaign_ids: tuple[int, ...]
    made: tuple[Return, ...]


def returned_lines(
    wishes: Sequence[ReturnWish], items: Sequence[CartItem]
) -> tuple[ReturnedLine, ...]:
    """The lines that the wishes mean, each once, in the order of the cart.

    Raises `InvalidInput` with every wish that cannot be fulfilled; pointers are into the request.
    """
    if not wishes:
        raise InvalidInput(Fault(_POINTER, "required", "at least one item must be returned"))
    positions = _positions_by_sku(items)
    left = [item.remaining_quantity for item in items]
    faults = []
    for index, wish in enumerate(wishes):
        named = _named(wish, items, positions)
        fault = named if isinstance(named, Fault) else _take(wish, named, left)
        if fault is not None:
            faults.append(fault.under(f"{_POINTER}/{index}"))
    if faults:
        raise InvalidInput(*faults)
    return tuple(
        ReturnedLine(position, item.sku, item.remaining_quantity - left[position])
        for position, item in enumerate(items)
        if item.remaining_quantity > left[position]
    )


def with_returned(items: Sequence[CartItem], lines: Sequence[ReturnedLine]) -> tuple[CartItem, ...]:
    """The cart after those units came back."""
    back = {line.position: line.quantity for line in lines}
    return tuple(
        msgspec.structs.replace(item, returned_quantity=item.returned_quantity + back[position])
        if position in back
        else item
        for position, item in enumerate(items)
    )


def returned_units(items: Sequence[CartItem], lines: Sequence[ReturnedLine]) -> Mapping[int, range]:
    """The sub-positions of the units that come back, by position; `items` as they were before."""
    return {
        line.position: range(first := items[line.position].returned_quantity, first + line.quantity)
        for line in lines
    }


def _positions_by_sku(items: Sequence[CartItem]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for position, item in enumerate(items):
        positions.setdefault(item.sku, []).append(position)
    return positions


def _named(
    wish: ReturnWish, items: Sequence[CartItem], positions: Mapping[str, list[int]]
) -> list[int] | Fault:
    position, sku = wish.position, wish.sku
    if position is None:
        if sku is None:
            return Fault("", "required", "an item is named by its position or its sku")
        return positions.get(sku) or Fault("/sku", "Unknown", f"no cart item has the sku {sku!r}")
    if not 0 <= position < len(items):
        details = f"the cart has {len(items)} items, and positions count from 0"
        return Fault("/position", "Out of range", details)
    if sku is not None and sku != items[position].sku:
        details = f"the cart item at position {position} has the sku {items[position].sku!r}"
        return Fault("/sku", "Mismatch", details)
    return [position]


def _take(wish: ReturnWish, positions: Sequence[int], left: list[int]) -> Fault | None:
    available = sum(left[position] for position in positions)
    wanted = available if wish.quantity is None else wish.quantity
    if wanted > available or not available:
        details = f"{available} units of this item remain to be returned"
        return Fault("/quantity", "Out of range", details)
    for position in positions:
        taken = min(wanted, left[position])
        left[position] -= taken
        wanted -= taken
    return None
