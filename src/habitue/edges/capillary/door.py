"""The door of the registration protocol: who may come in, how often, and what others are told.

`Authorization: Basic base64(till:md5hex(password))` or an access token in `X-CAP-API-OAUTH-TOKEN`
open it (contracts/capillary/SPEC.md section 1); a token goes before, where both are sent. Keys are
of the kind "till".

A refusal about the shop's customers has the HTTP status that the shop has chosen (400 where it has
chosen none); everything that only HTTP knows has the status that it has on every door. The choice
is taken from the configuration when a caller is authenticated, and lasts for the request.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers

from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.codes import BUSY_CODE, coded_refusal
from habitue.edges.capillary.envelopes import Failure, Item, TotalFailure, item_of
from habitue.edges.capillary.tokens import TOKEN_SECONDS, Signer
from habitue.edges.http.call import Answer
from habitue.edges.http.door import Door
from habitue.edges.http.operation import Operation
from habitue.edges.http.refusals import headers_of, status_of
from habitue.edges.key_lookup import KeyLookup, Remembered
from habitue.model.errors import NotAllowed, Refusal, Unauthorized
from habitue.model.keys import ApiKey, Permission, key_hash
from habitue.usecases.limit_rate import UPDATE, limit_of, limit_rate
from habitue.usecases.shop import Shop

TOKEN_HEADERS = ("x-cap-api-oauth-token", "cap-api-access-token")
TILL_REALM = 'Basic realm="till"'
#: How long a caller waits who met others that write the same customer.
_BUSY_RETRY_SECONDS = 1
_FAILURE_STATUS_DEFAULT = 400
_PARAMETER = re.compile(r"\{[^}]*\}")
#: Endpoints that are counted as another one.
_COUNTED_AS = {"PUT /v2/customers/lookup": UPDATE}
#: Operations that not every till may use, and what its key must have been given.
PERMISSIONS: Mapping[str, Permission] = {"exportCustomer": "privacy", "eraseCustomer": "privacy"}
_failure_status: ContextVar[int] = ContextVar("failure_status", default=_FAILURE_STATUS_DEFAULT)

KEYS = KeyLookup()
SIGNER = Signer()
_REMEMBERED: Remembered[tuple[ApiKey, TillPrincipal]] = Remembered()


class CapillaryDoor(Door):
    """The door for tills and programs."""

    name = "capillary"

    def authenticate(
        self, headers: Headers, services: Any, now: datetime
    ) -> Awaitable[TillPrincipal] | TillPrincipal:
        """Raises `Unauthorized` unless the headers show a till's password or an access token."""
        shop: Shop = services.shop
        _failure_status.set(shop.configuration.organisation.settings.failure_status)
        token = next((headers[each] for each in TOKEN_HEADERS if each in headers), None)
        if token is not None:
            return _of_token(shop, token.strip(), now)
        header = headers.get("authorization", "")
        remembered = _REMEMBERED.get(header, shop.configuration.keys)
        if remembered is not None and now < remembered[0].expires:
            return remembered[1]
        return _of_password(shop, header, now)

    def permit(self, principal: TillPrincipal, operation: Operation) -> None:
        """Raises `NotAllowed` where only keys with a permission of their own may do that."""
        needed = PERMISSIONS.get(operation.id)
        if needed is not None and needed not in principal.permissions:
            raise NotAllowed("This needs a key that was made for it: habitue keys create --privacy")

    async def admit(
        self, principal: TillPrincipal, operation: Operation, services: Any, now: datetime
    ) -> None:
        """Raises `TooManyRequests` beyond the limit that the shop has set for the endpoint."""
        shop: Shop = services.shop
        endpoint = endpoint_of(operation.method, operation.path)
        limit = limit_of(shop.configuration.organisation.settings, endpoint)
        if limit:
            await limit_rate(shop, principal.key_id, endpoint, limit, now)

    def refuse(self, refusal: Refusal, operation: Operation | None) -> Answer:
        """The answer for a refusal, in the codes of the protocol."""
        status, items = coded_answer(refusal, operation)
        body = TotalFailure([], items) if status_of(type(refusal)) == 500 else Failure(items)
        return Answer(status, body, _headers_for(refusal, items))

    def error_type(self, status: int, operation: Operation) -> Any:
        """The type of the body that `refuse` answers with."""
        return TotalFailure if status == 500 else Failure

    def scope(self, principal: TillPrincipal) -> str:
        """Idempotency keys are unique within a credential, however it comes in."""
        return f"{self.name} {principal.key_id}"

    def security(self) -> Mapping[str, Any]:
        """The two ways in, as OpenAPI has them."""
        basic = "The login of a till, and the MD5 digest of its password in lower case hex."
        token = f"A token of `POST /v3/oauth/token/generate`, good for {TOKEN_SECONDS} seconds."
        header = {"type": "apiKey", "in": "header", "name": "X-CAP-API-OAUTH-TOKEN"}
        return {
            "till_password": {"type": "http", "scheme": "basic", "description": basic},
            "till_token": {**header, "description": token},
        }


CAPILLARY = CapillaryDoor()


async def _of_token(shop: Shop, token: str, now: datetime) -> TillPrincipal:
    claims = await SIGNER.read(shop, token, now)
    key = good(await KEYS.by_id(shop, claims.key_id), now)
    return TillPrincipal(key.id, claims.login, key.name, key.permissions)


async def _of_password(shop: Shop, header: str, now: datetime) -> TillPrincipal:
    login, digest = _basic(header)
    key = good(await KEYS.by_digest(shop, key_hash(f"{login}:{digest}")), now)
    principal = TillPrincipal(key.id, login, key.name, key.permissions)
    _REMEMBERED.put(header, shop.configuration.keys, (key, principal))
    return principal


@lru_cache(maxsize=256)
def endpoint_of(method: str, path: str) -> str:
    """What requests of an operation are counted as: its method and path, parameters as `{id}`."""
    endpoint = f"{method} {_PARAMETER.sub('{id}', path)}"
    return _COUNTED_AS.get(endpoint, endpoint)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or not encoded.strip():
        raise Unauthorized("This needs a header Authorization: Basic, or an access token")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthorized("The header Authorization is not well formed") from None
    login, separator, digest = text.rpartition(":")
    if not (login and separator and digest):
        raise Unauthorized("The header Authorization is not well formed")
    return login, digest.lower()


def good(key: ApiKey | None, now: datetime) -> ApiKey:
    """The key, if it is one of a till that opens doors now. Raises `Unauthorized`."""
    if key is None or not key.opens("till", now):
        raise Unauthorized("These credentials are not valid here")
    return key


def coded_answer(refusal: Refusal, operation: Operation | None) -> tuple[int, list[Item]]:
    """The HTTP status and the errors that a refusal is answered with."""
    found = coded_refusal(refusal, "" if operation is None else operation.id)
    chosen = all(each.business for each in found)
    status = _failure_status.get() if chosen else status_of(type(refusal))
    return status, [item_of(each) for each in found]


def _headers_for(refusal: Refusal, items: list[Item]) -> dict[str, str]:
    headers = headers_of(refusal)
    if isinstance(refusal, Unauthorized):
        headers["www-authenticate"] = TILL_REALM
    if any(each.code == BUSY_CODE for each in items):
        headers["retry-after"] = str(_BUSY_RETRY_SECONDS)
    return headers
