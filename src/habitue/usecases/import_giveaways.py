"""Codes of a giveaway pool out of a file: each row is one code, and equal ones are codes apart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from habitue.model.attributes import normalised
from habitue.model.documents import encode
from habitue.model.errors import Fault
from habitue.promotions.giveaways import GiveawayPool
from habitue.store.database import Connection
from habitue.store.giveaways import NewGiveaway, insert_giveaways
from habitue.usecases.run_import import BatchPlace


class GiveawayFileLine(msgspec.Struct, frozen=True):
    """A code that is to be given away; without dates it is valid at any time."""

    line: int
    code: str
    start_date: datetime | None
    end_date: datetime | None
    attributes: Mapping[str, Any]


class GiveawayImporter:
    """Adds codes to a pool."""

    def __init__(self, pool: GiveawayPool) -> None:
        self._pool = pool

    async def check(
        self, connection: Connection, rows: Sequence[GiveawayFileLine]
    ) -> Sequence[Fault]:
        """A code ends after it has begun."""
        return [
            Fault("", "Invalid period", "enddate: a code ends after it has begun", line=row.line)
            for row in rows
            if row.start_date and row.end_date and row.end_date <= row.start_date
        ]

    async def apply(
        self, connection: Connection, rows: Sequence[GiveawayFileLine], place: BatchPlace
    ) -> None:
        """Adds the codes of some lines."""
        await insert_giveaways(
            connection,
            [
                NewGiveaway(
                    self._pool.id,
                    row.code,
                    row.start_date,
                    row.end_date,
                    encode(normalised(dict(row.attributes))).decode(),
                    place.import_id,
                    place.started,
                )
                for row in rows
            ],
        )
