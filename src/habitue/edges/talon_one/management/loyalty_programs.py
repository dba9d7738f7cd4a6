"""Loyalty programs on the wire.

`pointsScale`, `pointsRounding` and `tiersExpirationAttribute` are ours: the published description
knows the policies that need them, and no field for them.
"""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Number
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    CodeSettingsIn,
    Id,
    Instant,
    ManagementCall,
    managed,
)
from habitue.loyalty.program import (
    CardCodes,
    DowngradePolicy,
    JoinPolicy,
    LoyaltyProgram,
    PointsRounding,
    ReturnPolicy,
    Tier,
    TierExpiration,
)
from habitue.model.numbers import shortest
from habitue.usecases.change_points import loyalty_program
from habitue.usecases.configure.loyalty_programs import (
    LoyaltyProgramFields,
    TierWish,
    create_loyalty_program,
    update_loyalty_program,
)

CardLimit = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class TierIn(msgspec.Struct, rename="camel"):
    """A tier as it is sent."""

    name: str
    min_points: Number


class LoyaltyProgramIn(msgspec.Struct, rename="camel"):
    """A program as it is sent."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    timezone: str | UnsetType = UNSET
    card_based: bool | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET
    subscribed_applications: tuple[Id, ...] | UnsetType | None = UNSET
    allow_subledger: bool | UnsetType | None = UNSET
    users_per_card_limit: CardLimit | UnsetType | None = UNSET
    default_validity: str | UnsetType | None = UNSET
    default_pending: str | UnsetType | None = UNSET
    program_join_policy: JoinPolicy | UnsetType | None = UNSET
    tiers: tuple[TierIn, ...] | UnsetType | None = UNSET
    tiers_expiration_policy: TierExpiration | UnsetType | None = UNSET
    tier_cycle_start_date: Instant | UnsetType | None = UNSET
    tiers_expiration_attribute: str | UnsetType | None = UNSET
    tiers_expire_in: str | UnsetType | None = UNSET
    tiers_downgrade_policy: DowngradePolicy | UnsetType | None = UNSET
    card_code_settings: CodeSettingsIn | UnsetType | None = UNSET
    return_policy: ReturnPolicy | UnsetType | None = UNSET
    points_scale: Annotated[int, Meta(ge=0, le=12)] | UnsetType | None = UNSET
    points_rounding: PointsRounding | UnsetType | None = UNSET
    points_to_currency_ratio: Number | UnsetType | None = UNSET


class TierOut(
    msgspec.Struct,
    rename={
        "program_id": "programID",
        "program_name": "programName",
        "program_title": "programTitle",
        "min_points": "minPoints",
    },
):
    """A tier as it is answered."""

    id: int
    created: datetime
    program_id: int
    program_name: str
    program_title: str
    name: str
    min_points: Decimal


class LoyaltyProgramOut(msgspec.Struct, omit_defaults=True, kw_only=True, rename="camel"):
    """A program as it is answered."""

    id: int
    created: datetime
    account_id: int = msgspec.field(name="accountID")
    name: str
    title: str
    description: str
    subscribed_applications: list[int]
    default_validity: str
    default_pending: str
    allow_subledger: bool
    sandbox: bool
    timezone: str
    card_based: bool
    program_join_policy: JoinPolicy
    return_policy: ReturnPolicy
    tiers: list[TierOut]
    points_scale: int
    points_rounding: PointsRounding
    points_to_currency_ratio: Decimal
    can_update_tiers: bool
    can_update_tier_expiration_policy: bool
    can_upgrade_to_advanced_tiers: bool
    can_update_subledgers: bool
    users_per_card_limit: int | None = None
    tiers_expiration_policy: TierExpiration | None = None
    tier_cycle_start_date: datetime | None = None
    tiers_expiration_attribute: str | None = None
    tiers_expire_in: str | None = None
    tiers_downgrade_policy: DowngradePolicy | None = None
    card_code_settings: CodeSettingsIn | None = None


async def get_loyalty_programs(call: ManagementCall[None, None]) -> Answer:
    programs = call.services.shop.configuration.loyalty_programs.values()
    listed = sorted(programs, key=lambda each: each.id)
    return Answer(200, Page(len(listed), [loyalty_program_out(each) for each in listed]))


async def get_loyalty_program(call: ManagementCall[None, None]) -> Answer:
    program = loyalty_program(call.services.shop, call.integer("loyaltyProgramId"))
    return Answer(200, loyalty_program_out(program))


async def post_loyalty_program(call: ManagementCall[None, LoyaltyProgramIn]) -> Answer:
    fields = loyalty_program_fields(call.body)
    program = await create_loyalty_program(call.services.shop, fields, call.now)
    return Answer(201, loyalty_program_out(program))


async def put_loyalty_program(call: ManagementCall[None, LoyaltyProgramIn]) -> Answer:
    id_, fields = call.integer("loyaltyProgramId"), loyalty_program_fields(call.body)
    program = await update_loyalty_program(call.services.shop, id_, fields, call.now)
    return Answer(200, loyalty_program_out(program))


def loyalty_program_fields(body: LoyaltyProgramIn) -> LoyaltyProgramFields:
    """What a body says about a program."""
    instead: dict[str, Any] = {
        "subscribed_application_ids": body.subscribed_applications,
        "users_per_card": body.users_per_card_limit,
        "join_policy": body.program_join_policy,
        "tiers_expiration": body.tiers_expiration_policy,
        "tier_cycle_start": body.tier_cycle_start_date,
        "tier_attribute": body.tiers_expiration_attribute,
        "tiers_downgrade": body.tiers_downgrade_policy,
        "card_codes": body.card_code_settings,
        "tiers": body.tiers,
    }
    settings = body.card_code_settings
    if isinstance(settings, CodeSettingsIn):
        instead["card_codes"] = CardCodes(settings.valid_characters, settings.coupon_pattern)
    if isinstance(body.tiers, tuple):
        instead["tiers"] = tuple(TierWish(each.name, each.min_points) for each in body.tiers)
    named = {name: getattr(body, name, UNSET) for name in LoyaltyProgramFields.__struct_fields__}
    return LoyaltyProgramFields(**{**named, **instead})


def loyalty_program_out(program: LoyaltyProgram) -> LoyaltyProgramOut:
    """The program in the protocol's words."""
    codes = program.card_codes
    return LoyaltyProgramOut(
        id=program.id,
        created=program.created,
        account_id=ACCOUNT_ID,
        name=program.name,
        title=program.title,
        description=program.description,
        subscribed_applications=list(program.subscribed_application_ids),
        default_validity=program.default_validity,
        default_pending=program.default_pending,
        allow_subledger=program.allow_subledger,
        sandbox=program.sandbox,
        timezone=program.timezone,
        card_based=program.card_based,
        program_join_policy=program.join_policy,
        return_policy=program.return_policy,
        tiers=[_tier_out(tier, program) for tier in reversed(program.tiers)],
        points_scale=program.points_scale,
        points_rounding=program.points_rounding,
        points_to_currency_ratio=shortest(program.points_to_currency_ratio),
        can_update_tiers=True,
        can_update_tier_expiration_policy=True,
        can_upgrade_to_advanced_tiers=program.tiers_expiration is None,
        can_update_subledgers=True,
        users_per_card_limit=program.users_per_card if program.card_based else None,
        tiers_expiration_policy=program.tiers_expiration,
        tier_cycle_start_date=program.tier_cycle_start,
        tiers_expiration_attribute=program.tier_attribute or None,
        tiers_expire_in=program.tiers_expire_in,
        tiers_downgrade_policy=program.tiers_downgrade,
        card_code_settings=None
        if codes is None
        else CodeSettingsIn(codes.valid_characters, codes.pattern),
    )


