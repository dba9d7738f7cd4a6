"""What the document says of the tracker's operations, whose handlers read requests themselves.

A request may be JSON, a form or a query string, in any mixture, so no decoder stands before the
handlers. The types here are what the document shows of them: the usual fields, beside which
anything else may stand.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Handler, Operation
from habitue.edges.tracker.door import TRACKER, TrackerError
from habitue.edges.tracker.wire import FORM, JSON, TEXT

GROUP = "Tracker"
_REFUSALS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_Text = str | UnsetType


class EventQuery(msgspec.Struct, rename="camel"):
    """What comes with every event of the first vendor; more by the kind of event."""

    session: _Text = UNSET
    pvid: _Text = UNSET
    page_url: _Text = UNSET
    referrer: _Text = UNSET
    email: _Text = UNSET
    stock_id: _Text = UNSET
    search_phrase: _Text = UNSET
    category_path: _Text = UNSET
    qnt: _Text = UNSET
    price: _Text = UNSET
    transaction: _Text = UNSET


class PartnerQuery(msgspec.Struct, rename="camel"):
    """The shop, its secret where a server asks, and a proof where the shop wants one."""

    partner_id: str
    apikey: _Text = UNSET
    signature: _Text = UNSET
    valid_till: _Text = UNSET


class DeviceQuery(msgspec.Struct):
    """The shop and the device of a browser."""

    shop: str
    did: _Text = UNSET


class ShopQuery(msgspec.Struct):
    """The shop and the device; a server of the shop shows its secret and may name the person."""

    shop_id: str
    did: _Text = UNSET
    sid: _Text = UNSET
    shop_secret: _Text = UNSET
    external_id: _Text = UNSET
    email: _Text = UNSET
    phone: _Text = UNSET


class MemberQuery(ShopQuery):
    """A member of the loyalty program, and what of its history."""

    identifier: _Text = UNSET
    expire_in: _Text = UNSET
    status: _Text = UNSET
    limit: _Text = UNSET
    offset: _Text = UNSET


class ChangesQuery(msgspec.Struct):
    """Where the list of changes begins: at a moment, or behind a cursor of an earlier answer."""

    shop_id: str
    shop_secret: str
    since: _Text = UNSET
    cursor: _Text = UNSET
    limit: _Text = UNSET


class SubscriptionChange(msgspec.Struct):
    """What a person said of letters, and how they all stand for that person now."""

    id: str
    date: str
    external_id: str | None
    email: str | None
    phone: str | None
    source: str
    reason: str
    changed: dict[str, bool]
    subscriptions: dict[str, bool]


class SubscriptionChanges(msgspec.Struct):
    """Changes, oldest first, and where to go on."""

    status: str
    data: list[SubscriptionChange]
    cursor: str
    has_more: bool


class CollectIn(msgspec.Struct):
    """A batch of the script."""

    shop: str
    messages: list[dict[str, Any]]
    did: _Text = UNSET
    sid: _Text = UNSET
    sent: int | UnsetType = UNSET


class VisitorIn(msgspec.Struct, rename="camel"):
    """What a browser says of its visitor."""

    email: _Text = UNSET
    is_agreed_to_receive_marketing_mail: bool | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


class ContactIn(msgspec.Struct, rename="camel"):
    """An event or a contact of a program; more by its name."""

    session_external_id: str
    timestamp: _Text = UNSET
    contact_external_id: _Text = UNSET
    email: _Text = UNSET
    phone: _Text = UNSET
    product_id: int | UnsetType = UNSET
    product_ids: list[int] | UnsetType = UNSET


class ShopIn(msgspec.Struct):
    """The shop, who is meant, and what is said; more by the operation."""

    shop_id: str
    did: _Text = UNSET
    sid: _Text = UNSET
    shop_secret: _Text = UNSET
    external_id: _Text = UNSET
    email: _Text = UNSET
    phone: _Text = UNSET
    event: _Text = UNSET
    items: list[dict[str, Any]] | UnsetType = UNSET
    segment_id: _Text = UNSET


def operation(
    id_: str,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    answer: Any,
    *,
    query: type[msgspec.Struct] | None = None,
    body: Any = None,
    media_types: tuple[str, ...] = (JSON, FORM, TEXT),
) -> Operation:
    """An operation of the tracker's door, as the document shows it."""
    return Operation(
        id=id_,
        method=method,
        path=path,
        handler=handler,
        door=TRACKER,
        summary=summary,
        group=GROUP,
        media_types=media_types,
        shown_query=query,
        shown_body=body,
        responses={200: answer, **dict.fromkeys(_REFUSALS, TrackerError)},
    )
