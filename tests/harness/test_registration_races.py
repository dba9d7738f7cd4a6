"""The same people are registered by many processes at once, under identifiers that overlap.

Sixteen processes each register every person once, in an order of their own. Whatever order that
comes to, there is one customer per person in the end, with everything that was told. As with the
other races, planted bugs show that the checks can find something. HABITUE_RACE_PEOPLE says how many
people there are.
"""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pytest

from habitue.store.database import Database
from tests.building import NOW
from tests.harness.card_judge import Rows, card_rows, key_of, violations_in
from tests.harness.planted import plant
from tests.harness.supervisor import Racers, Round, racers

PROCESSES = 16
PEOPLE = int(os.environ.get("HABITUE_RACE_PEOPLE", "300"))
PEOPLE_JOINED = max(1, PEOPLE // 8)
#: Few people, so that requests about the same one meet.
CROWD = 12
PLANTED_TURNS_MAX = 8
#: One source account for each process, if each shall have one of its own.
PLACES = (
    *(
        (source, "")
        for source in ("INSTORE", "MARTJACK", "TMALL", "TAOBAO", "JD", "ECOMMERCE", "WEBSITE")
    ),
    *(
        (source, f"account-{number}")
        for source in ("FACEBOOK", "WECHAT", "LINE")
        for number in range(3)
    ),
)
ALIKE = 12
KINDS = ("mobile", "email", "externalId", "cuid", "line")
#: Any two of them have an identifier in common.
OVERLAPPING = tuple(combinations(KINDS, 3))
#: Those without a common identifier become one person's by those that have the mobile and another.
SEPARATE = tuple((kind,) for kind in KINDS)
LINKING = (*(("mobile", kind) for kind in KINDS[1:]), ("mobile", "email", "line"))

assert len(PLACES) == PROCESSES


@pytest.fixture(scope="module")
def processes() -> Iterator[Racers]:
    with racers(PROCESSES, "tests.harness.registrar") as started:
        yield started


def identifier(person: int, kind: str) -> tuple[str, str]:
    """One of the identifiers of a person; its value is its normal form."""
    values = {
        "mobile": f"+6591{person:06d}",
        "email": f"person.{person}@orchard.sg",
        "externalId": f"ORC{person:06d}",
        "cuid": f"cuid-{person}",
        "line": f"line-{person}",
    }
    return kind, values[kind]


def told_by(
    process: int, people: Sequence[int], kinds: Sequence[Sequence[str]], places: int
) -> list[dict[str, Any]]:
    """What a process tells of all of them: a set of identifiers each, another one by each process,
    in an order of its own."""
    source, account_id = PLACES[process % places]
    jobs = [
        {
            "person": person,
            "told": [identifier(person, kind) for kind in kinds[(person + process) % len(kinds)]],
            "source": source,
            "account_id": account_id,
        }
        for person in people
    ]
    random.Random(process).shuffle(jobs)
    return jobs


async def registered(
    processes: Racers, url: str, people: Sequence[int], kinds: Sequence[Sequence[str]], places: int
) -> Round:
    """What came of it, when all have registered everybody."""
    shop = {"url": url, "now": NOW.isoformat(), "lock_wait_seconds": 30.0}
    jobs = (told_by(process, people, kinds, places) for process in range(PROCESSES))
    return await processes.start([{**shop, "jobs": each} for each in jobs])


def wrong_with_people(found: Round, rows: Rows, people: Sequence[int]) -> list[str]:
    """Whoever was not one customer, or whose customer lacks something that was told."""
    leads = {each["id"]: each["merged_into"] or each["id"] for each in rows["customer"]}
    owners = {each["claim_key"]: each["customer_id"] for each in rows["claim"]}
    places: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for part in rows["card_part"]:
        places[part["customer_id"]] += [
            (each["source"], each["account_id"]) for each in part["document"]["profiles"]
        ]
    customers: dict[int, set[int | None]] = {person: set() for person in people}
    told = defaultdict(list)
    for each in found.all:
        person = each["job"]["person"]
        for identifier_ in each["job"]["told"]:
            customers[person].add(owners.get(key_of(*identifier_)))
        if "customer_id" in each:
            customers[person].add(leads.get(each["customer_id"]))
            told[person].append((each["job"]["source"], each["job"]["account_id"]))
    wrong = [
        f"person {person} is the customers {ids}"
        for person, ids in customers.items()
        if len(ids) > 1
    ]
    for person, (id_, *_) in customers.items():
        missing = Counter(told[person]) - Counter(places[id_ or 0])
        added = Counter(places[id_ or 0]) - Counter(told[person])
        if missing or added:
            wrong.append(f"person {person} lacks {dict(missing)} and has {dict(added)} too much")
    return wrong


async def judged(database: Database, found: Round, people: Sequence[int], total: int) -> list[str]:
    """What is wrong when there should be cards of `total` people, and nobody else's."""
    rows = await card_rows(database)
    standing = sum(each["merged_into"] is None for each in rows["customer"])
    wrong = [*found.errors]
    if standing != total:
        wrong.append(f"there are {standing} customers of {total} people")
    return [*wrong, *wrong_with_people(found, rows, people), *violations_in(rows)]


async def one_person_each(
    processes: Racers, database: Database, url: str, people: Sequence[int], total: int
) -> tuple[Round, list[str]]:
    """All sets of identifiers overlap; four processes repeat the source accounts of four others."""
    found = await registered(processes, url, people, OVERLAPPING, ALIKE)
    wrong = await judged(database, found, people, total)
    refused = found.count(refused="CustomerExists")
    expected = (PROCESSES - ALIKE) * len(people)
    if refused != expected:
        wrong.append(f"{refused} were refused as known, not {expected}")
    others = len(found.all) - refused - found.count(merged=0)
    if others:
        wrong.append(f"{others} requests came to something else")
    return found, wrong


async def test_sixteen_processes_register_the_same_people(
    processes: Racers, database: Database, database_url: str
) -> None:
    people = range(PEOPLE)
    found, wrong = await one_person_each(processes, database, database_url, people, PEOPLE)
    assert wrong == []
    assert await database.fetchval("SELECT count(*) FROM customer") == PEOPLE
    assert found.together("person") >= PEOPLE // 10


async def joined_later(
    processes: Racers, database: Database, url: str, people: Sequence[int], total: int
) -> tuple[Round, list[str]]:
    """Cards that have nothing in common at first, until somebody tells what they have."""
    found = await registered(processes, url, people, (*SEPARATE, *LINKING), PROCESSES)
    wrong = await judged(database, found, people, total)
    served = sum("customer_id" in each for each in found.all)
    if served != PROCESSES * len(people):
        others = Counter(each.get("refused") for each in found.all)
        wrong.append(f"{served} requests were served; the others: {others}")
    return found, wrong


async def test_cards_that_turn_out_to_be_one_persons_are_joined(
    processes: Racers, database: Database, database_url: str
) -> None:
    people = range(PEOPLE_JOINED)
    found, wrong = await joined_later(processes, database, database_url, people, PEOPLE_JOINED)
    assert wrong == []
    merges = await database.fetchval("SELECT count(*) FROM customer_merge")
    customers = await database.fetchval("SELECT count(*) FROM customer")
    assert customers == PEOPLE_JOINED + merges
    assert merges == sum(each["merged"] for each in found.all)
    assert merges >= PEOPLE_JOINED // 2


@pytest.mark.parametrize(
    ("bug", "words"),
    [("no claim of the identifiers", "has no claim"), ("no version of the customer", "lacks")],
)
async def test_registrations_without_guard_are_found(
    processes: Racers, database: Database, database_url: str, bug: str, words: str
) -> None:
    await plant(database, bug)
    for turn in range(PLANTED_TURNS_MAX):
        people = range(turn * CROWD, (turn + 1) * CROWD)
        _, wrong = await one_person_each(processes, database, database_url, people, people.stop)
        if any(words in each for each in wrong):
            return
    raise AssertionError(f"{bug} was not found")
