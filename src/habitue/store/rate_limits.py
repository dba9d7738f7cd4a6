"""Rate windows: how many requests a credential has sent to an endpoint since its window began.

Words: a *window* begins with the first request after the last one ran out. Counting and deciding
are one guarded statement on one row, so the count is exact however many processes share it.

On Citus the table stays on the coordinator: it has no owner among customers.
"""

from datetime import datetime, timedelta

from habitue.store.database import Connection

WINDOW = timedelta(minutes=1)
#: So long after its end a window is deleted: the clocks of several machines may differ by less.
KEPT = timedelta(hours=1)

_ADMIT = """
INSERT INTO rate_window AS known (credential_id, endpoint, began, requests)
VALUES ($1, $2, $3, 1)
ON CONFLICT (credential_id, endpoint) DO UPDATE SET
    began = CASE WHEN known.began <= $4 THEN excluded.began ELSE known.began END,
    requests = CASE WHEN known.began <= $4 THEN 1 ELSE known.requests + 1 END
WHERE known.began <= $4 OR known.requests < $5
RETURNING requests
"""

_BEGAN = "SELECT began FROM rate_window WHERE credential_id = $1 AND endpoint = $2"

_GIVE_BACK = """
UPDATE rate_window SET requests = requests - 1
WHERE credential_id = $1 AND endpoint = $2 AND requests > 0
"""

_PURGE = "DELETE FROM rate_window WHERE began <= $1"


async def admit(
    connection: Connection,
    credential_id: int,
    endpoint: str,
    limit: int,
    now: datetime,
    window: timedelta = WINDOW,
) -> bool:
    """Counts one request more, unless the window holds `limit` already; whether it was counted."""
    over = now - window
    counted = await connection.fetchval(_ADMIT, credential_id, endpoint, now, over, limit)
    return counted is not None


async def window_end(
    connection: Connection, credential_id: int, endpoint: str, window: timedelta = WINDOW
) -> datetime | None:
    """When the window runs out that was last counted in, if there is one."""
    began: datetime | None = await connection.fetchval(_BEGAN, credential_id, endpoint)
    return None if began is None else began + window


async def give_back(connection: Connection, credential_id: int, endpoint: str) -> None:
    """Counts one request less in the window, if there is one."""
    await connection.execute(_GIVE_BACK, credential_id, endpoint)


async def purge(connection: Connection, now: datetime) -> None:
    """Deletes the windows that ran out long ago."""
    await connection.execute(_PURGE, now - WINDOW - KEPT)
