"""Coupons in numbers that no request can wait for: made and deleted beside requests, part by part.

An order is checked as one for a few coupons is; what comes of it can be looked at while it is
carried out. A job that was cut off is gone on with by any process, and no coupon is made twice.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias

import msgspec

from habitue.model.documents import decoder_of, encode
from habitue.model.errors import Fault
from habitue.model.limits import COUPONS_PER_JOB_MAX
from habitue.promotions.codes import CodeSpace, Draw, code_space, random_codes
from habitue.promotions.coupon import Coupon
from habitue.store import coupon_jobs
from habitue.store.coupon_filters import CouponFilter
from habitue.store.coupon_jobs import CouponJobRow
from habitue.store.coupons import add_coupons, hold_campaign
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.coupon_checks import CouponOrder, order_faults
from habitue.usecases.configure.coupons import coupon_place, coupon_with, shared_by, space_of
from habitue.usecases.shop import Shop

#: Coupons of one transaction.
PART = 5_000
TAKEN = timedelta(seconds=60)
#: How often a part may yield nothing new before the pattern counts as used up.
EMPTY_PARTS_MAX = 20


Clock: TypeAlias = Callable[[], datetime]


class Creation(msgspec.Struct, frozen=True):
    """An order of coupons: what each is like but for its code, and what codes look like."""

    like: Coupon
    pattern: str
    characters: tuple[str, ...]


class Deletion(msgspec.Struct, frozen=True):
    """An order to delete."""

    wanted: CouponFilter


_CREATION = decoder_of(Creation)
_DELETION = decoder_of(Deletion)


async def order_coupons(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    order: CouponOrder,
    count: int,
    draw: Draw,
    now: datetime,
) -> CouponJobRow:
    """A job that makes so many coupons. Raises `NotFound` or `InvalidInput`."""
    place = await coupon_place(shop, application_id, campaign_id)
    space = space_of(place.application, place.campaign, order)
    refuse_if_any(order_faults(place, order, space.size))
    if not 1 <= count <= min(COUPONS_PER_JOB_MAX, space.size):
        details = f"from 1 to {min(COUPONS_PER_JOB_MAX, space.size)} coupons can be made"
        refuse_if_any([Fault("/numberOfCoupons", "Out of range", details)])
    batch_id = f"{draw(2**64):016x}"
    blank = Coupon(0, application_id, campaign_id, "", now, batch_id=batch_id)
    pattern = "#".join(space.parts)
    document = encode(Creation(coupon_with(blank, order.fields), pattern, space.characters))
    return await coupon_jobs.order(
        shop.database, "create", application_id, campaign_id, batch_id, document, count, now
    )


async def order_deletion(
    shop: Shop, application_id: int, campaign_id: int, wanted: CouponFilter, now: datetime
) -> CouponJobRow:
    """A job that deletes the coupons that fit now. Raises `NotFound`."""
    await coupon_place(shop, application_id, campaign_id)
    total = await coupon_jobs.count_coupons(shop.database, wanted)
    document = encode(Deletion(wanted))
    return await coupon_jobs.order(
        shop.database, "delete", application_id, campaign_id, "", document, total, now
    )


async def work_at_coupon_jobs(shop: Shop, draw: Draw, clock: Clock) -> int:
    """Carries out every job that is open and that nobody works at; how many there were."""
    count = 0
    while True:
        now = clock()
        job = await coupon_jobs.take(shop.database, now, now + TAKEN)
        if job is None:
            return count
        # Where somebody else has gone on with it meanwhile, it is theirs.
        with suppress(GuardFailed):
            await _carry_out(shop, job, draw, clock)
        count += 1


async def _carry_out(shop: Shop, job: CouponJobRow, draw: Draw, clock: Clock) -> None:
    empty_parts = 0
    while job.finished is None:
        before = job.done
        async with shop.database.transaction() as connection:
            job = await _part(connection, job, draw, clock(), empty_parts)
        empty_parts = 0 if job.done > before else empty_parts + 1


async def _part(
    connection: Connection, job: CouponJobRow, draw: Draw, now: datetime, empty_parts: int
) -> CouponJobRow:
    until = now + TAKEN
    if job.kind == "delete":
        wanted = _DELETION.decode(job.document).wanted
        deleted = await coupon_jobs.delete_some(connection, wanted, PART)
        finished = now if deleted < PART else None
        return await coupon_jobs.advance(connection, job, job.done + deleted, until, finished)
    if not await hold_campaign(connection, job.campaign_id):
        failure = "the campaign was deleted"
        return await coupon_jobs.advance(connection, job, job.done, until, now, failure)
    if empty_parts >= EMPTY_PARTS_MAX:
        failure = "the codes of the pattern are used up"
        return await coupon_jobs.advance(connection, job, job.done, until, now, failure)
    order = _CREATION.decode(job.document)
    space = code_space(order.pattern, order.characters, str)
    done = job.done + await _made(connection, order, space, job.total - job.done, draw)
    return await coupon_jobs.advance(
        connection, job, done, until, now if done == job.total else None
    )


async def _made(
    connection: Connection, order: Creation, space: CodeSpace, missing: int, draw: Draw
) -> int:
    codes = list(islice(random_codes(space, draw), min(missing, PART)))
    recipient = order.like.recipient_integration_id
    pairs = [(code, recipient) for code in dict.fromkeys(codes)]
    return await add_coupons(connection, shared_by(order.like), pairs)


async def read_coupon_jobs(
    shop: Shop, application_id: int, campaign_id: int, skip: int, page_size: int
) -> tuple[list[CouponJobRow], bool]:
    """A page of the jobs of a campaign, and whether there are more. Raises `NotFound`."""
    await coupon_place(shop, application_id, campaign_id)
    rows = await coupon_jobs.page(shop.database, campaign_id, skip, page_size)
    return rows[:page_size], len(rows) > page_size
