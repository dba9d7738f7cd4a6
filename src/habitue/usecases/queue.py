"""Waiting for one's turn: requests that write the same thing follow one another in this process.

The database would sort them out too, but each would hold a connection while it waits. Requests in
other processes are not seen here; they are met by the guards and row locks of the store.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from habitue.model.errors import Conflict


class _Turns:
    """The queue of one key, and how many requests hold it or wait for it."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class TurnQueue:
    """One queue per key, first come, first served; several keys are taken in sorted order."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._turns: dict[UUID, _Turns] = {}

    @asynccontextmanager
    async def turn(self, keys: Iterable[UUID], busy: type[Conflict]) -> AsyncIterator[None]:
        """Holds all `keys`. Raises `busy` when that takes longer than the bounded wait."""
        held: list[UUID] = []
        try:
            await self._take_all(sorted(set(keys)), held, busy)
            yield
        finally:
            for key in held:
                self._turns[key].lock.release()
                self._leave(key)

    async def _take_all(self, keys: list[UUID], held: list[UUID], busy: type[Conflict]) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                for key in keys:
                    await self._take(key)
                    held.append(key)
        except TimeoutError:
            raise busy from None

    async def _take(self, key: UUID) -> None:
        turns = self._turns.setdefault(key, _Turns())
        turns.users += 1
        try:
            await turns.lock.acquire()
        except BaseException:
            self._leave(key)
            raise

    def _leave(self, key: UUID) -> None:
        turns = self._turns[key]
        turns.users -= 1
        if turns.users == 0:
            del self._turns[key]
