"""Waiting for one's turn: requests that write the same thing follow one another in this process.

The database would sort them out too, but each would hold a connection while it waits. Requests in
other processes are not seen here; they are met by the guards and row locks of the store.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from uuid import UUID

from habitue.model.errors import Conflict


class TurnQueue:
    """One queue per key, first come, first served; several keys are taken in sorted order.

    A key that is held has an entry, with those who wait for it; a free key has none. Keys are known
    by their 128 bits here, which are cheaper to compare than identifiers.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    def turn(self, keys: Iterable[UUID], busy: type[Conflict]) -> "Turn":
        """Holds all `keys` for an `async with` block.

        Entering raises `busy` when that takes longer than the bounded wait.
        """
        return Turn(self, sorted({key.int for key in keys}), busy)

    def take_free(self, keys: list[int]) -> bool:
        """Takes all keys if none is held: the usual case, without waiting."""
        waiting = self._waiting
        for key in keys:
            if key in waiting:
                return False
        for key in keys:
            waiting[key] = deque()
        return True

    async def take_in_turn(self, keys: list[int], busy: type[Conflict]) -> None:
        """Takes one key after the other, waiting for each. Raises `busy`, with no key taken."""
        held: list[int] = []
        try:
            async with asyncio.timeout(self._wait_seconds):
                for key in keys:
                    await self._take(key)
                    held.append(key)
        except BaseException as failure:
            self.release(held)
            if isinstance(failure, TimeoutError):
                raise busy from None
            raise

    def release(self, keys: list[int]) -> None:
        """Gives the keys back."""
        for key in keys:
            self._pass_on(key)

    async def _take(self, key: int) -> None:
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

    def _pass_on(self, key: int) -> None:
        """The key goes to the first who still waits for it, or becomes free."""
        queue = self._waiting[key]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]


class Turn:
    """The turn of one request, from entering to leaving."""

    __slots__ = ("_busy", "_keys", "_queue")

    def __init__(self, queue: TurnQueue, keys: list[int], busy: type[Conflict]) -> None:
        self._queue = queue
        self._keys = keys
        self._busy = busy

    async def __aenter__(self) -> None:
        if not self._queue.take_free(self._keys):
            await self._queue.take_in_turn(self._keys, self._busy)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.release(self._keys)