def _tier_out(tier: Tier, program: LoyaltyProgram) -> TierOut:
    return TierOut(
        id=tier.id,
        created=tier.created,
        program_id=program.id,
        program_name=program.name,
        program_title=program.title,
        name=tier.name,
        min_points=shortest(tier.min_points),
    )


def operations() -> list[Operation]:
    """The operations on loyalty programs."""
    every, one = "/v1/loyalty_programs", "/v1/loyalty_programs/{loyaltyProgramId:int}"
    operation = partial(managed, group="Loyalty")
    return [
        operation(
            "getLoyaltyPrograms",
            "GET",
            every,
            get_loyalty_programs,
            "List loyalty programs",
            {200: Page[LoyaltyProgramOut]},
        ),
        operation(
            "createLoyaltyProgram",
            "POST",
            every,
            post_loyalty_program,
            "Create a loyalty program",
            {201: LoyaltyProgramOut},
            body=LoyaltyProgramIn,
        ),
        operation(
            "getLoyaltyProgram",
            "GET",
            one,
            get_loyalty_program,
            "Get a loyalty program",
            {200: LoyaltyProgramOut},
        ),
        operation(
            "updateLoyaltyProgram",
            "PUT",
            one,
            put_loyalty_program,
            "Update a loyalty program",
            {200: LoyaltyProgramOut},
            body=LoyaltyProgramIn,
            description="Name, time zone, basis and environment cannot be changed, nor can points"
            " lose decimals. What is left out keeps its value; tiers are told apart by name.",
        ),
    ]
