"""Carrying out a plan: everything but customers in one transaction, then the customers.

The plan is made twice: once to see how many ids it takes, and then with these ids. Where the
configuration or a coupon has moved meanwhile, it is made again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from habitue.customers.claims import profile_key
from habitue.model.attributes import Attributes, normalised
from habitue.model.documents import decode_untyped, encode
from habitue.model.limits import PROFILES_PER_REQUEST_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide_profile import ProfileCommand
from habitue.store import customers
from habitue.store.configuration import Kind, new_ids
from habitue.store.coupon_filters import CouponFilter
from habitue.store.coupons import (
    CouponWrite,
    find_coupons,
    hold_campaign,
    insert_coupons,
    update_coupons,
)
from habitue.store.customers import ProfileQuery
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.usecases.apply.decide import Stored, application_named, make_plan
from habitue.usecases.apply.plan import Plan
from habitue.usecases.apply.wanted import WantedApplication, WantedCustomer, WantedShop
from habitue.usecases.configure.coupons import read_coupon, shared_by
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.writing import Reply


async def apply(shop: Shop, wanted: WantedShop, now: datetime, *, dry_run: bool) -> Plan:
    """Makes the shop what is wanted, and tells what that took; with `dry_run` only tells.

    Raises `InvalidInput` with everything that is wrong, with nothing stored.
    """

    async def decide(configuration: Configuration) -> Decision[Plan]:
        stored = await _stored(shop, configuration, wanted, now)
        counting = _CountedIds()
        plan = make_plan(configuration, wanted, stored, counting.take, now)
        if dry_run or not plan.writes:
            return Decision(plan)
        ids = await _reserved(shop, counting.taken)
        plan = make_plan(configuration, wanted, stored, ids.take, now)

        async def write_coupons(connection: Connection) -> None:
            await _write_coupons(connection, plan, now)

        return Decision(plan, plan.changes, write_coupons)

    plan = await settle(shop, decide)
    if not dry_run:
        await _store_customers(shop, plan, now)
    return plan


class _CountedIds:
    """Ids that stand for ids to come, and how many of each kind were taken."""

    def __init__(self) -> None:
        self.taken: Counter[Kind] = Counter()

    def take(self, kind: Kind) -> int:
        self.taken[kind] += 1
        return -self.taken[kind]


class _ReservedIds:
    """Ids that were reserved, handed out in order."""

    def __init__(self) -> None:
        self.ids: dict[Kind, Iterator[int]] = {}

    def take(self, kind: Kind) -> int:
        return next(self.ids[kind])


async def _reserved(shop: Shop, counts: Counter[Kind]) -> _ReservedIds:
    reserved = _ReservedIds()
    for kind, count in counts.items():
        reserved.ids[kind] = iter(await new_ids(shop.database, kind, count))
    return reserved


async def _stored(
    shop: Shop, configuration: Configuration, wanted: WantedShop, now: datetime
) -> Stored:
    coupons: dict[tuple[int, str], Coupon] = {}
    for application in wanted.applications:
        for coupon in await _stored_coupons(shop, configuration, application, now):
            coupons[coupon.application_id, coupon.code] = coupon
    return Stored(coupons, await _stored_customers(shop, wanted.customers, now))


async def _stored_coupons(
    shop: Shop, configuration: Configuration, wanted: WantedApplication, now: datetime
) -> list[Coupon]:
    application = application_named(configuration, wanted.name)
    codes = [coupon.code for campaign in wanted.campaigns for coupon in campaign.coupons]
    if application is None or not codes:
        return []
    spelled = tuple(map(application.code, codes))
    asked = CouponFilter(application_id=application.id, now=now, codes=spelled)
    documents = await find_coupons(shop.database, asked, "id", 0, len(codes))
    return list(map(read_coupon, documents))


async def _stored_customers(
    shop: Shop, wanted: Sequence[WantedCustomer], now: datetime
) -> dict[str, Attributes]:
    if not wanted:
        return {}
    keys = [profile_key(each.integration_id, sandbox=False) for each in wanted]
    rows = await customers.load(shop.database, ProfileQuery(keys, None, now))
    return {
        each.integration_id: normalised(decode_untyped(row.customer.attributes))
        for each, row in zip(wanted, rows, strict=True)
        if row.customer is not None
    }


async def _write_coupons(connection: Connection, plan: Plan, now: datetime) -> None:
    if not plan.changes:  # otherwise the version guards the campaigns too
        for campaign_id in sorted({coupon.campaign_id for coupon in plan.new_coupons}):
            if not await hold_campaign(connection, campaign_id):
                raise GuardFailed("campaign")
    for coupon in plan.new_coupons:
        code = (coupon.code, coupon.recipient_integration_id)
        if not await insert_coupons(connection, shared_by(coupon), [code]):
            raise GuardFailed("coupon")
    for coupon in plan.changed_coupons:
        wanted = CouponFilter(application_id=coupon.application_id, now=now, coupon_id=coupon.id)
        if not await update_coupons(connection, wanted, _write_of(coupon)):
            raise GuardFailed("coupon")


def _write_of(coupon: Coupon) -> CouponWrite:
    return CouponWrite(
        start_date=coupon.start_date,
        expiry_date=coupon.expiry_date,
        usage_limit=coupon.usage_limit,
        limits=encode(coupon.limits),
        attributes=encode(coupon.attributes),
        recipient_integration_id=coupon.recipient_integration_id,
        discount_limit=coupon.discount_limit,
        reservation_limit=coupon.reservation_limit,
        is_reservation_mandatory=coupon.is_reservation_mandatory,
        implicitly_reserved=coupon.implicitly_reserved,
    )


async def _store_customers(shop: Shop, plan: Plan, now: datetime) -> None:
    commands = [ProfileCommand(each.integration_id, each.attributes) for each in plan.customers]
    for start in range(0, len(commands), PROFILES_PER_REQUEST_MAX):
        part = commands[start : start + PROFILES_PER_REQUEST_MAX]
        application_id = plan.profile_application_id
        await update_profiles(shop, application_id, part, now, lambda _, __: Reply(204, b""))
