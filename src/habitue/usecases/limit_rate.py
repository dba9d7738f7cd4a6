"""Limits on how many requests a credential may send to an endpoint in a minute.

Words: an *endpoint* is a method and a path whose parameters are all written `{id}`. A *preset* is a
set of limits under the name of one of the vendor's regions (contracts/capillary/SPEC.md section
1.3); the shop chooses one and may set single limits beside it, where 0 stands for no limit.

A minute begins with a credential's first request to the endpoint, and the next one with the first
request after it. So in no such minute more than the limit is let through; around the seam of two
minutes up to twice the limit may come close together.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from habitue.customers.settings import RegistrationSettings
from habitue.model.errors import TooManyRequests
from habitue.store import rate_limits
from habitue.usecases.shop import Shop

REGISTER = "POST /v2/customers"
UPDATE = "PUT /v2/customers/{id}"

A_SECOND = timedelta(seconds=1)
#: Requests per minute by endpoint.
PRESETS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "none": {},
        "asia2_singapore": {REGISTER: 100, UPDATE: 1000},
        "asia1_n_virginia": {REGISTER: 600, UPDATE: 600},
        "emea_ireland": {REGISTER: 100, UPDATE: 50},
        "us": {},
    }
)
_NO_LIMITS: Mapping[str, int] = MappingProxyType({})


def limit_of(settings: RegistrationSettings, endpoint: str) -> int:
    """Requests per minute that the shop lets a credential send to the endpoint; 0: any number."""
    own = settings.rate_limits.get(endpoint)
    if own is not None:
        return own
    return PRESETS.get(settings.rate_limit_preset, _NO_LIMITS).get(endpoint, 0)


async def limit_rate(
    shop: Shop,
    credential_id: int,
    endpoint: str,
    limit: int,
    now: datetime,
    window: timedelta = rate_limits.WINDOW,
) -> None:
    """Counts a request. Raises `TooManyRequests`, with nothing counted, beyond the limit."""
    if await rate_limits.admit(shop.database, credential_id, endpoint, limit, now, window):
        return
    end = await rate_limits.window_end(shop.database, credential_id, endpoint, window)
    seconds = 1 if end is None else math.ceil((end - now).total_seconds())
    raise TooManyRequests(limit, max(1, seconds), "second" if window == A_SECOND else "minute")
