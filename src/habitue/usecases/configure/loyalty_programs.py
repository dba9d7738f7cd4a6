"""Loyalty programs: made and changed by staff, also while customers have points in them.

What points already mean cannot be changed under them: the name, the time zone, what the program is
based on, whether it is a sandbox, and fewer decimals. New defaults count for points that are earned
from then on; new tiers from the next change of somebody's points.

The ids of programs and of their tiers come out of one sequence.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import msgspec
from msgspec import UNSET, UnsetType

from habitue.loyalty.decide import POINTS_MAX
from habitue.loyalty.duration import parse_duration
from habitue.loyalty.program import (
    IMMEDIATE,
    ON_ACTION,
    UNLIMITED,
    CardCodes,
    DowngradePolicy,
    JoinPolicy,
    LoyaltyProgram,
    PointsRounding,
    ReturnPolicy,
    Tier,
    TierExpiration,
)
from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.instants import zone_of
from habitue.model.limits import NAME_LENGTH_MAX, POINTS_DECIMALS_MAX, TIERS_MAX
from habitue.model.numbers import is_amount
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    api_name_faults,
    application_faults,
    card_code_faults,
    description_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class TierWish(msgspec.Struct, frozen=True):
    """A tier as it is wanted; it is the one of that name, if there is one."""

    name: str
    min_points: Decimal


class LoyaltyProgramFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a program; without a title the name is shown."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    timezone: str | UnsetType = UNSET
    card_based: bool | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET
    allow_subledger: bool | UnsetType | None = UNSET
    users_per_card: int | UnsetType | None = UNSET
    default_validity: str | UnsetType | None = UNSET
    default_pending: str | UnsetType | None = UNSET
    join_policy: JoinPolicy | UnsetType | None = UNSET
    tiers: tuple[TierWish, ...] | UnsetType | None = UNSET
    tiers_expiration: TierExpiration | UnsetType | None = UNSET
    tier_cycle_start: datetime | UnsetType | None = UNSET
    tier_attribute: str | UnsetType | None = UNSET
    tiers_expire_in: str | UnsetType | None = UNSET
    tiers_downgrade: DowngradePolicy | UnsetType | None = UNSET
    card_codes: CardCodes | UnsetType | None = UNSET
    return_policy: ReturnPolicy | UnsetType | None = UNSET
    points_scale: int | UnsetType | None = UNSET
    points_rounding: PointsRounding | UnsetType | None = UNSET
    points_to_currency_ratio: Decimal | UnsetType | None = UNSET


_FIXED = {
    "name": "/name",
    "timezone": "/timezone",
    "card_based": "/cardBased",
    "sandbox": "/sandbox",
}


async def create_loyalty_program(
    shop: Shop, fields: LoyaltyProgramFields, now: datetime
) -> LoyaltyProgram:
    """The new program. Raises `InvalidInput`, or `Conflict` when the name is taken."""
    ids = await new_ids(shop.database, "loyalty_program", 1 + tier_count(fields))

    async def decide(configuration: Configuration) -> Decision[LoyaltyProgram]:
        program = new_loyalty_program(configuration, ids, fields, now)
        return Decision(program, (Change(program),))

    return await settle(shop, decide)


async def update_loyalty_program(
    shop: Shop, program_id: int, fields: LoyaltyProgramFields, now: datetime
) -> LoyaltyProgram:
    """The program as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""
    ids = await new_ids(shop.database, "loyalty_program", 1 + tier_count(fields))

    async def decide(configuration: Configuration) -> Decision[LoyaltyProgram]:
        old = configuration.loyalty_programs.get(program_id)
        if old is None:
            raise NotFound("Loyalty program", program_id)
        program = changed_loyalty_program(configuration, old, ids[1:], fields, now)
        return Decision(program, (Change(program),))

    return await settle(shop, decide)


def new_loyalty_program(
    configuration: Configuration, ids: Sequence[int], fields: LoyaltyProgramFields, now: datetime
) -> LoyaltyProgram:
    """The program that `fields` describe, under the first of `ids`, its tiers under the others.

    Raises `InvalidInput` or `Conflict`.
    """
    refuse_if_any(
        Fault(f"/{name}", "Missing", f"{name} is required")
        for name in ("name", "timezone")
        if getattr(fields, name) is UNSET
    )
    blank = LoyaltyProgram(id=ids[0], name="", created=now)
    return _checked(configuration, blank, ids[1:], fields, now)


def changed_loyalty_program(
    configuration: Configuration,
    old: LoyaltyProgram,
    tier_ids: Sequence[int],
    fields: LoyaltyProgramFields,
    now: datetime,
) -> LoyaltyProgram:
    """`old` with `fields` laid over it; new tiers take `tier_ids`.

    Raises `InvalidInput` or `Conflict`.
    """
    refuse_if_any(_fixed_faults(old, fields))
    return _checked(configuration, old, tier_ids, fields, now)


def tier_count(fields: LoyaltyProgramFields) -> int:
    """How many ids of tiers a request may take."""
    tiers = fields.tiers
    return min(len(tiers), TIERS_MAX) if isinstance(tiers, tuple) else 0


def _checked(
    configuration: Configuration,
    old: LoyaltyProgram,
    tier_ids: Sequence[int],
    fields: LoyaltyProgramFields,
    now: datetime,
) -> LoyaltyProgram:
    wishes = fields.tiers
    changes = sent(fields)
    changes.pop("tiers", None)
    program = laid_over(old, changes)
    program = msgspec.structs.replace(program, title=program.title or program.name)
    faults = list(_faults(configuration, program))
    if wishes is not UNSET:
        faults += _tier_faults(wishes or (), program)
    refuse_if_any(faults)
    if wishes is not UNSET:
        tiers = _tiers(old, wishes or (), tier_ids, now)
        program = msgspec.structs.replace(program, tiers=tiers)
    for other in configuration.loyalty_programs.values():
        if other.id != program.id and other.name == program.name:
            raise Conflict(f'A loyalty program named "{other.name}" exists')
    return program


