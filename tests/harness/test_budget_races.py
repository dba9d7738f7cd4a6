"""Races of real processes for budgets: everything is given out, and not the smallest unit more.

Every race is run twice: on the engine as it is, and on one without a guard, where the same checks
must find something.
"""

from decimal import Decimal

import pytest

from habitue.promotions.campaign import StoreBudget
from habitue.store.database import Database
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.store_budgets import create_store_budget
from habitue.usecases.configure.stores import StoreFields, create_store
from tests.building import Till, item, rule
from tests.harness.budget_judge import budget_violations
from tests.harness.judge import violations
from tests.harness.planted import plant
from tests.harness.supervisor import Job, Racers, Round
from tests.harness.test_races import hits

UNIT = Decimal("0.25")
UNIT_OFF = rule("session.total > 0", f'setDiscount("a unit off", {UNIT})')
CARD = rule("couponValid()", 'setDiscount("gift card", 10)')


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


async def judged(till: Till, found: Round, discount: str, count: int) -> list[str]:
    """What is wrong after a round in which `count` sessions should have had the discount."""
    wrong = [*found.errors, *(str(each) for each in found.all if "refused" in each)]
    if found.count(discount=discount) != count:
        wrong.append(f"{found.count(discount=discount)} sessions had {discount}, not {count}")
    database = till.shop.database
    return [*wrong, *await budget_violations(database), *await violations(database)]


def closers(count: int, turn: int, **fields: object) -> list[Job]:
    return [
        {"session_id": f"s{number}-{turn}", "price": "10", "state": "closed", **fields}
        for number in range(count)
    ]


async def hundred_units(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """150 sessions close at once; the campaign has 100 units."""
    wish = LimitWish("setDiscount", 100 * UNIT)
    campaign = await till.campaign(UNIT_OFF, name=f"campaign {turn}", limits=(wish,))
    found = await processes.race(till, url, closers(150, turn))
    wrong = await judged(till, found, str(UNIT), 100)
    await till.change_campaign(campaign, state="disabled")
    return wrong


async def test_a_hundred_units_are_given_to_a_hundred_of_150_sessions(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await hundred_units(till, database_url, processes) == []
    remaining = await till.shop.database.fetchval("SELECT sum(remaining) FROM budget_slot")
    assert remaining == 0


async def test_closings_and_cancellations_leave_the_budget_as_it_was(
    till: Till, database_url: str, processes: Racers
) -> None:
    await till.campaign(UNIT_OFF, limits=(LimitWish("setDiscount", 40 * UNIT),))
    await processes.race(till, database_url, closers(40, 0))
    jobs: list[Job] = [{"session_id": f"s{each}-0", "state": "cancelled"} for each in range(40)]
    both = [job for pair in zip(jobs, closers(40, 1), strict=True) for job in pair]
    found = await processes.race(till, database_url, both)
    assert found.errors == []
    assert await budget_violations(till.shop.database) == []
    again = await processes.race(till, database_url, closers(40, 2))
    had = found.count(state="closed", discount=str(UNIT))
    assert await judged(till, again, str(UNIT), 40 - had) == []


@pytest.mark.parametrize("bug", ["no end of a budget", "no end of a slot"])
async def test_a_budget_without_an_end_is_found(
    till: Till, database_url: str, processes: Racers, bug: str
) -> None:
    await plant(till.shop.database, bug)

    async def race(turn: int) -> list[str]:
        return await hundred_units(till, database_url, processes, turn)

    assert await hits(race, "and a limit of 25")


async def store_units(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """90 sessions close at once in two stores; one may give 20 units and the other 30."""
    shop, place = till.shop, till.application.id
    ids = []
    for name in (f"BER-{turn}", f"BN-{turn}"):
        store = await create_store(
            shop, place, StoreFields(name=name, integration_id=name), till.now
        )
        ids.append(store.id)
    campaign = await till.campaign(UNIT_OFF, name=f"stores {turn}", linked_store_ids=tuple(ids))
    budget = StoreBudget("setDiscount", {ids[0]: 20 * UNIT, ids[1]: 30 * UNIT})
    await create_store_budget(shop, (place, campaign.id), budget, ids, till.now)
    jobs = [
        {**job, "store_integration_id": f"{('BER', 'BN')[number % 2]}-{turn}"}
        for number, job in enumerate(closers(90, turn))
    ]
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found, str(UNIT), 50)
    await till.change_campaign(campaign, state="disabled")
    return wrong


async def test_each_store_gives_its_own_units_to_the_last(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await store_units(till, database_url, processes) == []
    remaining = await till.shop.database.fetchval("SELECT sum(remaining) FROM budget_slot")
    assert remaining == 0


async def test_a_stores_budget_without_an_end_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no end of a budget")

    async def race(turn: int) -> list[str]:
        return await store_units(till, database_url, processes, turn)

    assert await hits(race, "setDiscount/StoreBudget has uses of")


async def gift_card(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 sessions close at once with a card that is worth five of them."""
    code = f"CARD-{turn}"
    campaign = await till.campaign(CARD, name=code)
    await till.coupon(campaign, code, usage_limit=0, discount_limit=Decimal(50))
    found = await processes.race(till, url, closers(40, turn, coupon_codes=[code]))
    return await judged(till, found, "10", 5)


async def test_a_gift_card_is_spent_once(till: Till, database_url: str, processes: Racers) -> None:
    assert await gift_card(till, database_url, processes) == []


async def test_a_gift_card_without_an_end_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no end of a gift card")

    async def race(turn: int) -> list[str]:
        return await gift_card(till, database_url, processes, turn)

    assert await hits(race, "of 50")


async def one_customer(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """One customer closes 16 sessions at once; each customer has three units."""
    if turn == 0:
        wish = LimitWish("setDiscount", 3 * UNIT, ("Profile",))
        await till.campaign(UNIT_OFF, limits=(wish,))
    customer = f"customer-{turn}"
    await till.put(f"before-{turn}", profile_id=customer, cart_items=[item("tea", 1)])
    found = await processes.race(till, url, closers(16, turn, profile_id=customer))
    return await judged(till, found, str(UNIT), 3)


async def test_a_customer_has_what_each_customer_has(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await one_customer(till, database_url, processes) == []


async def test_a_customer_without_a_version_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no version of the customer")

    async def race(turn: int) -> list[str]:
        return await one_customer(till, database_url, processes, turn)

    assert await hits(race, "not 3")


COUNTING = rule("couponValid()", 'updateAttribute("Coupon.Attributes.seen", 1, "increaseBy")')


async def counted_sessions(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 sessions close at once with a coupon that a rule counts them on."""
    if turn == 0:
        await till.attribute("Coupon", "seen", "number")
    code = f"SEEN-{turn}"
    campaign = await till.campaign(COUNTING, name=code)
    await till.coupon(campaign, code, usage_limit=0)
    found = await processes.race(till, url, closers(40, turn, coupon_codes=[code]))
    statement = "SELECT (attributes ->> 'seen')::numeric::integer FROM coupon WHERE code = $1"
    seen = await till.shop.database.fetchval(statement, code)
    wrong = await judged(till, found, "0", 40)
    return wrong if seen == 40 else [*wrong, f"{seen} of 40 sessions were counted"]


async def test_every_session_is_counted_on_the_coupon(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await counted_sessions(till, database_url, processes) == []


async def test_an_attribute_without_a_guard_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no guard of a code's attribute")

    async def race(turn: int) -> list[str]:
        return await counted_sessions(till, database_url, processes, turn)

    assert await hits(race, "of 40 sessions were counted")
