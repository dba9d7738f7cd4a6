"""`GET /subscriptions/changes`: who has opted in or out since a moment, for servers of the shop.

The vendor has published the address and no shape, so the shape is ours
(contracts/tracker/SPEC.md section 2.4, docs/decisions/0135).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from habitue.customers.consent import MARKETING, TRANSACTIONAL
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import ChangesQuery, SubscriptionChanges, operation
from habitue.edges.tracker.door import Malformed, answer
from habitue.edges.tracker.personaclick import subscriptions_shown
from habitue.edges.tracker.profiles import profile_shown
from habitue.edges.tracker.retail_rocket import AnyCall
from habitue.edges.tracker.uploading import server_of
from habitue.edges.tracker.wire import Fields, fields_of, text_of
from habitue.model.instants import parse_instant
from habitue.model.limits import PAGE_SIZE_MAX
from habitue.usecases.read_consent_changes import (
    ConsentChange,
    Place,
    SaidOfConsent,
    read_consent_changes,
)

_CHANNELS = {"mobile": "sms", "mobilePush": "mobile_push"}
_TYPES = {MARKETING: ("bulk", "chain"), TRANSACTIONAL: ("transactional",)}
_CURSOR = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE_SIZE = 100


def subscription_change_operations() -> list[Operation]:
    """The operation."""
    return [
        operation(
            "pcSubscriptionChanges",
            "GET",
            "/subscriptions/changes",
            _changes,
            "List who has opted in or out since a moment, for servers of the shop",
            SubscriptionChanges,
            query=ChangesQuery,
        )
    ]


async def _changes(call: AnyCall) -> Answer:
    fields = fields_of(call)
    await server_of(call, text_of(fields, "shop_id"), fields)
    place, limit = _place(fields), _limit(text_of(fields, "limit"))
    found = await read_consent_changes(call.services.shop, place, limit, call.now)
    shown = {
        "status": "success",
        "data": [_shown(each, call.now) for each in found.changes],
        "cursor": _cursor(found.following),
        "has_more": found.more,
    }
    return answer(200, shown)


def _place(fields: Fields) -> Place:
    """Where to begin: behind a cursor, else at a moment. Raises `Malformed`."""
    if cursor := text_of(fields, "cursor"):
        form = _CURSOR.fullmatch(cursor)
        if form is None:
            raise Malformed("cursor is what an earlier answer gave as such")
        return Place(_EPOCH + int(form[1]) * _MICROSECOND, int(form[2]))
    since = text_of(fields, "since")
    if _SECONDS.fullmatch(since):
        return Place(_EPOCH + timedelta(seconds=int(since)))
    at = parse_instant(since)
    if at is None:
        raise Malformed("since is a moment of RFC 3339, or seconds since 1970; or give a cursor")
    return Place(at)


def _limit(text: str) -> int:
    if not text:
        return _PAGE_SIZE
    if not _SECONDS.fullmatch(text) or not 1 <= int(text) <= PAGE_SIZE_MAX:
        raise Malformed(f"limit is a number from 1 to {PAGE_SIZE_MAX}")
    return int(text)


def _cursor(place: Place) -> str:
    return f"{max(0, (place.at - _EPOCH) // _MICROSECOND)}-{place.id}"


def _shown(change: ConsentChange, now: datetime) -> Fields:
    profile = profile_shown(change.person, now, server=True)
    last = change.said[-1]
    return {
        "id": str(change.id),
        "date": change.at.isoformat(),
        **{name: profile[name] for name in ("external_id", "email", "phone")},
        "source": last.source,
        "reason": last.wording,
        "changed": _told(change.said),
        "subscriptions": subscriptions_shown(change.person, now),
    }


def _told(said: Iterable[SaidOfConsent]) -> dict[str, bool]:
    """What was said by the names that `/subscriptions/manage` takes."""
    return {
        f"{_CHANNELS.get(each.channel, each.channel)}_{kind}": each.state == "granted"
        for each in said
        for kind in _TYPES.get(each.purpose, (each.purpose.lower(),))
    }
