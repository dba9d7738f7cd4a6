"""What becomes of referral codes."""

from typing import TypeAlias

import msgspec


class AcceptReferral(msgspec.Struct, frozen=True, tag=True):
    value: str


class RejectReferral(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    value: str
    reason: str
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    exclusion_reason: str | None = None


class RollbackReferral(msgspec.Struct, frozen=True, tag=True):
    value: str


ReferralOutcome: TypeAlias = AcceptReferral | RejectReferral | RollbackReferral
