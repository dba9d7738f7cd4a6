"""Keys looked up in memory, and in the database where they are not known yet.

A key that is not known in memory may have been made by another process a moment ago, so the
configuration is read again, but seldom enough that wrong keys cannot keep the database busy.
"""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from habitue.model.keys import ApiKey
from habitue.usecases.shop import Shop

Shown = TypeVar("Shown")

#: So many headers are remembered by a door.
_REMEMBERED_MAX = 4_096
#: Between two readings of the configuration for the sake of unknown keys.
REREAD_SECONDS = 0.2


class _Rereading:
    """When a shop's configuration was last read for an unknown key."""

    __slots__ = ("last", "lock")

    def __init__(self) -> None:
        self.last = float("-inf")
        self.lock = asyncio.Lock()


class KeyLookup:
    """The keys of each shop, by their digest or by their id."""

    def __init__(self) -> None:
        self._rereadings: WeakKeyDictionary[Shop, _Rereading] = WeakKeyDictionary()
        self._by_id: WeakKeyDictionary[Shop, _ById] = WeakKeyDictionary()

    async def by_digest(self, shop: Shop, digest: bytes) -> ApiKey | None:
        """The key of that digest, if there is one now."""
        return await self._sought(shop, lambda: shop.configuration.keys.get(digest))

    async def by_id(self, shop: Shop, key_id: int) -> ApiKey | None:
        """The key of that id, if there is one now."""
        return await self._sought(shop, lambda: self._of_id(shop).get(key_id))

    async def _sought(self, shop: Shop, seek: Callable[[], ApiKey | None]) -> ApiKey | None:
        key = seek()
        if key is not None:
            return key
        rereading = self._rereadings.setdefault(shop, _Rereading())
        async with rereading.lock:
            if seek() is None:
                await self._reread(shop, rereading)
        return seek()

    async def _reread(self, shop: Shop, rereading: _Rereading) -> None:
        if monotonic() - rereading.last >= REREAD_SECONDS:
            await shop.refresh()
            rereading.last = monotonic()

    def _of_id(self, shop: Shop) -> Mapping[int, ApiKey]:
        keys = shop.configuration.keys
        known = self._by_id.get(shop)
        if known is None or known.keys is not keys:
            known = self._by_id[shop] = _ById(keys)
        return known.ids


class Remembered(Generic[Shown]):
    """What headers have turned out to show, for as long as a shop's keys are the same ones.

    Nearly every request shows what the one before it showed; this spares it taking the digest. The
    headers stand in memory only, as they do while a request is read.
    """

    __slots__ = ("_by_header", "_keys")

    def __init__(self) -> None:
        self._keys: Mapping[bytes, ApiKey] | None = None
        self._by_header: dict[str, Shown] = {}

    def get(self, header: str, keys: Mapping[bytes, ApiKey]) -> Shown | None:
        """What the header shows, if that has been found out among these very keys."""
        return self._by_header.get(header) if keys is self._keys else None

    def put(self, header: str, keys: Mapping[bytes, ApiKey], shown: Shown) -> None:
        """Remember it. All that was found out among other keys is forgotten."""
        if keys is not self._keys or len(self._by_header) >= _REMEMBERED_MAX:
            self._keys, self._by_header = keys, {}
        self._by_header[header] = shown


class _ById:
    """The keys of one version of the configuration, by id."""

    __slots__ = ("ids", "keys")

    def __init__(self, keys: Mapping[bytes, ApiKey]) -> None:
        self.keys = keys
        self.ids = {key.id: key for key in keys.values()}
