"""Rows of stocks: the regions that the product feed names."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from habitue.store.database import Connection


class StockRow(msgspec.Struct, frozen=True):
    """A region of the feed; `kind` is `stock` or `location`."""

    id: str
    name: str
    kind: str


_KNOWN = "SELECT id FROM stock WHERE id = ANY ($1::text[])"

_SAVE = """
INSERT INTO stock (id, name, kind, imported) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind,
    imported = excluded.imported
"""

_DROP = "DELETE FROM stock WHERE imported < $1"


async def known(connection: Connection, ids: Sequence[str]) -> frozenset[str]:
    """Which of the ids the feed names."""
    return frozenset(row["id"] for row in await connection.fetch(_KNOWN, ids))


async def replace_all(connection: Connection, rows: Iterable[StockRow], now: datetime) -> int:
    """The stocks are these from now on; how many others are gone. Needs a transaction."""
    await connection.executemany(_SAVE, ((each.id, each.name, each.kind, now) for each in rows))
    answer = await connection.execute(_DROP, now)
    return int(answer.rpartition(" ")[2])
