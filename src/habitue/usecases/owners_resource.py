"""Other owners of points as a resource: the cards that a request names, and the advocate.

Asked for are the cards of programs that running campaigns refer to, all of the application where
the answer shall tell them, the advocate of the referral code where rules may reward one, and
whoever got points of the session where it gives back.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from habitue.loyalty.card import ProgramCard
from habitue.model.attributes import Attributes
from habitue.model.documents import decoder_of
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking, OwnerDecision, PointsOwner
from habitue.usecases.points_resource import PointsDocument, points_of, programs_wanted
from habitue.usecases.points_state import ledger_writes


class AdvocateQuestion(msgspec.Struct, frozen=True):
    """Whose code that is, and what they have in those programs; a code of None is that of the
    stored session."""

    application_id: int
    code: str | None
    spelling: str
    programs: Sequence[int]


class OwnersQuestion(msgspec.Struct, frozen=True):
    """What `read_resource_owners` takes; cards of None are those of the stored session."""

    cards: Sequence[str] | None
    card_programs: Sequence[int]
    advocate: AdvocateQuestion | None
    session: bool


class _OwnerDocument(msgspec.Struct, frozen=True):
    id: int
    version: int
    roots: tuple[int, ...]
    points: PointsDocument
    card: ProgramCard | None = None
    attributes: Attributes | None = None


_OWNERS = decoder_of(tuple[_OwnerDocument, ...])


def ask_owners(program: Program, asking: Asking) -> OwnersQuestion | None:
    """The question about cards and the advocate; None where the request can need none."""
    if not program.loyalty:
        return None
    cards = () if asking.dry and asking.loyalty_cards is None else asking.loyalty_cards
    wanted = [id_ for id_ in programs_wanted(program, asking) if program.loyalty[id_].card_based]
    advocate = _ask_advocate(program, asking)
    names_none = cards == () or not wanted
    if names_none and advocate is None and not asking.gives_back:
        return None
    return OwnersQuestion(cards, sorted(wanted), advocate, asking.gives_back)


def _ask_advocate(program: Program, asking: Asking) -> AdvocateQuestion | None:
    code = "" if asking.dry and asking.referral_code is None else asking.referral_code
    if code == "" or not program.rewards_advocates(asking.campaign_ids):
        return None
    loyalty, application = program.loyalty, program.application
    wanted = [
        each
        for each in sorted(program.loyalty_wanted(asking.campaign_ids))
        if not loyalty[each].card_based
    ]
    return AdvocateQuestion(application.id, code, application.case_sensitivity, wanted)


def read_owners(answer: bytes, program: Program) -> tuple[PointsOwner, ...]:
    """What was read, as values."""
    return tuple(
        PointsOwner(
            each.id,
            each.version,
            each.roots,
            points_of(each.points),
            each.card,
            each.attributes or {},
        )
        for each in _OWNERS.decode(answer)
    )


def owner_writes(decided: Sequence[OwnerDecision]) -> list[dict[str, Any]]:
    """What `write_resource_owners` takes."""
    return [
        {
            "id": each.owner.id,
            "version": each.owner.version,
            "is_card": each.owner.card is not None,
            "ledgers": ledger_writes(each.decisions),
        }
        for each in decided
    ]
