"""A database inside a transaction: what is committed there is committed with it, or not at all.

Use cases each commit their own writes. Where several of them, or one and what is noted beside it,
must be stored together, they are handed an `EnclosedDatabase`: each statement and each transaction
of theirs is a savepoint of the enclosing one. So a guard that fails undoes what it guards and
nothing else, and a use case may load and decide again as it always does.

One statement at a time; what is locked stays locked until the enclosing transaction ends.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from habitue.store.database import Database, Row, Transaction
from habitue.store.failures import StartFailure
from habitue.store.pool import Pool
from habitue.store.statements import Begins, Joint


class EnclosedDatabase(Database):
    """The database as seen inside `transaction`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @property
    def pool(self) -> Pool:
        """There is none: raises `StartFailure`."""
        raise StartFailure("A database inside a transaction has one connection and no pool")

    async def fetch(self, query: str, *arguments: object) -> list[Row]:
        async with self.transaction() as savepoint:
            return await savepoint.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> Row | None:
        async with self.transaction() as savepoint:
            return await savepoint.fetchrow(query, *arguments)

    async def fetch_together(
        self,
        query: str,
        *arguments: object,
        begins: Begins | None = None,
        joint: Joint | None = None,
        kin: str = "",
        order: int = 0,
        claims: Sequence[int] = (),
    ) -> list[Row]:
        return await self.fetch(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        async with self.transaction() as savepoint:
            return await savepoint.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: object) -> str:
        async with self.transaction() as savepoint:
            return await savepoint.execute(query, *arguments)

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        async with self.transaction() as savepoint:
            await savepoint.executemany(query, rows)

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> None:
        async with self.transaction() as savepoint:
            await savepoint.copy_records_to_table(table, records=records, columns=columns)

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Transaction]:
        """A savepoint: undone if the block raises. `snapshot` is what the enclosing one is."""
        await self._transaction.execute("SAVEPOINT enclosed")
        try:
            yield self._transaction
        except BaseException:
            await self._transaction.execute("ROLLBACK TO SAVEPOINT enclosed")
            await self._transaction.execute("RELEASE SAVEPOINT enclosed")
            raise
        await self._transaction.execute("RELEASE SAVEPOINT enclosed")
