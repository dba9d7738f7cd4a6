"""Races between real processes, each with its own connections, on one database.

Every race is run twice: on the engine as it is, where nothing may be wrong, and on an engine with a
planted bug, where the same checks must find something. HABITUE_RACE_ROUNDS repeats the races.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from habitue.store.database import Database
from habitue.usecases.configure.limits import LimitWish
from tests.building import Till, item, rule
from tests.harness.judge import violations
from tests.harness.planted import plant
from tests.harness.supervisor import Job, Racers, Round, racers

PROCESSES = 8
ROUNDS = int(os.environ.get("HABITUE_RACE_ROUNDS", "1"))
PLANTED_TURNS_MAX = 8
FIVE_OFF = rule("couponValid()", 'setDiscount("5 off", 5)')


@pytest.fixture(scope="module")
def processes() -> Iterator[Racers]:
    with racers(PROCESSES) as started:
        yield started


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


async def hits(race: Callable[[int], Awaitable[list[str]]], words: str) -> bool:
    """Whether the race finds a planted bug, told in those words, within a few turns.

    On a busy machine requests may follow one another by chance, so one turn may miss it.
    """
    for turn in range(PLANTED_TURNS_MAX):
        if any(words in each for each in await race(turn)):
            return True
    return False


def closers(count: int, turn: int = 0, **fields: Any) -> list[Job]:
    """Sessions that close with the coupon."""
    return [
        {
            "session_id": f"s{number}-{turn}",
            "price": "10",
            "coupon_codes": ["SALE"],
            "state": "closed",
            **fields,
        }
        for number in range(count)
    ]


async def judged(till: Till, found: Round, *, sessions: int) -> list[str]:
    """What is wrong after a round in which every job should have been served."""
    print(f"{found.overlapping()} of {len(found.all)} requests overlapped another process")
    wrong = [*found.errors, *(str(each) for each in found.all if "refused" in each)]
    stored = await till.shop.database.fetchval("SELECT count(*) FROM session")
    if stored != sessions:
        wrong.append(f"{stored} sessions are stored, not {sessions}")
    return wrong + await violations(till.shop.database)


async def last_uses(
    till: Till, url: str, processes: Racers, limit: int, turn: int = 0
) -> tuple[Round, list[str]]:
    """200 sessions close at once, for a coupon that may be used `limit` times."""
    code = f"SALE-{turn}"
    await till.coupon(await till.campaign(FIVE_OFF), code, usage_limit=limit)
    found = await processes.race(till, url, closers(200, turn, coupon_codes=[code]))
    wrong = await judged(till, found, sessions=200 * (turn + 1))
    for count, facts in (
        (limit, {"state": "closed", "accepted": [code], "rejected": []}),
        (200 - limit, {"state": "closed", "accepted": [], "rejected": ["CouponLimitReached"]}),
    ):
        if found.count(**facts) != count:
            wrong.append(f"{found.count(**facts)} sessions report {facts}, not {count}")
    return found, wrong


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_the_last_uses_of_a_coupon(
    till: Till, database_url: str, processes: Racers, limit: int, round_: int
) -> None:
    found, wrong = await last_uses(till, database_url, processes, limit)
    assert wrong == []
    assert found.overlapping() >= 100


@pytest.mark.parametrize("limit", [1, 7])
async def test_a_counter_without_guard_is_found(
    till: Till, database_url: str, processes: Racers, limit: int
) -> None:
    await plant(till.shop.database, "no limit of uses")

    async def race(turn: int) -> list[str]:
        return (await last_uses(till, database_url, processes, limit, turn))[1]

    assert await hits(race, f"and a limit of {limit}")


async def one_customer(
    till: Till, url: str, processes: Racers, limit: int, turn: int = 0
) -> list[str]:
    """One customer closes 24 sessions at once, with a coupon that each may use `limit` times."""
    if turn == 0:
        wish = LimitWish("redeemCoupon", Decimal(limit), ("Profile",))
        await till.coupon(await till.campaign(FIVE_OFF, limits=(wish,)), usage_limit=0)
    customer = f"customer-{turn}"
    await till.put(f"before-{turn}", profile_id=customer, cart_items=[item("tea", 1)])
    found = await processes.race(till, url, closers(24, turn, profile_id=customer))
    wrong = await judged(till, found, sessions=25 * (turn + 1))
    accepted = found.count(accepted=["SALE"])
    refused = found.count(rejected=["ProfileLimitReached"])
    if (accepted, refused) != (limit, 24 - limit):
        wrong.append(f"{accepted} accepted and {refused} refused, of a limit of {limit}")
    return wrong


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("limit", [1, 3])
async def test_a_personal_limit_under_parallel_sessions(
    till: Till, database_url: str, processes: Racers, limit: int, round_: int
) -> None:
    assert await one_customer(till, database_url, processes, limit) == []


async def test_a_personal_limit_without_guard_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no version of the customer")

    async def race(turn: int) -> list[str]:
        return await one_customer(till, database_url, processes, 1, turn)

    assert await hits(race, "of a limit of 1")


async def one_session(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """50 updates of one session at once."""
    name = f"s{turn}"
    await till.put(name, cart_items=[item("tea", 1)])
    jobs: list[Job] = [{"session_id": name, "price": str(number)} for number in range(50)]
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found, sessions=turn + 1)
    counts = sorted(each.get("update_count", 0) for each in found.all)
    if counts != list(range(2, 52)):
        wrong.append(f"the update counts reported are {counts}")
    if (await till.read(name)).update_count != 51:
        wrong.append(f"the session counts {(await till.read(name)).update_count} updates")
    return wrong


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_fifty_updates_of_one_session_are_served_one_after_the_other(
    till: Till, database_url: str, processes: Racers, round_: int
) -> None:
    assert await one_session(till, database_url, processes) == []


async def test_lost_updates_are_found(till: Till, database_url: str, processes: Racers) -> None:
    await plant(till.shop.database, "no version of the customer")

    async def race(turn: int) -> list[str]:
        return await one_session(till, database_url, processes, turn)

    assert await hits(race, "the session counts")


async def test_waiting_for_a_row_that_is_held_ends_in_a_refusal(
    till: Till, database_url: str, processes: Racers
) -> None:
    await till.put("s1", profile_id="maria", cart_items=[item("tea", 1)])
    jobs: list[Job] = [{"session_id": "s1", "price": "2"} for _ in range(PROCESSES)]
    async with till.shop.database.transaction() as holder:
        await holder.execute("SELECT id FROM customer FOR UPDATE")
        found = await processes.race(till, database_url, jobs, lock_wait_seconds=0.2)
    assert found.count(refused="SessionBusy") == PROCESSES
    assert (await till.read("s1")).update_count == 1
    assert await violations(till.shop.database) == []


def same_names(kind: str, turn: int) -> list[Job]:
    """Every process creates the same ten customers, or the same ten sessions, or both, at once."""
    return [
        {
            "session_id": f"s{number}" + (f"-{process}" if kind == "customer" else ""),
            "profile_id": "" if kind == "session" else f"customer-{number}",
            "price": "1",
        }
        for number in range(10 * turn, 10 * turn + 10)
        for process in range(PROCESSES)
    ]


async def created(till: Till, url: str, processes: Racers, kind: str, turn: int = 0) -> list[str]:
    """What is wrong after all of them were created: ten of each kind that was shared per turn."""
    found = await processes.race(till, url, same_names(kind, turn))
    sessions = 10 * PROCESSES if kind == "customer" else 10
    wrong = await judged(till, found, sessions=sessions * (turn + 1))
    customers = await till.shop.database.fetchval("SELECT count(*) FROM customer")
    if customers != 10 * (turn + 1):
        wrong.append(f"{customers} customers are stored, not {10 * (turn + 1)}")
    if found.count(update_count=1) != sessions:
        wrong.append(f"{found.count(update_count=1)} sessions were created, not {sessions}")
    return wrong


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("kind", ["customer", "session", "both"])
async def test_what_is_created_at_once_under_one_id_is_one(
    till: Till, database_url: str, processes: Racers, kind: str, round_: int
) -> None:
    assert await created(till, database_url, processes, kind) == []


@pytest.mark.parametrize(
    ("bug", "kind"),
    [("no claim of the profile", "customer"), ("no claim of the session", "session")],
)
async def test_ids_without_claims_are_found(
    till: Till, database_url: str, processes: Racers, bug: str, kind: str
) -> None:
    await plant(till.shop.database, bug)

    async def race(turn: int) -> list[str]:
        return await created(till, database_url, processes, kind, turn)

    assert await hits(race, "customers are stored, not")


async def one_key(till: Till, url: str, processes: Racers, turn: int = 0) -> list[str]:
    """40 requests with one key at once, which name forty sessions so that they share nothing."""
    key = f"a{turn}" * 16
    jobs: list[Job] = [
        {"session_id": f"s{number}-{turn}", "price": "1", "key": key} for number in range(40)
    ]
    found = await processes.race(till, url, jobs)
    wrong = await judged(till, found, sessions=turn + 1)
    answers = {each.get("answer") for each in found.all}
    if len(answers) != 1:
        wrong.append(f"{len(answers)} different answers were given")
    return wrong


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_one_key_acts_once(
    till: Till, database_url: str, processes: Racers, round_: int
) -> None:
    assert await one_key(till, database_url, processes) == []


async def test_a_key_without_guard_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no receipt")

    async def race(turn: int) -> list[str]:
        return await one_key(till, database_url, processes, turn)

    assert await hits(race, "different answers")
