"""Several processes join the same cards and take them apart, while tills tell of them and sell.

Every race is run twice: on the engine as it is, where nothing may be wrong, and on an engine with a
planted bug, where the same checks must find something.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from habitue.store.database import Database
from tests.building import Till
from tests.harness.card_jobs import merge, tell
from tests.harness.joined import Joined
from tests.harness.judge import violations
from tests.harness.ownership import misplaced, owners_of, rows_of
from tests.harness.planted import plant
from tests.harness.supervisor import Job, Racers, Round, racers
from tests.harness.test_races import hits

PROCESSES = 4
PEOPLE = 4
JOBS = 80
PAIRS = 30


@pytest.fixture(scope="module")
def processes() -> Iterator[Racers]:
    with racers(PROCESSES) as started:
        yield started


def jobs_of(turn: int, ids: list[int]) -> list[Job]:
    """The jobs of one round; the same in every run."""
    draw = random.Random(turn)
    jobs: list[Job] = []
    for number in range(JOBS):
        name = f"p{turn}-{draw.randrange(PEOPLE)}"
        visit = {"session_id": f"s{turn}-{number}", "profile_id": name, "price": "10"}
        jobs += draw.choice(
            [
                [{"merge": draw.sample(ids, 2)}],
                [{"unmerge": draw.choice(ids)}],
                [{"tell": [name, {"City": f"c{number}"}]}],
                [{**visit, "state": "closed"}],
            ]
        )
    return jobs


async def born(till: Till, names: list[str]) -> list[int]:
    """The ids of new customers of those names."""
    for name in names:
        await tell(till, name, {"Name": name})
    rows = await rows_of(till.shop.database, ("customer_identifier",))
    ids = {each["value"]: each["customer_id"] for each in rows["customer_identifier"]}
    return [ids[name] for name in names]


async def among_few(till: Till, url: str, processes: Racers, turn: int) -> list[str]:
    """Everybody does everything to the same few people at once."""
    ids = await born(till, [f"p{turn}-{number}" for number in range(PEOPLE)])
    return await judged(till, await processes.race(till, url, jobs_of(turn, ids)))


async def in_pairs(till: Till, url: str, processes: Racers, turn: int) -> list[str]:
    """Many pairs are joined or taken apart, each while both are told of and one of them buys."""
    names = [f"{side}{turn}-{number}" for number in range(PAIRS) for side in "ab"]
    ids = await born(till, names)
    jobs: list[Job] = []
    for number in range(PAIRS):
        one, other = ids[2 * number : 2 * number + 2]
        a, b = names[2 * number : 2 * number + 2]
        visit = {"session_id": f"v{turn}-{number}", "profile_id": b, "price": "10"}
        if number % 2:
            await merge(till, one, other)
        jobs += [
            {"unmerge": other} if number % 2 else {"merge": [one, other]},
            {"tell": [a, {"City": "x"}]},
            {"tell": [a, {"Country": "y"}]},
            {"tell": [b, {"Language": "z"}]},
            {**visit, "state": "closed"},
        ]
    return await judged(till, await processes.race(till, url, jobs))


async def judged(till: Till, found: Round) -> list[str]:
    """What is wrong after a round, in sentences."""
    database = till.shop.database
    merged = sum("merged" in each for each in found.all)
    unmerged = sum("unmerged" in each for each in found.all)
    print(f"{merged} merges, {unmerged} undone, {found.overlapping()} requests overlapped")
    busy = [each for each in found.all if each.get("refused", "").endswith("Busy")]
    wrong = [*found.errors, *map(str, busy), *await violations(database)]
    rows = await rows_of(database)
    wrong += misplaced(rows, owners_of(rows))
    wrong += merge_violations(await rows_of(database, ("customer_merge", "customer")))
    wrong += await told_violations(database)
    if min(merged, unmerged) < 1:
        wrong.append(f"only {merged} merges and {unmerged} undone")
    return wrong


def merge_violations(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """A card that was joined is with the end of the chain of merges that stand."""
    standing = {
        each["victim_id"]: each["survivor_id"]
        for each in rows["customer_merge"]
        if each["undone_at"] is None
    }
    wrong = []
    for customer in rows["customer"]:
        end, steps = customer["id"], 0
        while end in standing and steps <= len(standing):
            end, steps = standing[end], steps + 1
        owner = customer["merged_into"] or customer["id"]
        if steps > len(standing) or end != owner:
            wrong.append(f"customer {customer['id']} is with {owner}, not {end}")
    return wrong


async def told_violations(database: Database) -> list[str]:
    """Attributes are what the history of changes and standing merges says, from its beginning."""
    rows = await rows_of(database, ("customer", "customer_change", "customer_merge"))
    standing = {
        each["id"]: ("merged", each["victim_id"], each["survivor_id"])
        for each in rows["customer_merge"]
        if each["undone_at"] is None
    }
    told = {
        each["id"]: ("told", each["root_id"], _told(each["changes"]))
        for each in rows["customer_change"]
        if each["kind"] == "attributes"
    }
    people = [each for each in rows["customer"] if not each["anonymous"]]
    log: list[tuple[Any, ...]] = [("born", each["id"]) for each in people]
    model = Joined(log + [event for _, event in sorted((standing | told).items())])
    expected = model.attributes()
    return [
        f"customer {each['id']} has {each['attributes']}, not {expected.get(each['id'])}"
        for each in people
        if each["merged_into"] is None and each["attributes"] != expected.get(each["id"])
    ]


def _told(changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["path"].removeprefix("attributes/"): each["after"] for each in changes}


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


async def test_merges_under_parallel_writes(
    till: Till, database_url: str, processes: Racers
) -> None:
    assert await among_few(till, database_url, processes, 0) == []
    assert await in_pairs(till, database_url, processes, 1) == []


async def test_a_merge_without_guard_is_found(
    till: Till, database_url: str, processes: Racers
) -> None:
    await plant(till.shop.database, "no version of the cards")

    async def race(turn: int) -> list[str]:
        return await in_pairs(till, database_url, processes, turn)

    assert await hits(race, ", not {")
