"""The door of the tracker: browsers of anybody, with a shop's public key.

The key says which shop a page belongs to; it is public, so it opens nothing but what a browser may
do. It stands in the path, the query or the body, so it is looked at by the operations. Pages of
origins that the shop has not named are refused. Servers of the shop show a key of the kind
"integration" or "management" as `shop_secret` or `apiKey` beside it.

Errors have a status, a message and the message once more under `payload`: clients of this protocol
look in either place (contracts/tracker/SPEC.md section 2.4).
"""

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec
from starlette.datastructures import Headers

from habitue.edges.http.call import Answer, Call
from habitue.edges.http.door import Door
from habitue.edges.http.operation import Operation
from habitue.edges.http.refusals import headers_of, status_of
from habitue.edges.key_lookup import KeyLookup
from habitue.edges.tracker.wire import Fields, text_of
from habitue.model.errors import InvalidInput, NotAllowed, NotFound, Refusal, Unauthorized
from habitue.model.keys import TRACKER_KEY, KeyKind, digest_of, key_hash
from habitue.usecases.shop import Shop

COOKIE = "habitue_did"
COOKIE_SECONDS = 365 * 24 * 3600
DEVICE = re.compile(r"[0-9A-Za-z_-]{4,64}", re.ASCII)
VISIT = re.compile(r"[0-9A-Za-z_.-]{1,64}", re.ASCII)
_PREFLIGHT_SECONDS = 7200
_SECRETS = ("shop_secret", "apiKey", "apikey")
_KEYS = KeyLookup()
_origin: ContextVar[str] = ContextVar("origin", default="")


class Payload(msgspec.Struct):
    """Where some clients look for the message."""

    message: str


class TrackerError(msgspec.Struct):
    """The body of every error."""

    status: str
    message: str
    payload: Payload


class ShopMissing(Unauthorized):
    """The request does not say which shop it is about, or which device."""


class Malformed(InvalidInput):
    """A key or an id that cannot be one."""

    status = 422

    def __init__(self, message: str) -> None:
        super().__init__(message=message)


class ShopUnknown(NotFound):
    """There is no shop with that key."""

    def __init__(self, key: str) -> None:
        super().__init__("Shop", key[:30])


class TrackerDoor(Door):
    """The door for browsers and for programs that speak like them."""

    name = "tracker"

    def authenticate(self, headers: Headers, services: Any, now: datetime) -> None:
        """Raises `NotAllowed` for a page of an origin that the shop has not named."""
        origin = headers.get("origin", "")
        shop: Shop = services.shop
        allowed = shop.configuration.organisation.settings.tracker_origins
        _origin.set("")
        if origin and allowed and origin.lower() not in allowed:
            raise NotAllowed("Pages of this origin may not send to this shop")
        _origin.set(origin)

    def refuse(self, refusal: Refusal, operation: Operation | None) -> Answer:
        """The answer for a refusal, in the words of the protocol."""
        status = getattr(refusal, "status", None) or status_of(type(refusal))
        message = refusal.message
        if isinstance(refusal, InvalidInput) and refusal.faults:
            message = "; ".join(each.details for each in refusal.faults[:3])
        body = TrackerError("error", message, Payload(message))
        return answer(status, body, headers_of(refusal))

    def error_type(self, status: int, operation: Operation) -> Any:
        """The type of the body that `refuse` answers with."""
        return TrackerError


TRACKER = TrackerDoor()


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that the page may read."""
    origin = _origin.get()
    shared = {"vary": "origin", "cache-control": "no-store", **(headers or {})}
    if origin:
        shared["access-control-allow-origin"] = origin
        shared["access-control-allow-credentials"] = "true"
        shared["access-control-expose-headers"] = "retry-after, x-request-id"
    return Answer(status, body, shared)


async def preflight(call: Call[None, None, None]) -> Answer:
    """What a browser asks before it sends something that is no simple request."""
    return answer(
        204,
        headers={
            "access-control-allow-methods": "GET, POST, PATCH, OPTIONS",
            "access-control-allow-headers": "content-type, x-request-id",
            "access-control-max-age": str(_PREFLIGHT_SECONDS),
        },
    )


def with_preflights(operations: list[Operation]) -> list[Operation]:
    """The operations, with what browsers ask first on each of their paths."""
    paths = dict.fromkeys(each.path for each in operations)
    first = {path: next(each.id for each in operations if each.path == path) for path in paths}
    return [
        *operations,
        *(
            Operation(
                f"{first[path]}Preflight", "OPTIONS", path, preflight, TRACKER, documented=False
            )
            for path in paths
        ),
    ]


async def shop_of(call: Call[Any, Any, Any], key: str) -> str:
    """The short form of the shop's key. Raises `ShopMissing`, `Malformed` or `ShopUnknown`."""
    if not key:
        raise ShopMissing("The key of the shop is missing")
    form = TRACKER_KEY.fullmatch(key.lower())
    if form is None:
        raise Malformed("The key of a shop is 24 or 30 hexadecimal digits")
    shop: Shop = call.services.shop
    found = await _KEYS.by_digest(shop, digest_of("tracker", key.lower()))
    if found is None or not found.opens("tracker", call.now):
        raise ShopUnknown(key)
    if form[2] and form[2] != found.suffix:
        raise ShopUnknown(key)
    return form[1]


async def is_server(call: Call[Any, Any, Any], fields: Fields) -> bool:
    """Whether a server of the shop speaks. Raises `NotAllowed` for a secret that is none."""
    if not text_of(fields, *_SECRETS):
        return False
    if not (await _opens(call, fields, "integration") or await opens_everything(call, fields)):
        raise NotAllowed("The secret of the shop is not valid")
    return True


async def opens_everything(call: Call[Any, Any, Any], fields: Fields) -> bool:
    """Whether the secret is a management key without limits."""
    return await _opens(call, fields, "management")


async def _opens(call: Call[Any, Any, Any], fields: Fields, kind: KeyKind) -> bool:
    key = await _KEYS.by_digest(call.services.shop, key_hash(text_of(fields, *_SECRETS)))
    return key is not None and key.opens(kind, call.now) and not key.is_limited


def new_device_id() -> str:
    """A device that nobody has been yet: 24 hexadecimal digits."""
    return secrets.token_hex(12)


def cookie_device(call: Call[Any, Any, Any]) -> str:
    """The device that the browser's cookie names, or nothing."""
    try:
        morsel = SimpleCookie(call.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None and DEVICE.fullmatch(morsel.value) else ""


def cookie_header(call: Call[Any, Any, Any], device_id: str) -> dict[str, str]:
    """The header that keeps the device for a year, out of reach of scripts."""
    told = call.headers.get("x-forwarded-proto", "") or call.headers.get("origin", "")
    secure = "; Secure" if told.lower().startswith("https") else ""
    kept = f"Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
    return {"set-cookie": f"{COOKIE}={device_id}; {kept}"}


def checked_device(text: str) -> str:
    """The id of a device. Raises `Malformed`."""
    if DEVICE.fullmatch(text) is None:
        raise Malformed("The id of a device is 4 to 64 letters, digits, - and _")
    return text
