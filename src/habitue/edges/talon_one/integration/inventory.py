"""The inventory: what a customer has, block by block (contracts/talon_one/SEMANTICS.md 6.4, 11.4).

Each block has one reader, and is there only where its flag asks for it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.achievements import DefinedProgressOut, defined_progress_out
from habitue.edges.talon_one.cards import LoyaltyCardOut, card_with_ledgers
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.giveaways import GiveawayOut, giveaway_out
from habitue.edges.talon_one.integration.answers import CustomerProfileOut, profile_seen
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.integration.state import (
    IntegrationCouponOut,
    integration_coupon_out,
)
from habitue.edges.talon_one.loyalty_ledgers import ProgramLedgersOut, program_ledgers_out
from habitue.edges.talon_one.referral_wire import InventoryReferralOut, inventory_referral_out
from habitue.promotions.coupon_state import CouponState
from habitue.promotions.program import Program
from habitue.usecases.list_profiles import ProfileReading
from habitue.usecases.read_achievements import standings_of
from habitue.usecases.read_inventory import (
    read_cards,
    read_coupons,
    read_giveaways,
    read_loyalty,
    read_owner,
    read_referrals,
)
from habitue.usecases.shop import Shop


class InventoryQuery(msgspec.Struct):
    """Which blocks are wanted."""

    profile: bool = False
    coupons: bool = False
    loyalty: bool = False
    referrals: bool = False
    giveaways: bool = False
    achievements: bool = False


class InventoryCouponOut(IntegrationCouponOut, rename="camel", kw_only=True):
    """A coupon with what it is to this customer."""

    state: CouponState


class InventoryLoyaltyOut(msgspec.Struct, omit_defaults=True):
    """Points by the id of their program, and the cards that the customer is linked to."""

    programs: dict[str, ProgramLedgersOut]
    cards: list[LoyaltyCardOut] | None = None


class InventoryOut(msgspec.Struct, omit_defaults=True):
    """The blocks that were asked for."""

    profile: CustomerProfileOut | None = None
    loyalty: InventoryLoyaltyOut | None = None
    coupons: list[InventoryCouponOut] | None = None
    referrals: list[InventoryReferralOut] | None = None
    giveaways: list[GiveawayOut] | None = None
    achievements: list[DefinedProgressOut] | None = None


class Holding(NamedTuple):
    """Whose inventory is read, in which application, when."""

    shop: Shop
    program: Program
    owner: ProfileReading
    now: datetime


async def get_inventory(call: Call[Principal, InventoryQuery, None]) -> Answer:
    shop = call.services.shop
    await shop.refresh()
    program = shop.program(call.principal.application_id)
    profile_id = integration_id(call, "integrationId")
    owner = await read_owner(shop, program, profile_id, call.now)
    holding = Holding(shop, program, owner, call.now)
    blocks = {
        name: await read(holding) for name, read in _BLOCKS.items() if getattr(call.query, name)
    }
    return Answer(200, InventoryOut(**blocks))


async def _profile(holding: Holding) -> CustomerProfileOut:
    owner = holding.owner
    return profile_seen(owner.customer, owner.profile_id, owner.audiences, holding.program)


async def _coupons(holding: Holding) -> list[InventoryCouponOut]:
    shop, program, owner, now = holding
    return [
        InventoryCouponOut(
            **msgspec.structs.asdict(integration_coupon_out(each.coupon, each.redemptions)),
            state=each.state,
        )
        for each in await read_coupons(shop, program, owner.customer.id, now)
    ]


async def _loyalty(holding: Holding) -> InventoryLoyaltyOut:
    shop, program, owner, now = holding
    programs = await read_loyalty(shop, program, owner.customer.id, now)
    cards = await read_cards(shop, program, owner.customer.id)
    return InventoryLoyaltyOut(
        {str(each.program.id): program_ledgers_out(each) for each in programs},
        [await card_with_ledgers(shop, of, card, now) for of, card in cards] or None,
    )


async def _achievements(holding: Holding) -> list[DefinedProgressOut]:
    shop, program, owner, now = holding
    found = await standings_of(shop, program, owner.customer.id, now)
    return [defined_progress_out(each, now) for each in found]


async def _referrals(holding: Holding) -> list[InventoryReferralOut]:
    shop, program, owner, _ = holding
    return [
        inventory_referral_out(referral, friends)
        for referral, friends in await read_referrals(shop, program, owner.customer.id)
    ]


async def _giveaways(holding: Holding) -> list[GiveawayOut]:
    rows = await read_giveaways(holding.shop, holding.owner.customer.id)
    return list(map(giveaway_out, rows))


_BLOCKS: Mapping[str, Callable[[Holding], Awaitable[Any]]] = {
    "profile": _profile,
    "coupons": _coupons,
    "loyalty": _loyalty,
    "referrals": _referrals,
    "giveaways": _giveaways,
    "achievements": _achievements,
}


def inventory_operations() -> list[Operation]:
    """The one operation of this module."""
    return [
        Operation(
            id="getCustomerInventory",
            method="GET",
            path="/v1/customer_profiles/{integrationId}/inventory",
            handler=get_inventory,
            door=INTEGRATION,
            group="Customer profiles",
            summary="Read what a customer has",
            description="Each flag adds its block: profile, coupons, loyalty, referrals, giveaways,"
            " achievements. Without flags the answer is empty.",
            query=InventoryQuery,
            responses={200: InventoryOut},
        )
    ]
