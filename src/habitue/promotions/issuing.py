"""What an evaluation can issue: the session's referral code, creations, and giveaways.

An *issuing* holds the books of one evaluation; there is one only where rules or the request need
it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from habitue.customers.claims import profile_key
from habitue.promotions.campaign import Campaign
from habitue.promotions.creations import Creations
from habitue.promotions.facts import ProfileFacts
from habitue.promotions.giveaways import GiveawayPool, Giveaways
from habitue.promotions.referral import ReferralChanges
from habitue.promotions.referral_book import ReferralBook
from habitue.promotions.resources import ResourceChanges, Tentative
from habitue.promotions.tally import More


class Issuing(msgspec.Struct, frozen=True):
    """The books of one evaluation. `advocate` is whose referral code the session has.

    `campaigns` and `pools` are those in which rules can make and award something.
    """

    creations: Creations
    giveaways: Giveaways
    campaigns: Mapping[int, Campaign]
    pools: Mapping[int, GiveawayPool]
    sandbox: bool
    referral: ReferralBook | None = None
    advocate: ProfileFacts | None = None

    def tentatives(self) -> tuple[Tentative, ...]:
        """The books, as resources."""
        books: tuple[Tentative, ...] = (self.creations, self.giveaways)
        return books if self.referral is None else (*books, self.referral)

    def more(self, *, closes: bool) -> tuple[More, ...]:
        """What is taken of budgets besides what effects take."""
        paid = tuple(
            (each.campaign_id, each.coupon_id, each.action) for each in self.creations.paid()
        )
        redeemed = self.referral.redeemed() if self.referral and closes else None
        if redeemed is None:
            return paid
        return (*paid, (redeemed.campaign_id, 0, "redeemReferral"))

    def changed(self, changes: ResourceChanges, *, closes: bool) -> ResourceChanges:
        """The changes with what comes to be, and at closing with what is given and redeemed."""
        more: dict[str, Any] = {}
        created, reserved = self.creations.changes(), self.creations.reservations()
        if created is not None:
            more["creations"] = created
        if reserved:
            more["reservations"] = reserved
        awards = self.giveaways.awards()
        if awards:
            more["giveaways"] = awards
        redeemed = self.referral.redeemed() if self.referral and closes else None
        if redeemed is not None:
            more["referrals"] = ReferralChanges(
                redeems=True,
                code=redeemed.code,
                application_id=redeemed.application_id,
                referral_id=redeemed.id,
            )
        return msgspec.structs.replace(changes, **more) if more else changes

    def claim_of(self, profile_id: str) -> str:
        """The claim under which that profile is found."""
        return str(profile_key(profile_id, sandbox=self.sandbox))
