"""What rules set of a session: its own attributes, those of its lines, and those of its owner.

An attribute of a line that rules have set is the line's own from then on, and is not filled in out
of a catalog any more.
"""

from collections.abc import Iterable

import msgspec

from habitue.model.attributes import Attributes, merged
from habitue.pricing.cart import CartItem
from habitue.promotions.evaluation import AttributeChange
from habitue.promotions.session import Session


def with_changes(
    session: Session, changes: Iterable[AttributeChange]
) -> tuple[Session, Attributes]:
    """The session with its own attributes and those of its lines as rules have set them, and what
    they have set of its owner."""
    own: Attributes = {}
    owners: Attributes = {}
    lines: dict[int, Attributes] = {}
    for change in changes:
        if change.position is not None:
            lines.setdefault(change.position, {})[change.name] = change.value
        elif change.code is None:
            (own if change.entity == "CustomerSession" else owners)[change.name] = change.value
    if own:
        attributes = merged(session.attributes, own)
        session = msgspec.structs.replace(session, attributes=attributes)
    if lines:
        items = tuple(_with_line(item, lines.get(at)) for at, item in enumerate(session.cart_items))
        session = msgspec.structs.replace(session, cart_items=items)
    return session, owners


def _with_line(item: CartItem, changes: Attributes | None) -> CartItem:
    if changes is None:
        return item
    part = item.catalog
    if part is not None and part.attributes:
        left = tuple(name for name in part.attributes if name not in changes)
        part = msgspec.structs.replace(part, attributes=left)
    attributes = merged(item.attributes, changes)
    return msgspec.structs.replace(item, attributes=attributes, catalog=part)
