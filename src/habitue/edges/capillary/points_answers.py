"""Points and tiers as the registration protocol answers them.

Words: a *slab* is a tier, and its *serial number* counts from 1, the lowest. *Main* points can be
spent now; *promised* ones will be, by a date (*delayed accrual*) or after an action (*external
trigger*).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from habitue.customers.card import Card
from habitue.edges.capillary.envelopes import Item
from habitue.loyalty.ledger import Lot, total
from habitue.loyalty.placing import number_of_tier
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.numbers import shortest
from habitue.usecases.read_programs import Membership

#: What the protocol shows of points: never more.
DECIMALS = 3
#: The serial number of the tier above the highest one.
_TOP = -1


class ProgramOut(msgspec.Struct, rename="camel"):
    """A loyalty program."""

    program_id: int
    program_name: str
    points_to_currency_ratio: Decimal
    program_description: str
    partner_programs: list[int]
    default: bool


class SummaryOut(msgspec.Struct, rename="camel"):
    """What a customer has in one program."""

    redeemed: Decimal
    expired: Decimal
    returned: Decimal
    adjusted: Decimal
    lifetime_points: Decimal
    loyalty_points: Decimal
    cumulative_purchases: Decimal
    loyalty_id: int
    current_slab: str
    next_slab: str
    next_slab_serial_number: int
    next_slab_description: str
    slab_s_no: int = msgspec.field(name="slabSNo")
    slab_expiry_date: str
    program_id: int
    delayed_points: Decimal
    total_available_points: Decimal
    total_returned_points: Decimal
    linked_partner_programs: list[int]
    program_title: str


class TierOut(msgspec.Struct, rename="camel"):
    """The tier of a customer in one program, and the next one."""

    program_id: int
    current_tier_name: str
    current_tier_serial_number: int
    tier_expiry_date: str
    next_tier_name: str
    next_tier_serial_number: int


class TiersOut(msgspec.Struct, rename="camel"):
    """The tiers of a customer."""

    entity_id: int
    entity_type: str
    program_tiers: list[TierOut]
    warnings: list[Item] = []


class PromisedOut(msgspec.Struct, rename="camel"):
    """Points that will be there by a date, and after an action."""

    delayed_accrual_points: Decimal
    external_trigger_based_points: Decimal


class BalanceOut(msgspec.Struct, rename="camel"):
    """The points of a customer, in one program or in all."""

    entity_id: int
    entity_type: str
    total_points: Decimal
    main_points: Decimal
    promised_points: Decimal
    promised_points_breakup: PromisedOut
    program_id: int | msgspec.UnsetType = msgspec.UNSET
    warnings: list[Item] = []


class ExpiryOut(msgspec.Struct, rename="camel"):
    """Points that end on one day."""

    points: Decimal
    expiry_date: str
    program_id: int
    points_type: str
    expiry_type: str = "fixed"


class LoyaltyTypeOut(msgspec.Struct, rename="camel"):
    """Whether the customer takes part in loyalty."""

    loyalty_type: str


class ExpiriesOut(msgspec.Struct, rename="camel"):
    """When the points of a customer end."""

    id: int
    profiles: list[Any]
    loyalty_info: LoyaltyTypeOut
    segments: dict[str, Any]
    extended_fields: dict[str, Any]
    expiry_schedules: list[ExpiryOut]
    warnings: list[Item] = []


class PromiseOut(msgspec.Struct, rename="camel"):
    """Points that can be spent from a day on."""

    points: Decimal
    redeemable_from: str
    program_id: int
    points_type: str


class TriggerOut(msgspec.Struct, rename="camel"):
    """Points that wait for an action."""

    points: Decimal
    program_id: int
    points_type: str


class PromisesOut(msgspec.Struct, rename="camel"):
    """The promised points of a customer."""

    promised_points_schedule_list: list[PromiseOut]
    trigger_based_points_list: list[TriggerOut]
    warnings: list[Item] = []


def summary_of(card: Card, membership: Membership) -> SummaryOut:
    """What a customer has in one program; a loyalty id of -1 says that they are not in it."""
    standing, program = membership.standing, membership.program
    returned = membership.total("voided")
    next_number = number_of_tier(program, standing.next_tier)
    return SummaryOut(
        redeemed=shown(membership.total("spent")),
        expired=shown(membership.total("expired")),
        returned=shown(returned),
        adjusted=shown(-membership.total("transferred")),
        lifetime_points=shown(-membership.total("issued")),
        loyalty_points=shown(membership.active),
        cumulative_purchases=shown(card.customer.total_sales),
        loyalty_id=card.id if membership.enrolled else -1,
        current_slab=_name(standing.tier or _base(program)),
        next_slab=_name(standing.next_tier),
        next_slab_serial_number=_TOP if next_number is None else next_number,
        next_slab_description="",
        slab_s_no=number_of_tier(program, standing.tier or _base(program)) or 0,
        slab_expiry_date=_moment(standing.state.expiry if standing.state else None, program),
        program_id=program.id,
        delayed_points=shown(membership.pending),
        total_available_points=shown(membership.active + membership.pending),
        total_returned_points=shown(returned),
        linked_partner_programs=[],
        program_title=program.title or program.name,
    )


def expiries_of(memberships: Iterable[Membership]) -> list[ExpiryOut]:
    """What ends when, a row for each day, program and kind."""
    sums: dict[tuple[str, int, str], list[Decimal]] = {}
    for each in memberships:
        for lot in each.ledger.lots.values():
            if lot.remaining and lot.expiry is not None:
                at = day_of(lot.expiry, each.program), each.program.id, kind_of(lot)
                sums.setdefault(at, []).append(lot.remaining)
    return [ExpiryOut(shown(total(points)), *at) for at, points in sorted(sums.items())]


def shown(points: Decimal) -> Decimal:
    """Points with as many decimals as the protocol shows."""
    return shortest(round(points, DECIMALS))


def program_out(program: LoyaltyProgram, *, default: bool) -> ProgramOut:
    """A program; the oldest one is the default."""
    return ProgramOut(
        program.id,
        program.name,
        shortest(program.points_to_currency_ratio),
        program.description,
        [],
        default,
    )


def tier_out(membership: Membership) -> TierOut:
    """The tier of a customer, and the next one."""
    standing, program = membership.standing, membership.program
    tier = standing.tier or _base(program)
    next_number = number_of_tier(program, standing.next_tier)
    return TierOut(
        program_id=program.id,
        current_tier_name=_name(tier),
        current_tier_serial_number=number_of_tier(program, tier) or 0,
        tier_expiry_date=_moment(standing.state.expiry if standing.state else None, program),
        next_tier_name=_name(standing.next_tier),
        next_tier_serial_number=_TOP if next_number is None else next_number,
    )


def _base(program: LoyaltyProgram) -> Any:
    """The tier that is shown of somebody in none: the lowest, where it takes no points."""
    lowest = program.tiers[0] if program.tiers else None
    return lowest if lowest is not None and not lowest.min_points else None


def _name(tier: Any) -> str:
    return "" if tier is None else tier.name


def awaiting(membership: Membership) -> Decimal:
    """The points that wait for an action."""
    return total(lot.remaining for lot in pending_lots(membership) if lot.start is None)


def pending_lots(membership: Membership) -> list[Lot]:
    """The lots that cannot be spent yet."""
    moment = membership.ledger.moment
    lots = membership.ledger.lots.values()
    return [each for each in lots if each.remaining and not each.is_active(moment)]


def kind_of(lot: Lot) -> str:
    """What the points of a lot were given for."""
    return "customer_promotions" if lot.session_id is None else "bill_regular"


def day_of(moment: datetime, program: LoyaltyProgram) -> str:
    """The day of a moment in the program's time zone."""
    return moment.astimezone(program.zone).date().isoformat()


def _moment(moment: datetime | None, program: LoyaltyProgram) -> str:
    if moment is None:
        return ""
    return moment.astimezone(UTC).astimezone(program.zone).strftime("%Y-%m-%d %H:%M:%S")
