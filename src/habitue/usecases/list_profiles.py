"""Reading profiles for staff: one, a page of an environment, the members of an audience."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from habitue.customers.claims import profile_key
from habitue.customers.customer import Customer
from habitue.model.errors import NotFound
from habitue.store import profile_lists
from habitue.store.profile_lists import KnownAs, ListedProfile, ProfileFilter
from habitue.usecases.session_state import customer_of
from habitue.usecases.shop import Shop

#: Customers that are looked at in one round trip.
STEP = 2_000


class ProfileReading(msgspec.Struct, frozen=True):
    """One customer as a profile; `audiences` are ids."""

    customer: Customer
    profile_id: str
    audiences: frozenset[int]
    sandbox: bool


class ProfilesPage(msgspec.Struct, frozen=True):
    """One page; `total` is counted only where it is asked for."""

    profiles: list[ProfileReading]
    has_more: bool
    total: int | None = None


async def list_profiles(
    shop: Shop,
    wanted: ProfileFilter,
    now: datetime,
    *,
    sandbox: bool,
    skip: int,
    limit: int,
    counted: bool = False,
) -> ProfilesPage:
    """The profiles of an environment that are wanted, in the order of their ids."""
    ids: list[int] = []
    position = 0
    async for known in _environment(shop, wanted, sandbox=sandbox):
        if skip <= position < skip + limit:
            ids.append(known.customer_id)
        position += 1
        if position > skip + limit and not counted:
            break
    rows = await profile_lists.listed(shop.database, ids)
    return ProfilesPage(
        [reading_of(row, now, sandbox=sandbox) for row in rows],
        has_more=position > skip + limit,
        total=position if counted else None,
    )


async def read_profile(shop: Shop, customer_id: int, now: datetime) -> ProfileReading:
    """The profile of that customer, or of whom it is a part of by now. Raises `NotFound`."""
    holder = await profile_lists.holder_of(shop.database, customer_id)
    wanted = ProfileFilter(customer_ids=(holder or 0,))
    known = await profile_lists.found(shop.database, wanted, 0, 1)
    rows = await profile_lists.listed(shop.database, [each.customer_id for each in known])
    if not rows:
        raise NotFound("Customer profile", customer_id)
    return reading_of(rows[0], now, sandbox=_in_sandbox(known[0]))


async def audiences_of(shop: Shop, customer_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """The ids of the audiences that each of those customers is in."""
    rows = await profile_lists.listed(shop.database, customer_ids)
    return {row.customer.id: frozenset(row.audience_ids) for row in rows}


async def list_members(
    shop: Shop,
    audience_id: int,
    text: str | None,
    now: datetime,
    *,
    skip: int,
    limit: int,
    newest_first: bool,
) -> ProfilesPage:
    """The members of an audience. Raises `NotFound`."""
    audience = shop.configuration.audience(audience_id)
    ids = await profile_lists.members_page(
        shop.database, audience_id, text, skip, limit + 1, newest_first=newest_first
    )
    rows = await profile_lists.listed(shop.database, ids[:limit])
    ordered = rows[::-1] if newest_first else rows
    profiles = [reading_of(row, now, sandbox=audience.sandbox) for row in ordered]
    return ProfilesPage(profiles, has_more=len(ids) > limit)


async def export_members(shop: Shop, audience_id: int) -> AsyncIterator[str]:
    """The profile ids of everybody in an audience."""
    after = 0
    while page := await profile_lists.member_ids(shop.database, audience_id, after, STEP):
        for _, profile_id in page:
            yield profile_id
        after = page[-1][0]


async def _environment(
    shop: Shop, wanted: ProfileFilter, *, sandbox: bool
) -> AsyncIterator[KnownAs]:
    after = 0
    while page := await profile_lists.found(shop.database, wanted, after, STEP):
        for known in page:
            if _in_sandbox(known) == sandbox:
                yield known
        after = page[-1].customer_id


def _in_sandbox(known: KnownAs) -> bool:
    return known.claim_keys[0] == profile_key(known.profile_ids[0], sandbox=True)


def reading_of(row: ListedProfile, now: datetime, *, sandbox: bool) -> ProfileReading:
    """What was read of a customer, as a profile."""
    customer = customer_of(row.customer, row.customer.id, now)
    return ProfileReading(customer, row.profile_id, frozenset(row.audience_ids), sandbox)