def _tiers(
    old: LoyaltyProgram, wishes: Sequence[TierWish], ids: Sequence[int], now: datetime
) -> tuple[Tier, ...]:
    known = {tier.name: tier for tier in old.tiers}
    tiers = []
    for wish, id_ in zip(wishes, ids, strict=True):
        tier = known.get(wish.name) or Tier(id_, wish.name, wish.min_points, now)
        tiers.append(msgspec.structs.replace(tier, min_points=wish.min_points))
    return tuple(sorted(tiers, key=lambda tier: tier.min_points))


def _fixed_faults(old: LoyaltyProgram, fields: LoyaltyProgramFields) -> Iterator[Fault]:
    for name, pointer in _FIXED.items():
        if getattr(fields, name) not in (UNSET, getattr(old, name)):
            yield Fault(pointer, "Fixed", f"the {pointer[1:]} of a program cannot be changed")
    scale = fields.points_scale
    if isinstance(scale, int) and scale < old.points_scale:
        details = f"points have {old.points_scale} decimals already"
        yield Fault("/pointsScale", "Fixed", details)


def _faults(configuration: Configuration, program: LoyaltyProgram) -> Iterator[Fault]:
    yield from api_name_faults(program.name, program.title)
    yield from description_faults(program.description)
    if zone_of(program.timezone) is None:
        details = f'"{program.timezone[:80]}" is not an IANA time zone'
        yield Fault("/timezone", "Invalid time zone", details)
    ids = program.subscribed_application_ids
    yield from application_faults(ids, configuration, "/subscribedApplications")
    for index, id_ in enumerate(ids):
        application = configuration.applications.get(id_)
        if application is not None and application.sandbox != program.sandbox:
            details = "sandbox programs belong to sandbox Applications, and live ones to live ones"
            yield Fault(f"/subscribedApplications/{index}", "Not allowed", details)
    yield from _duration_faults(program)
    if program.users_per_card < 0:
        yield Fault("/usersPerCardLimit", "Out of range", "a limit is 0 (none) or more")
    ratio = program.points_to_currency_ratio
    if not (is_amount(ratio) and ratio > 0):
        details = "what a point pays is an amount above zero"
        yield Fault("/pointsToCurrencyRatio", "Out of range", details)
    if not 0 <= program.points_scale <= POINTS_DECIMALS_MAX:
        details = f"points have 0 to {POINTS_DECIMALS_MAX} decimals"
        yield Fault("/pointsScale", "Out of range", details)
    if program.card_codes is not None:
        yield from card_code_faults(program.card_codes)
    yield from _policy_faults(program)


def _duration_faults(program: LoyaltyProgram) -> Iterator[Fault]:
    form = "a whole number with one of s, m, h, D, W, M, Y, and _D or _U to round days"
    if program.default_validity != UNLIMITED and not parse_duration(program.default_validity):
        details = f"a validity is {UNLIMITED}, or {form}"
        yield Fault("/defaultValidity", "Invalid duration", details)
    words = (IMMEDIATE, ON_ACTION)
    if program.default_pending not in words and not parse_duration(program.default_pending):
        details = f"points are pending {IMMEDIATE}, {ON_ACTION}, or {form}"
        yield Fault("/defaultPending", "Invalid duration", details)
    if program.tiers_expire_in is not None and not parse_duration(program.tiers_expire_in):
        yield Fault("/tiersExpireIn", "Invalid duration", form)


def _policy_faults(program: LoyaltyProgram) -> Iterator[Fault]:
    policy = program.tiers_expiration
    if (policy is None) != (program.tiers_expire_in is None):
        details = "tiersExpirationPolicy and tiersExpireIn are given together"
        yield Fault("/tiersExpireIn", "Missing", details)
    if policy == "absolute_expiration" and program.tier_cycle_start is None:
        details = "absolute_expiration needs the start of the cycle"
        yield Fault("/tierCycleStartDate", "Missing", details)
    if policy == "customer_attribute" and not program.tier_attribute:
        details = "customer_attribute needs the name of a date of the profile"
        yield Fault("/tiersExpirationAttribute", "Missing", details)
    yield from text_faults(program.tier_attribute, "/tiersExpirationAttribute", NAME_LENGTH_MAX)


def _tier_faults(wishes: Sequence[TierWish], program: LoyaltyProgram) -> Iterator[Fault]:
    if len(wishes) > TIERS_MAX:
        yield Fault("/tiers", "Too many", f"at most {TIERS_MAX} tiers are accepted")
    for index, wish in enumerate(wishes):
        pointer = f"/tiers/{index}"
        if not wish.name.strip():
            yield Fault(f"{pointer}/name", "Missing", "a tier has a name")
        yield from text_faults(wish.name, f"{pointer}/name", NAME_LENGTH_MAX)
        if not 0 <= wish.min_points <= POINTS_MAX or not program.is_precise(wish.min_points):
            details = f"a tier needs 0 to {POINTS_MAX} points of {program.points_scale} decimals"
            yield Fault(f"{pointer}/minPoints", "Out of range", details)
    for pair in pairwise(sorted(wish.name for wish in wishes)):
        if pair[0] == pair[1]:
            yield Fault("/tiers", "Duplicate", f'two tiers are called "{pair[0][:80]}"')
    for lower, upper in pairwise(sorted(wish.min_points for wish in wishes)):
        if lower == upper:
            yield Fault("/tiers", "Duplicate", f"two tiers need {lower} points")
