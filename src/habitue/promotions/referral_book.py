"""The referral code of one evaluation: whether it can be used, was accepted, or why it was not.

A code that was submitted ends accepted or refused with exactly one reason; a refusal by a rule is
given only when no rule accepted it, not even one of a campaign that was tried and does not apply. A
book is a resource as `Tentative` has it.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec

from habitue.promotions.coupon import ExclusionReason
from habitue.promotions.effects import AcceptReferral, Effect, RejectReferral, unclaimed
from habitue.promotions.referral import Referral, ReferralRefusal
from habitue.promotions.tally import Tally

_ONE = Decimal(1)
#: Refusals that another rule of the campaign, or its turn in a group, may still take back.
_AFTER_RULES = frozenset(
    {
        "ReferralRejectedByCondition",
        "EffectCouldNotBeApplied",
        "ReferralPartOfNotTriggeredCampaign",
    }
)
Cause: TypeAlias = tuple[int, int, int, str]


class Refusal(msgspec.Struct, frozen=True):
    """Why a code was refused, and by which rule; indexes count from 0."""

    reason: ReferralRefusal
    cause: Cause
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    exclusion: ExclusionReason | None = None


class ReferralBook:
    """What became of the code. `referral` is None where there is none of that code; `accepted_by`
    is the rule that accepted it."""

    __slots__ = ("_code", "_redeems", "_refusal", "_tally", "accepted_by", "referral")

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
        self.accepted_by: Cause | None = None
        self._redeems = False

    def usable(self, cause: Cause) -> Referral | None:
        """The code, where rules of the campaign of that cause may be tried for it."""
        referral = self.referral
        if referral is None or referral.campaign_id != cause[0]:
            return None
        if self.accepted_by is None and self._refused_before_rules():
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
        if self.accepted_by is not None:
            return None
        self.accepted_by = cause
        return AcceptReferral(self._code)

    def refuse(self, refusal: Refusal) -> None:
        """Notes why a rule did not accept the code; the first such note stands."""
        self._refusal = self._refusal or refusal

    def exclude(self, cause: Cause, reason: ExclusionReason) -> None:
        """Refuses the code where the campaign of that cause, which does not apply, is its own."""
        referral = self.referral
        if referral and referral.campaign_id == cause[0] and not self._refused_before_rules():
            campaign = (*cause[:2], 0, "")
            refused: ReferralRefusal = "ReferralPartOfNotTriggeredCampaign"
            self._refusal = Refusal(refused, campaign, exclusion=reason)

    def redeemed(self) -> Referral | None:
        """The code that closing the session uses up."""
        return self.referral if self._redeems else None

    def rejections(self) -> tuple[Effect, ...]:
        """One effect where a code was not accepted."""
        if self.accepted_by is not None or not self._code:
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
            refusal.exclusion,
        )
        return (Effect(*refusal.cause, outcome),)

    def mark(self) -> tuple[Cause | None, bool]:
        return self.accepted_by, self._redeems

    def roll_back(self, mark: tuple[Cause | None, bool]) -> None:
        self.accepted_by, self._redeems = mark

    def _refused_before_rules(self) -> bool:
        return self._refusal is not None and self._refusal.reason not in _AFTER_RULES
