"""Changing a customer's tier by hand at the registration door.

contracts/capillary/SPEC.md section 8.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item
from habitue.edges.capillary.points import chosen_program
from habitue.edges.capillary.reading import GROUP, TillCall
from habitue.edges.capillary.targets import LookupQuery, lookup_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.loyalty.duration import end_of, parse_duration
from habitue.loyalty.placing import number_of_tier
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.instants import parse_instant
from habitue.model.limits import REASON_LENGTH_MAX
from habitue.usecases.find_customer import find_customer
from habitue.usecases.place_in_tier import Placed, TierAction, TierWish, place_in_tier
from habitue.usecases.shop import Shop

Validity = Literal["FIXED_DURATION", "SPECIFIC_DATE", "CURRENT_TIER_EXPIRY_DATE"]
_UPTO = "/manualSlabActionValidityUpto"


class SlabIn(msgspec.Struct, rename="camel"):
    """What shall become of the tier; how long it lasts is a date, or a number of days."""

    slab_action: TierAction
    program_id: Integer | None = None
    to_slab_name: str = ""
    manual_slab_action_validity: Validity | None = None
    manual_slab_action_validity_upto: Any = ""
    slab_change_reason: str = ""


class SlabEffect(msgspec.Struct, rename="camel"):
    """The change, as side effects tell it."""

    entity_type: str
    previous_slab_name: str
    previous_slab_number: int
    upgraded_slab_name: str
    upgraded_slab_number: int
    slab_expiry_date: str
    type: str = "slab"


class SlabOut(msgspec.Struct, rename="camel"):
    """The customer whose tier was changed."""

    entity: int
    warnings: list[Item]
    side_effects: list[SlabEffect]


async def post_slab(call: TillCall[LookupQuery, SlabIn]) -> Answer:
    shop: Shop = call.services.shop
    body = call.body
    if len(body.slab_change_reason) > REASON_LENGTH_MAX:
        details = f"at most {REASON_LENGTH_MAX} characters are possible"
        raise InvalidInput(Fault("/slabChangeReason", "Too long", details))
    found = await find_customer(shop, lookup_in(call.query), call.now)
    program = await chosen_program(shop, body.program_id)
    wish = TierWish(body.slab_action, body.to_slab_name, _expiry(body, program, call.now))
    placed = await place_in_tier(shop, found.card.id, program.id, wish, call.now)
    return Answer(200, SlabOut(found.card.id, [], [_effect(placed)]))


def _expiry(body: SlabIn, program: LoyaltyProgram, now: datetime) -> datetime | None:
    upto = str(body.manual_slab_action_validity_upto).strip()
    if body.manual_slab_action_validity == "SPECIFIC_DATE":
        moment = parse_instant(upto) or parse_instant(f"{upto}T23:59:59Z")
        if moment is None:
            raise InvalidInput(Fault(_UPTO, "Invalid date", "Expected a date, like 2027-03-03"))
        return moment
    if body.manual_slab_action_validity == "FIXED_DURATION":
        duration = parse_duration(f"{upto}D_U") if upto.isascii() and upto.isdigit() else None
        end = None if duration is None else end_of(now, duration, program.zone)
        if end is None:
            raise InvalidInput(Fault(_UPTO, "Invalid duration", "Expected a number of days"))
        return end
    return None


def _effect(placed: Placed) -> SlabEffect:
    expiry = "" if placed.expiry is None else _words(placed.expiry, placed.program)
    before = placed.before
    return SlabEffect(
        entity_type="USER",
        previous_slab_name=before.name if before else "",
        previous_slab_number=number_of_tier(placed.program, before) or 0,
        upgraded_slab_name=placed.after.name,
        upgraded_slab_number=number_of_tier(placed.program, placed.after) or 0,
        slab_expiry_date=expiry,
    )


def _words(moment: datetime, program: LoyaltyProgram) -> str:
    """A day as the protocol tells it here: 30th Nov, 2025."""
    day = moment.astimezone(program.zone)
    number = day.day
    suffix = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix} {_MONTHS[day.month - 1]}, {day.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def tier_operations() -> list[Operation]:
    """The operation that changes a tier."""
    return [
        Operation(
            id="adjustTier",
            method="POST",
            path="/v2/slab/manualSlabAdjustment",
            handler=post_slab,
            door=CAPILLARY,
            summary="Change the tier of a customer",
            group=GROUP,
            query=LookupQuery,
            body=SlabIn,
            responses={200: SlabOut},
        )
    ]
