"""The two doors of the Talon.One protocol, and who may come in.

`Authorization: ApiKey-v1 <key>` opens the Integration API of one application, `Authorization:
ManagementKey-v1 <key>` the Management API, and so does `Authorization: Bearer <token>` of a user
who has signed in (contracts/talon_one/SEMANTICS.md section 1.1). The
scheme is read in any case, as HTTP has it.
"""

from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers

from habitue.edges.http.call import Answer
from habitue.edges.http.door import Door, Heard
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Operation
from habitue.edges.key_lookup import KeyLookup, Remembered
from habitue.edges.talon_one import errors
from habitue.model.errors import NotAllowed, Refusal, Unauthorized
from habitue.model.keys import ApiKey, Endpoint, KeyKind, key_hash
from habitue.store.access_log import AccessRow
from habitue.usecases.access_log import KEPT_BYTES_MAX, AccessLog
from habitue.usecases.limit_rate import A_SECOND, limit_rate
from habitue.usecases.shop import Shop


class Principal(msgspec.Struct, frozen=True):
    """Who is asking: the key, and the application that it belongs to; with a `staging` key all that
    is asked for is a dry run. What is asked is decided as of `time_offset` from now."""

    key_id: int
    application_id: int
    staging: bool = False
    time_offset: timedelta | None = None


class ManagementPrincipal(msgspec.Struct, frozen=True):
    """Who is asking: a management key, which may do what it is not limited from."""

    key_id: int
    key: ApiKey


#: What a staging key opens.
STAGING_IDS = frozenset({"updateCustomerSessionV2", "updateCustomerProfileV2", "trackEventV2"})


class KeyDoor(Door):
    """A door that keys of one kind open, shown in the Authorization header under `scheme`."""

    def __init__(
        self,
        name: str,
        kind: Literal["integration", "management"],
        scheme: str,
        more: Mapping[str, KeyKind] | None = None,
    ) -> None:
        self.name = name
        self._kind = kind
        self._scheme = scheme
        self._kinds: Mapping[str, KeyKind] = {scheme.lower(): kind, **(more or {})}
        self._keys = KeyLookup()
        self._remembered: Remembered[tuple[ApiKey, Principal | ManagementPrincipal]] = Remembered()

    def authenticate(
        self, headers: Headers, services: Any, now: datetime
    ) -> Awaitable[Principal | ManagementPrincipal | None] | Principal | ManagementPrincipal:
        """Raises `Unauthorized` unless the header shows a key that opens this door."""
        shop: Shop = services.shop
        header = headers.get("authorization", "")
        remembered = self._remembered.get(header, shop.configuration.keys)
        if remembered is not None and now < remembered[0].expires:
            return remembered[1]
        return self._look_up(header, shop, now)

    async def _look_up(
        self, header: str, shop: Shop, now: datetime
    ) -> Principal | ManagementPrincipal:
        scheme, _, secret = header.strip().partition(" ")
        kind = self._kinds.get(scheme.lower())
        if kind is None or not secret.strip():
            raise Unauthorized(f"This needs a header Authorization: {self._scheme} <key>")
        key = await self._keys.by_digest(shop, key_hash(secret.strip()))
        if key is None or key.kind != kind:
            raise Unauthorized("This key is not valid here")
        if not key.opens(kind, now):
            raise Unauthorized("This key has expired")
        principal = _principal_of(key)
        self._remembered.put(header, shop.configuration.keys, (key, principal))
        return principal

    def permit(self, principal: Any, operation: Operation) -> None:
        """Raises `NotAllowed` where the key is limited to other operations."""
        if isinstance(principal, ManagementPrincipal) and not principal.key.allows(
            Endpoint(operation.method, operation.path)
        ):
            raise NotAllowed("This key may not use this endpoint")

    async def admit(
        self, principal: Any, operation: Operation, services: Any, now: datetime
    ) -> None:
        """Raises `TooManyRequests` beyond what the operator lets management keys send, and
        `Unauthorized` where a staging key does not open the operation."""
        if isinstance(principal, Principal) and principal.staging:
            if operation.id not in STAGING_IDS:
                raise Unauthorized("A staging key opens nothing but dry runs of campaigns")
            return
        shop: Shop = services.shop
        limit = shop.settings.management_requests_per_second
        if limit and isinstance(principal, ManagementPrincipal):
            await limit_rate(shop, principal.key_id, operation.id, limit, now, A_SECOND)

    def moment(self, principal: Any, now: datetime) -> datetime:
        """Later or earlier where the key says so (contracts/talon_one/SEMANTICS.md section 1.1)."""
        offset = principal.time_offset if isinstance(principal, Principal) else None
        return now if offset is None else now + offset

    def note(self, heard: Heard, services: Any) -> None:
        """Leaves what an application's systems asked for to the log of requests."""
        log: AccessLog = services.shop.access_log
        principal, answer = heard.principal, heard.answer
        if not log.notes(answer.status) or not isinstance(principal, Principal):
            return
        row = AccessRow(
            principal.application_id,
            uuid4(),
            heard.now,
            heard.method,
            heard.uri[:KEPT_BYTES_MAX].decode("ascii", "replace"),
            answer.status,
            heard.body[:KEPT_BYTES_MAX],
            _content(answer.body)[:KEPT_BYTES_MAX],
        )
        log.add(row)

    def refuse(self, refusal: Refusal, operation: Operation | None) -> Answer:
        """The answer for a refusal, in the protocol's words."""
        return errors.refuse(refusal, operation)

    def error_type(self, status: int, operation: Operation) -> Any:
        """The type of the body that `refuse` answers with."""
        return errors.error_type(status, operation)

    def scope(self, principal: Any) -> str:
        """Idempotency keys are unique within an application."""
        return f"{self.name} {getattr(principal, 'application_id', '')}"

    def security(self) -> Mapping[str, Any]:
        """One OpenAPI scheme, as the vendor describes it."""
        described = f"The header holds `{self._scheme}`, a space, and the key."
        scheme = {"type": "apiKey", "in": "header", "name": "Authorization"}
        return {f"{self._kind}_key": {**scheme, "description": described}}


def _principal_of(key: ApiKey) -> Principal | ManagementPrincipal:
    if key.application_id is None:
        return ManagementPrincipal(key.id, key)
    offset = timedelta(microseconds=key.time_offset_ns // 1_000) if key.time_offset_ns else None
    return Principal(key.id, key.application_id, key.staging, offset)


def _content(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else ENCODER.encode(body)


INTEGRATION = KeyDoor("integration", "integration", "ApiKey-v1")
MANAGEMENT = KeyDoor("management", "management", "ManagementKey-v1", {"bearer": "session"})


class SigningInDoor(KeyDoor):
    """The side of management where nobody has a key yet: what is sent says who is asking."""

    async def authenticate(self, headers: Headers, services: Any, now: datetime) -> None:
        return None


SIGNING_IN = SigningInDoor("management", "management", "ManagementKey-v1")
