"""What a request asks of referrals, creations and giveaways, and what it is told.

Whoever has no rule that could need them asks nothing, unless the request brings a referral code.
"""

from datetime import datetime
from typing import Any

import msgspec

from habitue.model.attributes import normalised
from habitue.model.documents import decoder_of
from habitue.promotions.creations import CREATIONS_MAX, CreationReading
from habitue.promotions.giveaways import AWARDS_MAX, Giveaway
from habitue.promotions.program import Program
from habitue.promotions.referral import ReferralReading
from habitue.promotions.resources import Asking

_REFERRALS = decoder_of(ReferralReading)
_CREATIONS = decoder_of(CreationReading)
_GIVEAWAYS = decoder_of(tuple[Giveaway, ...])
_MAKING = frozenset({"createcoupon", "createreferral", "awardgiveaway"})


class ReferralQuestion(msgspec.Struct, frozen=True):
    """What `read_resource_referrals` takes; a code of None is that of the stored session. With
    `tells` whoever stands as referred by it is read as well."""

    application_id: int
    code: str | None
    spelling: str
    tells: bool = False


class CreationQuestion(msgspec.Struct, frozen=True):
    """How many ids a request may need."""

    count: int


class GiveawayQuestion(msgspec.Struct, frozen=True):
    """Codes of which pools, how many of each, valid when."""

    pool_ids: tuple[int, ...]
    count: int
    now: datetime


def ask_referrals(program: Program, asking: Asking) -> ReferralQuestion | None:
    """The question about the session's referral code."""
    code = "" if asking.dry and asking.referral_code is None else asking.referral_code
    tells = "referrals" in asking.tells
    if not (code or asking.gives_back or tells or "referralvalid" in program.calls):
        return None
    application = program.application
    return ReferralQuestion(application.id, code, application.case_sensitivity, tells)


def read_referrals(answer: bytes, program: Program) -> ReferralReading:
    """What was read, as a value."""
    reading = _REFERRALS.decode(answer)
    advocate = reading.advocate
    if advocate is None:
        return reading
    attributes = normalised(advocate.attributes)
    return msgspec.structs.replace(
        reading, advocate=msgspec.structs.replace(advocate, attributes=attributes)
    )


def ask_creations(program: Program, asking: Asking) -> CreationQuestion | None:
    """The question about what the session has made, and about ids for more."""
    return CreationQuestion(CREATIONS_MAX) if program.calls & _MAKING else None


def read_creations(answer: bytes, program: Program) -> CreationReading:
    """What was read, as a value."""
    return _CREATIONS.decode(answer)


def ask_giveaways(program: Program, asking: Asking) -> GiveawayQuestion | None:
    """The question about codes that could be awarded."""
    if "awardgiveaway" not in program.calls or not program.pools:
        return None
    return GiveawayQuestion(tuple(program.pools), AWARDS_MAX, asking.now)


def read_giveaways(answer: bytes, program: Program) -> Any:
    """What was read, as a value."""
    return _GIVEAWAYS.decode(answer)
