"""The referral code of one evaluation: whether it can be used, was accepted, or why it was not.

A code that was submitted ends accepted or refused with exactly one reason; a refusal by a rule is
given only when no rule accepted it. A book is a resource as `Tentative` has it.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec

from habitue.promotions.effects import AcceptReferral, Effect, RejectReferral, unclaimed
from habitue.promotions.referral import Referral, ReferralRefusal
from habitue.promotions.tally import Tally

_ONE = Decimal(1)
Cause: TypeAlias = tuple[int, int, int, str]


class Refusal(msgspec.Struct, frozen=True):
    """Why a code was refused, and by which rule; indexes count from 0."""

    reason: ReferralRefusal
    cause: Cause
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None


class ReferralBook:
    """What became of the code. `referral` is None where there is none of that code."""

    __slots__ = ("_accepted", "_code", "_redeems", "_refusal", "_tally", "referral")

    def __init__(
        self,
        code: str,
        referral: Referral | None,
        refusal: Refusal | None,
        tally: Tally | None,
    ) -> None:
        self._code = code
        self.referral = referral
        self._refusal = refusal
        self._tally = tally
        self._accepted = False
        self._redeems = False

    def usable(self, cause: Cause) -> Referral | None:
        """The code, where rules of the campaign of that cause may be tried for it."""
        referral = self.referral
        if referral is None or referral.campaign_id != cause[0]:
            return None
        if not self._accepted and self._refused_before_rules():
            return None
        if self._tally is not None and not self._redeems:
            reason = self._tally.referral_refusal(cause[0])
            if reason is not None:
                self._refusal = self._refusal or Refusal(reason, cause)
                return None
        return referral

    def accept(self, cause: Cause, *, redeem: bool) -> AcceptReferral | None:
        """Notes that a rule accepted the code; what the first one that does gives."""
        assert self.referral is not None, "only a usable code is accepted"
        if redeem and not self._redeems:
            self._redeems = True
            if self._tally is not None:
                self._tally.take(cause[0], 0, "redeemReferral", _ONE)
        if self._accepted:
            return None
        self._accepted = True
        return AcceptReferral(self._code)

    def refuse(self, refusal: Refusal) -> None:
        """Notes why a rule did not accept the code; the first such note stands."""
        self._refusal = self._refusal or refusal

    def redeemed(self) -> Referral | None:
        """The code that closing the session uses up."""
        return self.referral if self._redeems else None

    def rejections(self) -> tuple[Effect, ...]:
        """One effect where a code was not accepted."""
        if self._accepted or not self._code:
            return ()
        if self.referral is None:
            return (unclaimed(RejectReferral(self._code, "ReferralNotFound")),)
        refusal = self._refusal
        if refusal is None:
            cause = (self.referral.campaign_id, 0, 0, "")
            refusal = Refusal("ReferralRejectedByCondition", cause)
        outcome = RejectReferral(
            self._code,
            refusal.reason,
            refusal.condition_index,
            refusal.effect_index,
            refusal.details,
        )
        return (Effect(*refusal.cause, outcome),)

    def mark(self) -> tuple[bool, bool]:
        return self._accepted, self._redeems

    def roll_back(self, mark: tuple[bool, bool]) -> None:
        self._accepted, self._redeems = mark

    def _refused_before_rules(self) -> bool:
        by_rule = ("ReferralRejectedByCondition", "EffectCouldNotBeApplied")
        return self._refusal is not None and self._refusal.reason not in by_rule
