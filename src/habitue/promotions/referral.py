"""Referrals: codes by which customers bring their friends.

Words: the *advocate* is whose code it is, the *friend* who uses it. A code is *redeemed* when a
session that accepted it closes, and released when that session is cancelled or reopened; a
`usage_limit` of 0 means no limit. Where a code names a friend, nobody else can use it. A friend is
referred once in an application, and never by himself or herself.

The reasons of refusal are those of contracts/talon_one/SEMANTICS.md section 5.4.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.numbers import ZERO

ReferralRefusal = Literal[
    "ReferralNotFound",
    "ReferralPartOfNotRunningCampaign",
    "ReferralStartDateInFuture",
    "ReferralExpired",
    "ReferralLimitReached",
    "AdvocateNotFound",
    "ReferralRecipientIdSameAsAdvocate",
    "ReferralRecipientDoesNotMatch",
    "ReferralCustomerAlreadyReferred",
    "CampaignLimitReached",
    "ProfileLimitReached",
    "ReferralRejectedByCondition",
    "EffectCouldNotBeApplied",
    "ReferralPartOfNotTriggeredCampaign",
]


class Referral(msgspec.Struct, frozen=True):
    """One code of one campaign. `start_date` is included and `expiry_date` is not. The key is the
    claim under which the advocate is found."""

    id: int
    application_id: int
    campaign_id: int
    code: str
    created: datetime
    advocate_id: str
    advocate_key: str
    friend_id: str = ""
    usage_limit: int = 0
    usage_counter: int = 0
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    attributes: Attributes = {}
    batch_id: str = ""
    import_id: int = 0


class ReferralUse(msgspec.Struct, frozen=True):
    """A standing use of a code by the customer, in the same application."""

    referral_id: int
    session_id: int


class Advocate(msgspec.Struct, frozen=True):
    """Whose code it is, as a customer."""

    customer_id: int
    created: datetime
    last_activity: datetime
    closed_sessions: int = 0
    total_sales: Decimal = ZERO
    attributes: Attributes = {}


class ReferralReading(msgspec.Struct, frozen=True):
    """What was read about the session's code, and how the customer was referred before.

    Where it is told: `friends` are the others that stand as referred by it, by their profiles, and
    `friend` is the profile of the customer, empty while there is none.
    """

    referral: Referral | None = None
    advocate: Advocate | None = None
    uses: tuple[ReferralUse, ...] = ()
    friends: tuple[str, ...] = ()
    friend: str = ""


NO_REFERRAL = ReferralReading()


class ReferralChanges(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a decision changes: the code it redeems, or that what it redeemed is released."""

    release: bool = False
    redeems: bool = False
    code: str = ""
    application_id: int = 0
    referral_id: int = 0


class Friend(msgspec.Struct, frozen=True):
    """Who submits a code: the customer, and the profile that the session names, if any."""

    customer_id: int
    profile_id: str


def referred_after(
    reading: ReferralReading, changes: ReferralChanges | None, session_id: int, profile_id: str
) -> tuple[Referral, tuple[str, ...]] | None:
    """The code with its counter, and the profiles that stand as referred by it, once a decision
    about that session of that profile is carried out; None where there is no code to tell."""
    referral = reading.referral
    if referral is None:
        return None
    changes = changes or ReferralChanges()
    own = [each.session_id for each in reading.uses if each.referral_id == referral.id]
    kept = [each for each in own if not (changes.release and each == session_id)]
    redeems = changes.redeems and changes.referral_id == referral.id
    counter = referral.usage_counter - (len(own) - len(kept)) + redeems
    named = {reading.friend or profile_id} if kept or redeems else set()
    told = msgspec.structs.replace(referral, usage_counter=counter)
    return told, tuple(sorted(named.union(reading.friends) - {""}))


def referral_refusal(
    reading: ReferralReading, friend: Friend, now: datetime
) -> ReferralRefusal | None:
    """Why the code itself, apart from its campaign and budgets, cannot be used; None if it can."""
    referral, advocate = reading.referral, reading.advocate
    if referral is None:
        return "ReferralNotFound"
    if referral.start_date is not None and now < referral.start_date:
        return "ReferralStartDateInFuture"
    if referral.expiry_date is not None and now >= referral.expiry_date:
        return "ReferralExpired"
    if referral.usage_limit and referral.usage_counter >= referral.usage_limit:
        return "ReferralLimitReached"
    if advocate is None:
        return "AdvocateNotFound"
    if advocate.customer_id == friend.customer_id or referral.advocate_id == friend.profile_id:
        return "ReferralRecipientIdSameAsAdvocate"
    # a friend has to be known: otherwise everybody could be referred by himself
    if not friend.profile_id or referral.friend_id not in ("", friend.profile_id):
        return "ReferralRecipientDoesNotMatch"
    return "ReferralCustomerAlreadyReferred" if reading.uses else None
