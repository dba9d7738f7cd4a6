"""The log of what an application's systems asked for: noted in memory, written beside requests.

A request only leaves its row here. Some rows wait at most, and what does not find room is counted
and forgotten: no request is ever slower, or fails, because of the log. What a process has not yet
written is lost with it.
"""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

import structlog

from habitue.model.errors import Fault, InvalidInput
from habitue.store import access_log
from habitue.store.access_log import AccessPage, AccessRow, InvalidPattern
from habitue.store.database import Database

#: Which requests are noted: none, those that were refused or failed, or all of them.
Noted = Literal["none", "errors", "all"]

#: So many bytes of rows wait to be written, in one process.
WAITING_BYTES_MAX = 16 * 1024 * 1024
#: So many rows are written at once.
BATCH = 1_000
#: What is kept of a request and of an answer, in bytes each.
KEPT_BYTES_MAX = 10_000
#: How long the log is kept.
KEPT_DAYS = 3


class AccessLog:
    """What one process has to write of the log."""

    def __init__(self, noted: Noted) -> None:
        self._least_status = {"none": 1_000, "errors": 400, "all": 0}[noted]
        self._waiting: deque[AccessRow] = deque()
        self._bytes = 0
        self._forgotten = 0
        self._writing = asyncio.Lock()

    def notes(self, status: int) -> bool:
        """Whether requests with that answer are noted."""
        return status >= self._least_status

    def add(self, row: AccessRow) -> None:
        """Leaves a row to be written, where there is room."""
        if self._bytes < WAITING_BYTES_MAX:
            self._waiting.append(row)
            self._bytes += _size(row)
        else:
            self._forgotten += 1

    async def write(self, database: Database) -> int:
        """Writes what waits; how many rows that were. Rows that cannot be written wait on, and of
        two callers one waits for the other.

        Raises what the database does.
        """
        async with self._writing:
            return await self._write(database)

    async def _write(self, database: Database) -> int:
        count = 0
        while self._waiting:
            batch = list(islice(self._waiting, BATCH))
            await access_log.add(database, batch)
            for row in batch:
                self._waiting.popleft()
                self._bytes -= _size(row)
            count += len(batch)
        if self._forgotten:
            structlog.get_logger("habitue.access_log").warning("full", forgotten=self._forgotten)
            self._forgotten = 0
        return count


def _size(row: AccessRow) -> int:
    """About what a row takes of memory."""
    return 500 + len(row.uri) + len(row.request) + len(row.response)


async def read_access_log(
    database: Database, wanted: AccessPage, *, newest_first: bool
) -> tuple[list[AccessRow], bool]:
    """The requests of one page, and whether there are more. Raises `InvalidInput`."""
    try:
        rows = await access_log.page(database, wanted, newest_first=newest_first)
    except InvalidPattern:
        details = "this is no regular expression"
        raise InvalidInput(Fault("", "Invalid", details, parameter="path")) from None
    return rows[: wanted.limit], len(rows) > wanted.limit


async def purge_access_log(database: Database, now: datetime) -> None:
    """Forgets what was asked for long ago."""
    await access_log.purge(database, now - timedelta(days=KEPT_DAYS))
