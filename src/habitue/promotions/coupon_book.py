"""The coupons of one evaluation: which can be used, which were accepted, why the others were not.

Every submitted code ends either accepted or refused with exactly one reason; where several things
are wrong, the first in the order of contracts/talon_one/SEMANTICS.md section 5.3 is given, and a
refusal by a rule is given only when no rule accepted the code.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import TypeAlias

import msgspec

from habitue.model.instants import Period, period_start
from habitue.promotions.campaign import Campaign
from habitue.promotions.coupon import (
    Coupon,
    CouponRefusal,
    ExclusionReason,
    Redemption,
    counted,
    effective_limits,
    state_refusal,
)
from habitue.promotions.effects import Effect, RejectCoupon, unclaimed


class Rejection(msgspec.Struct, frozen=True):
    """Why a rule refused a coupon, and where; indexes count from 0."""

    reason: CouponRefusal
    campaign_id: int
    ruleset_id: int
    rule_index: int = 0
    rule_name: str = ""
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    exclusion: ExclusionReason | None = None


#: The accepted codes, and the reasons of those that were refused.
BookMarks: TypeAlias = tuple[dict[str, tuple[Coupon, bool]], dict[str, Rejection]]


class BookNotes(msgspec.Struct, frozen=True):
    """What became of codes in one trial: those accepted, and the reasons of those refused."""

    accepted: Mapping[str, Coupon]
    refusals: Mapping[str, Rejection]


class CouponBook:
    """What became of each submitted code, in the order of submission."""

    def __init__(
        self,
        codes: Iterable[tuple[str, Coupon | None]],
        campaigns: Mapping[int, Campaign],
        redemptions: list[Redemption],
        *,
        evaluable: frozenset[int] | None,
        now: datetime,
        zone: tzinfo,
        profile_id: str,
    ) -> None:
        self._codes = dict(codes)
        self._campaigns = campaigns
        self._redemptions = redemptions
        self._evaluable = evaluable
        self._now = now
        self._zone = zone
        self._profile_id = profile_id
        self.accepted: dict[str, tuple[Coupon, bool]] = {}
        self._refusals: dict[str, Rejection] = {}
        self._usable: dict[int, list[tuple[str, Coupon]]] = {}
        for code, coupon in self._codes.items():
            self._file(code, coupon)

    def usable(self, campaign_id: int) -> list[tuple[str, Coupon]]:
        """The submitted codes that rules of that campaign may be tried for."""
        return self._usable.get(campaign_id, [])

    def campaign_ids(self) -> Iterable[int]:
        """The campaigns for which a usable code was submitted."""
        return self._usable.keys()

    def limit_refusal(self, code: str, coupon: Coupon) -> CouponRefusal | None:
        """Why personal limits forbid accepting the code now; None when they allow it."""
        if code in self.accepted:
            return None
        campaign = self._campaigns[coupon.campaign_id]
        limits = effective_limits(coupon, campaign.limits)
        if limits and not self._profile_id:
            return "ProfileRequired"
        taken = self._redemptions + self._redemptions_to_be()
        for limit in limits:
            since = _since(self._now, limit.period, self._zone)
            if counted(limit, coupon, taken, since) >= limit.limit:
                return "ProfileLimitReached"
        return None

    def accept(self, code: str, coupon: Coupon, *, redeem: bool) -> bool:
        """Notes that a rule accepted the code; whether it is the first to do so."""
        first = code not in self.accepted
        redeemed_before = not first and self.accepted[code][1]
        self.accepted[code] = (coupon, redeem or redeemed_before)
        self._refusals.pop(code, None)
        return first

    def refuse(self, code: str, rejection: Rejection) -> None:
        """Notes why a rule did not accept the code; the first such note stands."""
        if code not in self.accepted:
            self._refusals.setdefault(code, rejection)

    def exclude(self, campaign_id: int, reason: ExclusionReason) -> None:
        """Refuses the usable codes of a campaign that is not judged."""
        for code, coupon in self.usable(campaign_id):
            self.refuse(code, self._excluded(coupon, reason))

    def lost(self, notes: BookNotes, reason: ExclusionReason) -> None:
        """Notes what became of codes in the trial of a campaign that does not apply."""
        for code, rejection in notes.refusals.items():
            self.refuse(code, rejection)
        for code, coupon in notes.accepted.items():
            self.refuse(code, self._excluded(coupon, reason))

    def marks(self) -> BookMarks:
        """What has become of the codes by now, for `roll_back` and `notes_since`."""
        return self.accepted.copy(), self._refusals.copy()

    def roll_back(self, marks: BookMarks) -> None:
        """Forgets what became of codes since."""
        self.accepted, self._refusals = marks[0].copy(), marks[1].copy()

    def notes_since(self, marks: BookMarks) -> BookNotes:
        """What became of codes since."""
        accepted, refusals = marks
        return BookNotes(
            {code: each[0] for code, each in self.accepted.items() if code not in accepted},
            {code: each for code, each in self._refusals.items() if code not in refusals},
        )

    def redeemed(self) -> list[Coupon]:
        """The accepted coupons that closing the session uses up."""
        return [coupon for coupon, redeem in self.accepted.values() if redeem]

    def rejections(self) -> list[Effect]:
        """One effect for each code that was not accepted."""
        return [
            self._rejection_effect(code, coupon)
            for code, coupon in self._codes.items()
            if code not in self.accepted
        ]

    def _excluded(self, coupon: Coupon, reason: ExclusionReason) -> Rejection:
        ruleset_id = self._ruleset(coupon.campaign_id)
        refusal: CouponRefusal = "CouponPartOfNotTriggeredCampaign"
        return Rejection(refusal, coupon.campaign_id, ruleset_id, exclusion=reason)

    def _file(self, code: str, coupon: Coupon | None) -> None:
        reason = self._refusal(coupon)
        if coupon is None or reason is not None:
            campaign_id = coupon.campaign_id if coupon else 0
            refusal = reason or "CouponNotFound"
            self._refusals[code] = Rejection(refusal, campaign_id, self._ruleset(campaign_id))
            return
        self._usable.setdefault(coupon.campaign_id, []).append((code, coupon))

    def _refusal(self, coupon: Coupon | None) -> CouponRefusal | None:
        if coupon is None:
            return "CouponNotFound"
        campaign = self._campaigns.get(coupon.campaign_id)
        if campaign is None or not self._evaluates(campaign):
            return "CouponPartOfNotRunningCampaign"
        return state_refusal(coupon, self._now, self._profile_id)

    def _evaluates(self, campaign: Campaign) -> bool:
        if campaign.active_ruleset_id is None:
            return False
        if self._evaluable is not None:
            return campaign.id in self._evaluable
        return campaign.runs(self._now)

    def _ruleset(self, campaign_id: int) -> int:
        campaign = self._campaigns.get(campaign_id)
        return (campaign.active_ruleset_id or 0) if campaign else 0

    def _redemptions_to_be(self) -> list[Redemption]:
        return [
            Redemption(coupon.id, coupon.campaign_id, 0, self._now) for coupon in self.redeemed()
        ]

    def _rejection_effect(self, code: str, coupon: Coupon | None) -> Effect:
        rejection = self._refusals.get(code)
        if coupon is None or rejection is None:
            return self._without_rule(code, coupon)
        outcome = RejectCoupon(
            code,
            rejection.reason,
            rejection.condition_index,
            rejection.effect_index,
            rejection.details,
            rejection.exclusion,
        )
        return Effect(
            rejection.campaign_id,
            rejection.ruleset_id,
            rejection.rule_index,
            rejection.rule_name,
            outcome,
            coupon.id,
        )

    def _without_rule(self, code: str, coupon: Coupon | None) -> Effect:
        if coupon is None:
            return unclaimed(RejectCoupon(code, "CouponNotFound"))
        outcome = RejectCoupon(code, "CouponRejectedByCondition")
        ruleset_id = self._ruleset(coupon.campaign_id)
        return Effect(coupon.campaign_id, ruleset_id, 0, "", outcome, coupon.id)


def _since(now: datetime, period: Period | None, zone: tzinfo) -> datetime:
    if period is None:
        return datetime.min.replace(tzinfo=now.tzinfo)
    return period_start(now, period, zone)
