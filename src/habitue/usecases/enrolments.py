"""Enrolments that come with a registration: which of them can be, and what they bring.

What cannot be (an unknown program or tier, an amount that is none, a date that is over) is noticed
and left out, and the customer is registered all the same. What can be takes effect in the
transaction of the registration: joining, a tier, points.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

import msgspec

from habitue.customers.card import Enrollment
from habitue.customers.change import CardDecision
from habitue.customers.notices import Notice, NoticeKind
from habitue.customers.registration import Registration, Understood
from habitue.loyalty.decide import POINTS_MAX
from habitue.loyalty.ledger import Cause
from habitue.loyalty.placing import Enrolment, enrol, tier_of_number
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import YEAR_MAX
from habitue.store import loyalty
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery
from habitue.usecases.points_state import points_state, writes_of

Programs = Mapping[int, LoyaltyProgram]
_ENROLMENTS = UUID("8a5c52c0-5a7b-5f39-9d5e-0d9f2b1f7a11")


class Award(msgspec.Struct, frozen=True):
    """Points that an enrolment gave."""

    program_id: int
    points: Decimal


def possible(
    registration: Registration, programs: Programs, now: datetime
) -> tuple[Registration, tuple[Notice, ...]]:
    """The registration without enrolments that cannot be, and what is to be told of those."""
    if not registration.enrollments:
        return registration, ()
    kept: list[Enrollment] = []
    notices: list[Notice] = []
    for each in registration.enrollments:
        reason = _reason(each, programs, now)
        if reason is None:
            kept.append(each)
        else:
            notices.append(Notice(reason, str(each.program_id)))
    return msgspec.structs.replace(registration, enrollments=tuple(kept)), tuple(notices)


def with_notices(understood: Understood, notices: tuple[Notice, ...]) -> Understood:
    """What was understood, and something more to tell."""
    if not notices:
        return understood
    return msgspec.structs.replace(understood, notices=(*understood.notices, *notices))


def new_enrolments(
    decision: CardDecision, known: Collection[tuple[int, int]]
) -> list[tuple[int, Enrollment]]:
    """What a decision about a card adds, with the root that is enrolled; `known` are the pairs of
    root and program that were there."""
    return [
        (part.root_id, each)
        for part in decision.change.parts
        for each in part.enrollments
        if (part.root_id, each.program_id) not in known
    ]


def awards_of(enrolments: list[tuple[int, Enrollment]]) -> tuple[Award, ...]:
    """The points that come with the enrolments."""
    return tuple(Award(each.program_id, each.points) for _, each in enrolments if each.points)


async def enrol_customer(
    connection: Connection,
    customer_id: int,
    enrolments: list[tuple[int, Enrollment]],
    programs: Programs,
    actor: str,
    now: datetime,
) -> None:
    """Books the enrolments of a customer who has been saved, in the same transaction."""
    for root_id, each in enrolments:
        program = programs[each.program_id]
        query = PointsQuery(None, customer_id, program.id, MAIN_LEDGER)
        row = await loyalty.load(connection, query, now)
        state = points_state(msgspec.structs.replace(row, root_id=root_id), program, now)
        assert state is not None, "the customer has just been saved"
        booking = begin(state.ledger(MAIN_LEDGER), program, now)
        cause = Cause(name="CustomerRegistration", actor=actor)
        key = uuid5(_ENROLMENTS, f"{program.id} {root_id}")
        enrol(booking, key, _enrolment(each, program), cause)
        writes = writes_of([booking.decision()])
        if writes is not None:
            await loyalty.write(connection, customer_id, now, writes)


def _enrolment(told: Enrollment, program: LoyaltyProgram) -> Enrolment:
    tier = None if told.tier_number is None else tier_of_number(program, told.tier_number)
    return Enrolment(tier, told.tier_expiry, told.points or None, told.points_expiry)


def _reason(told: Enrollment, programs: Programs, now: datetime) -> NoticeKind | None:
    program = programs.get(told.program_id)
    if program is None or program.card_based or program.sandbox:
        return "enrollment_program_invalid"
    if told.tier_number is not None and tier_of_number(program, told.tier_number) is None:
        return "enrollment_tier_invalid"
    if told.points is not None and not (
        0 <= told.points <= POINTS_MAX and program.is_precise(told.points)
    ):
        return "enrollment_points_invalid"
    if any(not now < each or each.year > YEAR_MAX for each in _dates(told)):
        return "enrollment_date_invalid"
    return None


def _dates(told: Enrollment) -> Iterator[datetime]:
    return (each for each in (told.tier_expiry, told.points_expiry) if each is not None)
