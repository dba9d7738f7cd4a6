"""Opening the books of what an evaluation can issue."""

from datetime import datetime

from habitue.promotions.creations import CreationReading, Creations
from habitue.promotions.facts import ProfileFacts, readable
from habitue.promotions.giveaways import Giveaways
from habitue.promotions.issuing import Issuing
from habitue.promotions.program import Program
from habitue.promotions.referral import Friend, Referral, ReferralReading, referral_refusal
from habitue.promotions.referral_book import ReferralBook, Refusal
from habitue.promotions.resources import Resources
from habitue.promotions.tally import Tally


def issuing_of(
    program: Program,
    resources: Resources,
    friend: Friend,
    code: str,
    now: datetime,
    tally: Tally | None,
    *,
    closes: bool,
    evaluable: frozenset[int] | None = None,
) -> Issuing | None:
    """The books of an evaluation for that customer, whose session has that referral code, if any.

    None where neither a rule nor the request can need them.
    """
    if not program.issues and not code:
        return None
    reading = resources.referrals
    return _opened(
        program,
        Creations(resources.creations, program.application),
        Giveaways(resources.giveaways, closes=closes),
        _book(program, reading, friend, code, now, tally, evaluable) if code else None,
        reading,
    )


def issuing_again(program: Program, resources: Resources, code: str) -> Issuing | None:
    """The books of a closed session that is judged again: the code that it had accepted, if any,
    counts, what it made stands, and nothing else is made or given."""
    if not program.issues and not code:
        return None
    reading = resources.referrals
    made = CreationReading(made=resources.creations.made)
    book = ReferralBook(code, reading.referral, None, None) if code else None
    return _opened(
        program,
        Creations(made, program.application),
        Giveaways((), closes=False),
        book,
        reading,
    )


def _opened(
    program: Program,
    creations: Creations,
    giveaways: Giveaways,
    book: ReferralBook | None,
    reading: ReferralReading,
) -> Issuing:
    sandbox, advocate = program.application.sandbox, _advocate(program, reading)
    return Issuing(creations, giveaways, program.campaigns, program.pools, sandbox, book, advocate)


def _book(
    program: Program,
    reading: ReferralReading,
    friend: Friend,
    code: str,
    now: datetime,
    tally: Tally | None,
    evaluable: frozenset[int] | None,
) -> ReferralBook:
    referral = reading.referral
    refusal = None
    if referral is not None:
        ruleset_id = _running(program, referral, now, evaluable)
        cause = (referral.campaign_id, ruleset_id or 0, 0, "")
        if ruleset_id is None:
            refusal = Refusal("ReferralPartOfNotRunningCampaign", cause)
        else:
            reason = referral_refusal(reading, friend, now)
            refusal = None if reason is None else Refusal(reason, cause)
    return ReferralBook(code, referral, refusal, tally)


def _running(
    program: Program, referral: Referral, now: datetime, evaluable: frozenset[int] | None
) -> int | None:
    campaign = program.campaigns.get(referral.campaign_id)
    if campaign is None or campaign.active_ruleset_id is None:
        return None
    runs = campaign.runs(now) if evaluable is None else campaign.id in evaluable
    return campaign.active_ruleset_id if runs else None


def _advocate(program: Program, reading: ReferralReading) -> ProfileFacts | None:
    advocate = reading.advocate
    if advocate is None or reading.referral is None:
        return None
    return ProfileFacts(
        reading.referral.advocate_id,
        readable(advocate.attributes, program.fact_definitions.profile),
        created=advocate.created,
        last_activity=advocate.last_activity,
        customer_id=advocate.customer_id,
        closed_sessions=advocate.closed_sessions,
        total_sales=advocate.total_sales,
    )
