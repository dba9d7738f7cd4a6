"""Waiting for one's turn: requests that write the same thing follow one another in this process.

The database would sort them out too, but each would hold a connection while it waits. Requests in
other processes are not seen here; they are met by the guards and row locks of the store.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from habitue.model.errors import Conflict


class TurnQueue:
    """One queue per key, first come, first served; several keys are taken in sorted order.

    A key that is held has an entry, with those who wait for it; a free key has none.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, keys: Iterable[UUID], busy: type[Conflict]) -> AsyncIterator[None]:
        """Holds all `keys`. Raises `busy` when that takes longer than the bounded wait."""
        wanted = sorted(set(keys))
        held: list[UUID] = []
        try:
            if not self._take_free(wanted, held):
                await self._take_in_turn(wanted, held, busy)
            yield
        finally:
            for key in held:
                self._pass_on(key)

    def _take_free(self, keys: list[UUID], held: list[UUID]) -> bool:
        """Takes all keys if none is held: the usual case, without waiting."""
        waiting = self._waiting
        if any(key in waiting for key in keys):
            return False
        for key in keys:
            waiting[key] = deque()
            held.append(key)
        return True

    async def _take_in_turn(self, keys: list[UUID], held: list[UUID], busy: type[Conflict]) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                for key in keys:
                    await self._take(key)
                    held.append(key)
        except TimeoutError:
            raise busy from None

    async def _take(self, key: UUID) -> None:
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(key)
            raise

    def _pass_on(self, key: UUID) -> None:
        """The key goes to the first who still waits for it, or becomes free."""
        queue = self._waiting[key]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
