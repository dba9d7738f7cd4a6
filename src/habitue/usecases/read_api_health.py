"""How the requests of an application's systems have fared in the last minutes."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from habitue.store.api_health import request_counts
from habitue.usecases.shop import Shop

Health = Literal["OK", "WARNING", "ERROR", "CRITICAL", "NONE"]
#: contracts: what happened within five minutes counts.
WINDOW = timedelta(minutes=5)


class ApiHealth(msgspec.Struct, frozen=True):
    """The verdict, and when the last request came; None where none ever did."""

    summary: Health
    last_used: datetime | None


async def read_api_health(shop: Shop, application_id: int, now: datetime) -> ApiHealth:
    """The health of that application's connection. Raises `NotFound`."""
    shop.configuration.application(application_id)
    counts = await request_counts(shop.database, application_id, now - WINDOW)
    return ApiHealth(verdict(counts.succeeded, counts.failed), counts.last)


def verdict(succeeded: int, failed: int) -> Health:
    """The one word for so many requests."""
    if not failed:
        return "OK" if succeeded else "NONE"
    if not succeeded:
        return "CRITICAL"
    return "ERROR" if failed > succeeded else "WARNING"
