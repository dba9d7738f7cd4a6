"""Connections that are kept open and lent out, without a word to the server in between.

A statement on a lent connection costs its own round trip and nothing more: connections are not
reset when they come back, so whoever borrows one leaves no session state behind (no SET without
LOCAL, no LISTEN, no session lock). One that is broken, or comes back inside a transaction, is
thrown away and replaced when it is needed, which is how the pool recovers from a server that was
gone.

Invariant: lent + idle + being opened <= `size_max`. Those who wait are served in their order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from habitue.model.errors import StoreUnavailable

if TYPE_CHECKING:
    DriverConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    DriverConnection = asyncpg.Connection
Connect: TypeAlias = Callable[[], Awaitable[DriverConnection]]
_Waiter: TypeAlias = "asyncio.Future[DriverConnection | None]"

_CLOSE_SECONDS = 5.0


class Pool:
    """Lends at most `size_max` connections, opened by `connect` when they are first needed.

    Whoever has waited for `patience_seconds` in vain gets `StoreUnavailable`.
    """

    def __init__(self, connect: Connect, size_max: int, patience_seconds: float) -> None:
        self._connect = connect
        self._size_max = size_max
        self._patience_seconds = patience_seconds
        self._size = 0
        self._idle: list[DriverConnection] = []
        self._waiting: deque[tuple[_Waiter, float]] = deque()
        self._patience_ends: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """How many connections are open, or being opened."""
        return self._size

    @property
    def idle(self) -> int:
        """How many connections wait to be lent."""
        return len(self._idle)

    def take(self) -> DriverConnection | None:
        """An idle connection, the one used last, if there is any."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._forget(connection)
        return None

    async def wait(self) -> DriverConnection:
        """A connection, opened or waited for; call it when `take` had none."""
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        while not self._closed:
            connection = self.take()
            if connection is None:
                has_room = self._size < self._size_max
                connection = await (self._open(deadline) if has_room else self._returned(deadline))
            if connection is not None:
                return connection
        raise StoreUnavailable

    def give_back(self, connection: DriverConnection) -> None:
        """End a loan. A connection that is broken or inside a transaction is thrown away."""
        if self._closed or connection.is_closed() or connection.is_in_transaction():
            self._forget(connection)
        elif not self._hand_over(connection):
            self._idle.append(connection)

    async def close(self) -> None:
        """Close what is idle; what is still lent is closed when it comes back."""
        self._closed = True
        while self._hand_over(None):
            pass
        idle, self._idle = self._idle, []
        self._size -= len(idle)
        await asyncio.gather(*(close_quietly(connection) for connection in idle))

    async def _open(self, deadline: float) -> DriverConnection:
        self._size += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await self._connect()
        except BaseException as error:
            self._size -= 1
            self._hand_over(None)
            if isinstance(error, TimeoutError):
                raise StoreUnavailable from None
            raise

    async def _returned(self, deadline: float) -> DriverConnection | None:
        """The next connection that comes back, or None when there is room to open one."""
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._waiting.append((waiter, deadline))
        if self._patience_ends is None:
            self._patience_ends = loop.call_at(deadline, self._end_patience, loop)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._pass_on(waiter)
            raise

    def _end_patience(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all who wait, as they are served in the order in which they came."""
        self._patience_ends = None
        while self._waiting:
            waiter, deadline = self._waiting[0]
            if not waiter.done() and deadline > loop.time():
                self._patience_ends = loop.call_at(deadline, self._end_patience, loop)
                return
            self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(StoreUnavailable())

    def _pass_on(self, waiter: _Waiter) -> None:
        """What a waiter got in the moment in which it was cancelled goes to the next one."""
        if waiter.cancelled() or not waiter.done() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is None:
            self._hand_over(None)
        else:
            self.give_back(connection)

    def _hand_over(self, connection: DriverConnection | None) -> bool:
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _forget(self, connection: DriverConnection) -> None:
        if not connection.is_closed():
            connection.terminate()
        self._size -= 1
        self._hand_over(None)


async def close_quietly(connection: DriverConnection) -> None:
    """Close a connection, whatever state it is in."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
