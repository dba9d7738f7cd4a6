"""Profiles that come to be because something is given to them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from habitue.customers.claims import STORE_SIDE_ID
from habitue.store import customers
from habitue.store.customers import ProfileQuery, ProfileWrite
from habitue.store.database import Connection


async def create_profiles(connection: Connection, keys: Mapping[str, UUID], now: datetime) -> None:
    """Every profile of those ids, with its claim, exists from now on.

    Raises `GuardFailed` where another request makes one of them at the same moment.
    """
    names = list(keys)
    rows = await customers.load(connection, ProfileQuery([keys[each] for each in names], None, now))
    writes = [
        ProfileWrite(
            customer_id=row.customer_id,
            customer_version=0,
            attributes=b"{}",
            profile_key=keys[name],
            profile_kind=STORE_SIDE_ID,
            profile_id=name,
            now=now,
            last_activity=None,
        )
        for name, row in zip(names, rows, strict=True)
        if row.customer is None
    ]
    if writes:
        await customers.save(connection, writes)
