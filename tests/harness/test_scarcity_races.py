"""Races of real processes for reservations, referral codes, giveaways, and budgets of stores.

Every race is run twice: on the engine as it is, and on one without a guard, where the same checks
must find something.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from habitue.promotions.campaign import Campaign
from habitue.store.database import Database
from habitue.store.giveaways import NewGiveaway, insert_giveaways
from habitue.usecases.configure.giveaways import PoolFields, create_pool
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.referrals import ReferralFields, ReferralOrder, create_referrals
from habitue.usecases.configure.stores import StoreFields, create_store
from tests.building import Draw, Till, item, rule
from tests.harness.budget_judge import budget_violations
from tests.harness.judge import violations
from tests.harness.planted import plant
from tests.harness.racer import reserve
from tests.harness.scarcity_judge import scarcity_violations
from tests.harness.supervisor import Job, Racers, Round
from tests.harness.test_races import hits

KEEP = rule("couponValid(False)", "reserveCoupon()")
FRIEND = rule("referralValid()", 'setDiscount("for a friend", 5)')
ONE_OFF = rule("session.total > 0", 'setDiscount("one off", 1)')
FEATURES = ("coupons", "referrals", "giveaways")
LAST_OF_THE_DAY = datetime(2026, 6, 15, 21, 59, 59, tzinfo=UTC)
FIRST_OF_THE_NEXT = datetime(2026, 6, 15, 22, 0, tzinfo=UTC)


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


def sessions(count: int, turn: int, **fields: object) -> list[Job]:
    """One session each of so many customers."""
    return [
        {
            "session_id": f"s{number}-{turn}",
            "profile_id": f"customer-{number}-{turn}",
            "price": "10",
            **fields,
        }
        for number in range(count)
    ]


async def judged(till: Till, found: Round, *, reserved_by_staff: bool = False) -> list[str]:
    """What is wrong after a round in which every job should have been served."""
    database = till.shop.database
    return [
        *found.errors,
        *(str(each) for each in found.all if "refused" in each),
        *await scarcity_violations(database, reserved_by_staff=reserved_by_staff),
        *await budget_violations(database),
        *await violations(database),
    ]


async def keepers(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 customers want a coupon kept for them that rules may keep for seven."""
    code = f"KEEP-{turn}"
    campaign = await till.campaign(KEEP, name=code)
    await till.coupon(campaign, code, usage_limit=0, reservation_limit=7)
    found = await processes.race(till, url, sessions(40, turn, coupon_codes=[code]))
    wrong = await judged(till, found)
    had = found.count(reserved=1, rejected=[])
    refused = found.count(reserved=0, rejected=["EffectCouldNotBeApplied"])
    if (had, refused) != (7, 33):
        wrong.append(f"{had} have it and {refused} were told that they have not, of 7")
    return wrong


