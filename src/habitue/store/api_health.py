"""Requests of an application's systems in a time, as far as they left anything behind.

Refused and failed requests are in the log of requests, and all others where the operator has all of
them noted; where not, those that stored something are known by their events.
"""

from datetime import datetime

import msgspec

from habitue.store.database import Connection


class RequestCounts(msgspec.Struct, frozen=True):
    """How many succeeded and failed since a moment, and when the last one came, ever."""

    succeeded: int
    failed: int
    last: datetime | None


# Ids of events grow with time, so that the newest ones are at the end of the index.
_COUNTS = """
WITH logged AS (
    SELECT count(*) FILTER (WHERE status < 400) AS succeeded,
        count(*) FILTER (WHERE status >= 400) AS failed
    FROM access_log WHERE application_id = $1 AND at >= $2
), stored AS (
    SELECT created FROM session_event WHERE application_id = $1 ORDER BY id DESC LIMIT 1000
)
SELECT greatest((SELECT succeeded FROM logged),
        (SELECT count(*) FROM stored WHERE created >= $2)) AS succeeded,
    (SELECT failed FROM logged) AS failed,
    greatest((SELECT max(created) FROM stored),
        (SELECT max(at) FROM access_log WHERE application_id = $1)) AS last
"""


async def request_counts(
    connection: Connection, application_id: int, since: datetime
) -> RequestCounts:
    """The counts; of those that only left events, at most a thousand."""
    row = await connection.fetchrow(_COUNTS, application_id, since)
    assert row is not None, "the query always gives one row"
    return RequestCounts(**row)
