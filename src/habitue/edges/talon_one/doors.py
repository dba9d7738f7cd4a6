"""The two doors of the Talon.One protocol, and who may come in.

`Authorization: ApiKey-v1 <key>` opens the Integration API of one application, `Authorization:
ManagementKey-v1 <key>` the Management API (contracts/talon_one/SEMANTICS.md section 1.1). The
scheme is read in any case, as HTTP has it.

Keys are looked up in memory. One that is not known there may have been made by another process a
moment ago, so the configuration is read again, but seldom enough that wrong keys cannot keep the
database busy.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Literal
from weakref import WeakKeyDictionary

import msgspec
from starlette.datastructures import Headers

from habitue.edges.http.call import Answer
from habitue.edges.http.door import Door
from habitue.edges.http.operation import Operation
from habitue.edges.talon_one import errors
from habitue.model.errors import Refusal, Unauthorized
from habitue.model.keys import ApiKey, key_hash
from habitue.usecases.shop import Shop

#: Between two readings of the configuration for the sake of unknown keys.
REREAD_SECONDS = 0.2


class Principal(msgspec.Struct, frozen=True):
    """Who is asking: the key, and the application that it belongs to."""

    key_id: int
    application_id: int


class ManagementPrincipal(msgspec.Struct, frozen=True):
    """Who is asking: a management key, which may do everything."""

    key_id: int


class _Rereading:
    """When a shop's configuration was last read for an unknown key."""

    __slots__ = ("last", "lock")

    def __init__(self) -> None:
        self.last = float("-inf")
        self.lock = asyncio.Lock()


class KeyDoor(Door):
    """A door that keys of one kind open, shown in the Authorization header under `scheme`."""

    def __init__(self, name: str, kind: Literal["integration", "management"], scheme: str) -> None:
        self.name = name
        self._kind = kind
        self._scheme = scheme
        self._rereadings: WeakKeyDictionary[Shop, _Rereading] = WeakKeyDictionary()

    async def authenticate(
        self, headers: Headers, services: Any, now: datetime
    ) -> Principal | ManagementPrincipal:
        """Raises `Unauthorized` unless the header shows a key that opens this door."""
        scheme, _, secret = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != self._scheme.lower() or not secret.strip():
            raise Unauthorized(f"This needs a header Authorization: {self._scheme} <key>")
        key = await self._key(services.shop, key_hash(secret.strip()))
        if key is None or key.kind != self._kind:
            raise Unauthorized("This key is not valid here")
        if not key.opens(self._kind, now):
            raise Unauthorized("This key has expired")
        if key.application_id is None:
            return ManagementPrincipal(key.id)
        return Principal(key.id, key.application_id)

    async def _key(self, shop: Shop, digest: bytes) -> ApiKey | None:
        key = shop.configuration.keys.get(digest)
        if key is not None:
            return key
        rereading = self._rereadings.setdefault(shop, _Rereading())
        async with rereading.lock:
            if digest not in shop.configuration.keys:
                await self._reread(shop, rereading)
        return shop.configuration.keys.get(digest)

    async def _reread(self, shop: Shop, rereading: _Rereading) -> None:
        if monotonic() - rereading.last >= REREAD_SECONDS:
            await shop.refresh()
            rereading.last = monotonic()

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


INTEGRATION = KeyDoor("integration", "integration", "ApiKey-v1")
MANAGEMENT = KeyDoor("management", "management", "ManagementKey-v1")