async def test_a_coupon_is_kept_for_as_many_as_it_can_be(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await keepers(till, database_url, processes) == []


async def test_reservations_without_a_limit_are_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no limit of reservations")

    async def race(turn: int) -> list[str]:
        return await keepers(till, database_url, processes, turn)

    assert await hits(race, "reservations and a limit of 7")


def staff(code: str, turn: int, count: int, *, keeps: bool) -> list[Job]:
    """Staff reserve for the same five customers, or end it, again and again."""
    names = [f"customer-{number}-{turn}" for number in range(5)]
    return [
        {"reserve": code, "profile_ids": names[each % 3 :], "keeps": keeps} for each in range(count)
    ]


async def hard_reservations(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """Ten customers buy with a coupon that is kept for five of them, while staff reserve it."""
    code = f"MINE-{turn}"
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("mine", 1)'), name=code)
    await till.coupon(
        campaign, code, usage_limit=0, reservation_limit=1, is_reservation_mandatory=True
    )
    closing = sessions(10, turn, coupon_codes=[code], state="closed")
    jobs = [*staff(code, turn, 24, keeps=True), *closing, *staff(code, turn, 8, keeps=False)]
    early = await processes.race(till, url, jobs)
    wrong = await judged(till, early, reserved_by_staff=True)
    for job in staff(code, turn, 2, keeps=True):
        await reserve(till, **job)
    again = [{**each, "session_id": f"again-{each['session_id']}"} for each in closing]
    late = await processes.race(till, url, again)
    wrong += await judged(till, late, reserved_by_staff=True)
    theirs = [f"customer-{number}-{turn}" for number in range(5)]
    if sorted(buyers(late, code)) != theirs:
        wrong.append(f"it was kept for {theirs} and used by {buyers(late, code)}")
    if not set(buyers(early, code)) <= set(theirs):
        wrong.append(f"it was used by {buyers(early, code)}")
    if late.count(rejected=["CouponReservationRequired"]) != 5:
        wrong.append("whoever it is not kept for is told so")
    return wrong


def buyers(found: Round, code: str) -> list[str]:
    """Who used the coupon."""
    return [each["job"]["profile_id"] for each in found.all if each.get("accepted") == [code]]


async def test_a_coupon_that_is_kept_for_customers_is_theirs_alone(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await hard_reservations(till, database_url, processes) == []


async def test_reservations_that_are_counted_twice_are_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no reservation that is there already")

    async def race(turn: int) -> list[str]:
        return await hard_reservations(till, database_url, processes, turn)

    assert await hits(race, "reservations, not 5")


async def code_of_a_friend(till: Till, campaign: Campaign, advocate: str, limit: int) -> str:
    """A referral code of an advocate who is known."""
    await till.put(f"of-{advocate}", profile_id=advocate, cart_items=[item("tea", 1)])
    order = ReferralOrder(
        campaign_id=campaign.id,
        advocate_ids=(advocate,),
        fields=ReferralFields(usage_limit=limit),
        pointer="/advocate",
    )
    draw = Draw()
    for _ in range(campaign.id % 16):
        draw(1000)
    (made,) = await create_referrals(till.shop, till.application.id, order, draw, till.now)
    return made.code


async def friends(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 friends close with a code that five of them can use."""
    campaign = await till.campaign(FRIEND, name=f"friends {turn}")
    code = await code_of_a_friend(till, campaign, f"maria-{turn}", 5)
    jobs = sessions(40, turn, referral_code=code, state="closed")
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found)
    had = found.count(friend=[code], discount="5", refused_friend=[])
    refused = found.count(friend=[], discount="0", refused_friend=["ReferralLimitReached"])
    if (had, refused) != (5, 35):
        wrong.append(f"{had} friends had it and {refused} were refused, of 5")
    return wrong


async def test_a_referral_code_brings_as_many_friends_as_it_may(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await friends(till, database_url, processes) == []


async def test_a_referral_code_without_a_limit_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no limit of friends")

    async def race(turn: int) -> list[str]:
        return await friends(till, database_url, processes, turn)

    assert await hits(race, "friends and a limit of 5")


async def one_friend(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """One friend closes 16 sessions at once, with the codes of two advocates."""
    campaign = await till.campaign(FRIEND, name=f"one friend {turn}")
    codes = [
        await code_of_a_friend(till, campaign, f"maria-{turn}", 0),
        await code_of_a_friend(till, await till.campaign(FRIEND), f"anna-{turn}", 0),
    ]
    friend = f"friend-{turn}"
    await till.put(f"before-{turn}", profile_id=friend, cart_items=[item("tea", 1)])
    jobs = [
        {**job, "profile_id": friend, "referral_code": codes[number % 2]}
        for number, job in enumerate(sessions(16, turn, state="closed"))
    ]
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found)
    refused = found.count(friend=[], refused_friend=["ReferralCustomerAlreadyReferred"])
    if refused != 15:
        wrong.append(f"one friend was refused {refused} times, not 15")
    return wrong


async def test_a_friend_is_referred_once(till: Till, database_url: str, processes: Racers) -> None:
    assert await one_friend(till, database_url, processes) == []


async def test_a_friend_without_a_version_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no version of the customer")

    async def race(turn: int) -> list[str]:
        return await one_friend(till, database_url, processes, turn)

    assert await hits(race, "one friend was referred")


async def giveaways(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 customers close at once; the pool has 20 codes."""
    pool = await create_pool(till.shop, PoolFields(name=f"vouchers {turn}"), till.now)
    codes = [f"KEY-{turn}-{number}" for number in range(20)]
    rows = [NewGiveaway(pool.id, each, None, None, "{}", 0, till.now) for each in codes]
    await insert_giveaways(till.shop.database, rows)
    campaign = await till.campaign(
        rule("session.total > 0", f"awardGiveaway({pool.id})", 'setDiscount("and one", 1)'),
        name=f"giveaways {turn}",
        features=FEATURES,
    )
    found = await processes.race(till, url, sessions(40, turn, state="closed"))
    wrong = await judged(till, found)
    awarded = sorted(code for each in found.all for code in each.get("awarded", ()))
    if awarded != sorted(codes):
        wrong.append(f"{len(awarded)} codes were given, {len(set(awarded))} of them different")
    if found.count(awarded=[], discount="0") != 20:
        wrong.append("whoever gets no code gets nothing else of the rule either")
    await till.change_campaign(campaign, state="disabled")
    return wrong


async def test_the_codes_of_a_pool_are_given_to_one_customer_each(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await giveaways(till, database_url, processes) == []


async def test_giveaways_without_an_end_are_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no end of a giveaway")

    async def race(turn: int) -> list[str]:
        return await giveaways(till, database_url, processes, turn)

    assert await hits(race, "awards and a limit of 1")


async def stores_by_day(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """At midnight, 64 sessions close in two stores; each store has six for each day."""
    wish = LimitWish("setDiscount", Decimal(6), ("Store",), "daily")
    campaign = await till.campaign(ONE_OFF, name=f"stores {turn}", limits=(wish,))
    for place in ("berlin", "hamburg") if turn == 0 else ():
        fields = StoreFields(name=place, integration_id=place)
        await create_store(till.shop, till.application.id, fields, till.now)
    jobs = [
        {
            **job,
            "store_integration_id": ("berlin", "hamburg")[number % 2],
            "now": (LAST_OF_THE_DAY, FIRST_OF_THE_NEXT)[number // 2 % 2].isoformat(),
        }
        for number, job in enumerate(sessions(64, turn, state="closed"))
    ]
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found)
    for place in ("berlin", "hamburg"):
        for moment in (LAST_OF_THE_DAY, FIRST_OF_THE_NEXT):
            had = sum(
                each["discount"] == "1"
                for each in found.all
                if each["job"]["store_integration_id"] == place
                and each["job"]["now"] == moment.isoformat()
            )
            if had != 6:
                wrong.append(f"{had} had it in {place} at {moment}, not 6")
    await till.change_campaign(campaign, state="disabled")
    return wrong


async def test_each_store_gives_what_it_has_for_each_day(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await stores_by_day(till, database_url, processes) == []


async def test_a_budget_of_stores_without_an_end_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no end of a budget")

    async def race(turn: int) -> list[str]:
        return await stores_by_day(till, database_url, processes, turn)

    assert await hits(race, "and a limit of 6")
