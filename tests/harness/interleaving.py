"""A database in which something happens at a chosen point of a use case, every time or once.

A *mark* is a piece of the text of a statement; what is to happen, happens just before a statement
with that mark is sent: between `load` and `save`, where another process may be faster.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from habitue.store.database import Database

Event = Callable[[], Awaitable[object]]


class _Marked:
    """A connection that lets the event happen before the marked statement."""

    def __init__(self, connection: Any, mark: str, event: Event) -> None:
        self._connection = connection
        self._mark = mark
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        if self._mark in query:
            await self._event()
        return await self._connection.fetchval(query, *arguments)

    async def fetch_together(self, query: str, *arguments: object, **options: Any) -> list[Any]:
        if self._mark in query:
            await self._event()
        rows: list[Any] = await self._connection.fetch_together(query, *arguments, **options)
        return rows


class _MarkedDatabase(_Marked):
    """A marked database, whose transactions are marked too."""

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[_Marked]:
        async with self._connection.transaction(**options) as transaction:
            yield _Marked(transaction, self._mark, self._event)


def interleaved(database: Database, event: Event, *, mark: str = "save_session") -> Database:
    """`database`, in which the event happens before every marked statement."""
    return cast(Database, _MarkedDatabase(database, mark, event))


def once(event: Event) -> Event:
    """The event, the first time only."""
    happened: list[bool] = []

    async def first_time() -> None:
        if not happened:
            happened.append(True)
            await event()

    return first_time
