"""Points as a resource of sessions, profiles and events: what to ask for, and what was read.

Asked for are the programs that running campaigns refer to, all of the application where the answer
shall tell them, and those of the session's own transactions where it gives back.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from habitue.loyalty.tier import Anchors
from habitue.model.documents import decoder_of
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking, Points, ProgramPoints
from habitue.usecases.points_state import LedgerDocument, ledger_of


class _Spent(msgspec.Struct, frozen=True):
    key: UUID
    lot: UUID
    amount: Decimal


class _ProgramDocument(msgspec.Struct, frozen=True):
    joined: datetime | None
    ledgers: dict[str, LedgerDocument]


class PointsDocument(msgspec.Struct, frozen=True):
    """What `read_resource_points` gives; nobody is named where the customer comes to be."""

    root_id: int | None
    programs: dict[int, _ProgramDocument]
    spent: tuple[_Spent, ...]


_ANSWER = decoder_of(PointsDocument)


def ask_points(program: Program, asking: Asking) -> Any:
    """The programs that a request needs; None where it needs none."""
    if not program.loyalty:
        return None
    loyalty = program.loyalty
    wanted = [each for each in programs_wanted(program, asking) if not loyalty[each].card_based]
    if not wanted and not asking.gives_back:
        return None
    return {"programs": sorted(wanted), "session": asking.gives_back}


def programs_wanted(program: Program, asking: Asking) -> frozenset[int]:
    """The loyalty programs that rules refer to, and all that the answer shall tell."""
    wanted = program.loyalty_wanted(asking.campaign_ids)
    return wanted | program.loyalty_served if "points" in asking.tells else wanted


def read_points(answer: bytes, program: Program) -> Points:
    """What was read; anchors are laid over the ledgers when it is known whose they are."""
    return points_of(_ANSWER.decode(answer))


def points_of(document: PointsDocument) -> Points:
    """The points of one owner, as a value."""
    root_id = document.root_id
    return Points(
        root_id=root_id,
        programs={
            program_id: _program_points(program_id, each, root_id or 0)
            for program_id, each in document.programs.items()
        },
        spent=_by_key(document.spent),
    )


def _program_points(program_id: int, document: _ProgramDocument, root_id: int) -> ProgramPoints:
    nobody = Anchors()
    ledgers = {
        subledger: ledger_of(program_id, subledger, root_id, each, nobody)
        for subledger, each in document.ledgers.items()
    }
    return ProgramPoints(document.joined, ledgers)


def _by_key(spent: Iterable[_Spent]) -> dict[UUID, tuple[tuple[UUID, Decimal], ...]]:
    found: dict[UUID, tuple[tuple[UUID, Decimal], ...]] = {}
    for each in spent:
        found[each.key] = (*found.get(each.key, ()), (each.lot, each.amount))
    return found
