"""Bounded waiting for row locks."""

from habitue.store.database import Connection

_LIMIT = "SELECT set_config('lock_timeout', $1, true)"


async def limit_waiting(connection: Connection, seconds: float) -> None:
    """From now to the end of this transaction no statement waits longer for a row than that."""
    await connection.execute(_LIMIT, f"{max(1, round(seconds * 1000))}ms")
