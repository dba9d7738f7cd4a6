"""What a customer has in an application, part by part: coupons, points, cards.

Every part is read by itself, and only where it is asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from habitue.customers.claims import profile_key
from habitue.loyalty.card import ProgramCard
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import NotFound
from habitue.model.limits import INVENTORY_COUPONS_MAX
from habitue.promotions.coupon import Coupon
from habitue.promotions.coupon_state import CouponState, coupon_state
from habitue.promotions.program import Program
from habitue.promotions.referral import Referral
from habitue.store import inventory, profile_lists
from habitue.store.giveaways import GiveawayRow, read_awards
from habitue.store.loyalty import PointsQuery
from habitue.store.program_cards import CardFilter
from habitue.usecases.change_program_card import find_program_cards
from habitue.usecases.configure.coupons import read_coupon
from habitue.usecases.configure.referrals import read_referral
from habitue.usecases.list_profiles import ProfileReading, reading_of
from habitue.usecases.read_points import LedgerReading, owner_of, read_balances
from habitue.usecases.shop import Shop


class CouponReading(msgspec.Struct, frozen=True):
    """A coupon, what it is to the customer, and how many of their redemptions stand."""

    coupon: Coupon
    redemptions: int
    state: CouponState


class ProgramReading(msgspec.Struct, frozen=True):
    """What a customer has in one program; `joined` is None where they never joined it."""

    program: LoyaltyProgram
    joined: datetime | None
    ledgers: Mapping[str, LedgerReading]


async def read_owner(
    shop: Shop, program: Program, profile_id: str, now: datetime
) -> ProfileReading:
    """Whose profile that is in the application's environment. Raises `NotFound`."""
    sandbox = program.application.sandbox
    key = profile_key(profile_id, sandbox=sandbox)
    customer_id = await owner_of(shop, key, profile_id)
    rows = await profile_lists.listed(shop.database, [customer_id])
    if not rows:
        raise NotFound("Customer profile", profile_id)
    return msgspec.structs.replace(reading_of(rows[0], now, sandbox=sandbox), profile_id=profile_id)


async def read_coupons(
    shop: Shop, program: Program, customer_id: int, now: datetime
) -> list[CouponReading]:
    """The coupons that are reserved for the customer, theirs alone, redeemed by them, or there for
    everybody."""
    owned = await inventory.coupons_of(
        shop.database, customer_id, program.application.id, INVENTORY_COUPONS_MAX
    )
    readings = []
    for each in owned:
        coupon = read_coupon(each.document)
        campaign = program.campaigns.get(coupon.campaign_id)
        state = coupon_state(coupon, each.redemptions, campaign, now)
        readings.append(CouponReading(coupon, each.redemptions, state))
    return readings


async def read_referrals(
    shop: Shop, program: Program, customer_id: int
) -> list[tuple[Referral, Sequence[str]]]:
    """The codes with which the customer refers others, each with whom it has brought."""
    owned = await inventory.referrals_of(
        shop.database, customer_id, program.application.id, INVENTORY_COUPONS_MAX
    )
    return [(read_referral(each.document), each.friends) for each in owned]


async def read_giveaways(shop: Shop, customer_id: int) -> list[GiveawayRow]:
    """The codes that were given to the customer."""
    return await read_awards(shop.database, customer_id)


async def read_loyalty(
    shop: Shop, program: Program, customer_id: int, now: datetime
) -> list[ProgramReading]:
    """The programs in which the customer has points or a tier, or which they have joined."""
    joined = await inventory.joined_programs(shop.database, customer_id)
    readings = []
    for each in _programs(shop, program, cards=False):
        query = PointsQuery(None, customer_id, each.id)
        _, ledgers = await read_balances(shop, query, customer_id, now, projected=False)
        if each.id in joined or any(ledger.is_used for ledger in ledgers.values()):
            readings.append(ProgramReading(each, joined.get(each.id), ledgers))
    return readings


async def read_cards(
    shop: Shop, program: Program, customer_id: int
) -> list[tuple[LoyaltyProgram, ProgramCard]]:
    """The cards of programs that the customer is linked to."""
    return [
        (each, card)
        for each in _programs(shop, program, cards=True)
        for card in await find_program_cards(
            shop, CardFilter(program_id=each.id, customer_id=customer_id)
        )
    ]


def _programs(shop: Shop, program: Program, *, cards: bool) -> list[LoyaltyProgram]:
    """The programs that the application takes part in, with cards or without."""
    application = program.application
    return [
        each
        for _, each in sorted(shop.configuration.loyalty_programs.items())
        if each.sandbox == application.sandbox
        and each.card_based == cards
        and (
            not each.subscribed_application_ids or application.id in each.subscribed_application_ids
        )
    ]
