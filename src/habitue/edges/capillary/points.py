"""Reading points and tiers at the registration door.

contracts/capillary/SPEC.md sections 6.5 and 8.

The default program is the oldest one.
"""

from functools import partial
from typing import Any

import msgspec

from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Listing, listing
from habitue.edges.capillary.points_answers import (
    BalanceOut,
    ExpiriesOut,
    LoyaltyTypeOut,
    PromisedOut,
    PromiseOut,
    PromisesOut,
    TiersOut,
    TriggerOut,
    awaiting,
    day_of,
    expiries_of,
    kind_of,
    pending_lots,
    program_out,
    shown,
    summary_of,
    tier_out,
)
from habitue.edges.capillary.reading import GROUP, TillCall
from habitue.edges.capillary.targets import LookupQuery, PlaceQuery, target_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Operation
from habitue.loyalty.ledger import total
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import NotFound
from habitue.usecases.find_customer import FoundCustomer, find_customer
from habitue.usecases.read_programs import Membership, program_of, programs_of, read_memberships
from habitue.usecases.shop import Shop


class PointsQueryOfId(PlaceQuery, rename="camel"):
    """Which program; the default one without a wish."""

    program_id: Integer | None = None
    entity_type: str = "CUSTOMER"
    fetch_data_for_all_programs: bool = False


class PointsQueryOfLookup(LookupQuery, rename="camel"):
    """Whose points, and in which program."""

    program_id: Integer | None = None
    entity_type: str = "CUSTOMER"
    fetch_data_for_all_programs: bool = False


PointsCall = TillCall[Any, None]


async def get_programs(call: TillCall[None, None]) -> Answer:
    listed = await programs_of(call.services.shop)
    return listing([program_out(each, default=index == 0) for index, each in enumerate(listed)])


async def get_loyalty_details(call: PointsCall) -> Answer:
    found, memberships = await _memberships(call, all_by_default=True)
    if call.query.program_id is not None and not memberships[0].enrolled:
        raise RequestFault("not_in_program")
    return listing([summary_of(found.card, each) for each in memberships])


async def get_tier_details(call: PointsCall) -> Answer:
    found, memberships = await _memberships(call)
    tiers = [tier_out(each) for each in memberships]
    return Answer(200, TiersOut(found.card.id, "CUSTOMER", tiers))


async def get_balance(call: PointsCall) -> Answer:
    found, memberships = await _memberships(call, all_by_default=True)
    main = total(each.active for each in memberships)
    waiting = total(awaiting(each) for each in memberships)
    delayed = total(each.pending for each in memberships) - waiting
    named = call.query.program_id
    return Answer(
        200,
        BalanceOut(
            entity_id=found.card.id,
            entity_type="CUSTOMER",
            total_points=shown(main + delayed + waiting),
            main_points=shown(main),
            promised_points=shown(delayed + waiting),
            promised_points_breakup=PromisedOut(shown(delayed), shown(waiting)),
            program_id=msgspec.UNSET if named is None else named,
        ),
    )


async def get_expiries(call: PointsCall) -> Answer:
    found, memberships = await _memberships(call, all_by_default=True)
    if not any(each.enrolled for each in memberships):
        raise RequestFault("not_enrolled")
    kinds = [part.loyalty_type for part in found.card.parts]
    return Answer(
        200,
        ExpiriesOut(
            id=found.card.id,
            profiles=[],
            loyalty_info=LoyaltyTypeOut("loyalty" if "loyalty" in kinds else "non_loyalty"),
            segments={},
            extended_fields={},
            expiry_schedules=expiries_of(memberships),
        ),
    )


async def get_promises(call: PointsCall) -> Answer:
    _, memberships = await _memberships(call, all_by_default=True)
    dated, triggered = [], []
    for each in memberships:
        for lot in pending_lots(each):
            points, kind = shown(lot.remaining), kind_of(lot)
            if lot.start is None:
                triggered.append(TriggerOut(points, each.program.id, kind))
            else:
                day = day_of(lot.start, each.program)
                dated.append(PromiseOut(points, day, each.program.id, kind))
    return Answer(200, PromisesOut(dated, triggered))


async def _memberships(
    call: PointsCall, *, all_by_default: bool = False
) -> tuple[FoundCustomer, list[Membership]]:
    shop: Shop = call.services.shop
    query = call.query
    if query.entity_type.upper() != "CUSTOMER":
        raise RequestFault("entity_type_invalid", "entityType", query.entity_type)
    found = await find_customer(shop, target_in(call), call.now)
    if query.fetch_data_for_all_programs or (query.program_id is None and all_by_default):
        programs = await programs_of(shop)
    else:
        programs = [await chosen_program(shop, query.program_id)]
    return found, await read_memberships(shop, found.card.id, programs, call.now)


async def chosen_program(shop: Shop, program_id: int | None) -> LoyaltyProgram:
    """The program that is named, or the default one. Raises `RequestFault`."""
    try:
        return await program_of(shop, program_id)
    except NotFound:
        raise RequestFault("program_invalid", "programId", str(program_id or "")) from None


def points_operations() -> list[Operation]:
    """The operations that read points and tiers; each finds the customer by id or identifier."""
    operations = [
        Operation(
            id="getPrograms",
            method="GET",
            path="/v2/organization/programs",
            handler=get_programs,
            door=CAPILLARY,
            summary="List the loyalty programs",
            group=GROUP,
            responses={200: Listing},
        )
    ]
    for name, path, handler, summary, answer in _READS:
        read = partial(
            Operation,
            method="GET",
            handler=handler,
            door=CAPILLARY,
            group=GROUP,
            responses={200: answer},
        )
        operations += [
            read(
                id=name,
                path=f"/v2/customers/{{customerId:int}}/{path}",
                summary=summary,
                query=PointsQueryOfId,
            ),
            read(
                id=f"{name}OfIdentifier",
                path=f"/v2/customers/lookup/{path}",
                summary=f"{summary}, by an identifier",
                query=PointsQueryOfLookup,
            ),
        ]
    return operations


_READS = (
    (
        "getLoyaltyDetails",
        "loyaltyDetails",
        get_loyalty_details,
        "What a customer has in each loyalty program",
        Listing,
    ),
    ("getTierDetails", "tierDetails", get_tier_details, "The tiers of a customer", TiersOut),
    ("getPointsBalance", "points/balance", get_balance, "The points of a customer", BalanceOut),
    (
        "getPointsExpirySchedule",
        "pointsExpirySchedule",
        get_expiries,
        "When the points of a customer end",
        ExpiriesOut,
    ),
    (
        "getPromisedPointsSchedule",
        "promisedPointsSchedule",
        get_promises,
        "Points that a customer will have later",
        PromisesOut,
    ),
)
