"""Random registrations, updates and changes of identifiers, against an independent model.

After every step the answer is the model's, what is stored is the model's, and the judge of cards
finds nothing wrong. HABITUE_HISTORIES sets how many histories are made, HABITUE_HISTORY_STEPS how
long they are.
"""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from habitue.customers.change_identifiers import IdentifierCommand
from habitue.customers.lookup import lookup_of, place_of
from habitue.customers.registration import OfferedIdentifier, OfferedProfile, Registration
from habitue.model.errors import Refusal
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.card_writing import Written
from habitue.usecases.register_customer import register_customer
from habitue.usecases.shop import Shop
from habitue.usecases.update_customer import change_identifiers, update_customer
from habitue.usecases.writing import Reply
from tests.building import NOW
from tests.harness.card_judge import TABLES, Rows, card_rows, violations_in
from tests.harness.planted import plant
from tests.harness.registration_model import (
    NOBODYS,
    Identifier,
    People,
    Place,
    Refused,
    Told,
)

HISTORIES = int(os.environ.get("HABITUE_HISTORIES", "30"))
STEPS = int(os.environ.get("HABITUE_HISTORY_STEPS", "30"))

IDENTIFIERS = (
    *(("mobile", f"+659123450{number}") for number in range(3)),
    *(("email", f"person{number}@orchard.sg") for number in range(3)),
    *(("externalId", f"ORC{number}") for number in range(2)),
    *(("cuid", f"c{number}") for number in range(3)),
    NOBODYS,
)
ONE = st.sampled_from(IDENTIFIERS)
SOME = st.lists(ONE, min_size=1, max_size=3, unique=True)
FEW = st.lists(ONE, max_size=2, unique=True)
PLACES = st.sampled_from(
    [
        *((source, "") for source in ("INSTORE", "ECOMMERCE", "WEBSITE", "MARTJACK", "TMALL")),
        *(("WECHAT", account_id) for account_id in ("a", "b", "c")),
    ]
)
NUMBERS = st.integers(0, 100)
NAMES = st.sampled_from(["Meera", "Mira", "Tan"])
Answer = tuple[int, list[int]] | str


class World:
    """One database, and a loop to use it from synchronous code."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.shop = Shop(database)
        runner.run(self.shop.refresh())

    def answer(self, request: Coroutine[Any, Any, Reply], told: list[Written]) -> Answer:
        """Whose card it is now and who was joined into it, or the name of the refusal."""
        try:
            self.runner.run(request)
        except Refusal as refusal:
            return type(refusal).__name__
        return told[-1].customer_id, sorted(told[-1].decision.victims)

    async def emptied(self) -> None:
        """Nothing but the configuration is left."""
        for table in TABLES:
            await self.database.execute(f"DELETE FROM {table}")

    def register(self, told: Sequence[Told], name: str) -> Answer:
        profiles = tuple(
            OfferedProfile(
                source=source,
                account_id=account_id,
                told={"first_name": name},
                identifiers=_offered(listed),
            )
            for (source, account_id), listed in told
        )
        written: list[Written] = []
        request = register_customer(
            self.shop, Registration(profiles=profiles), NOW, _teller(written)
        )
        return self.answer(request, written)

    def rename(self, named: int | Identifier, place: Place, name: str) -> Answer:
        source, account_id = place
        profile = OfferedProfile(source=source, account_id=account_id, told={"first_name": name})
        target = named if isinstance(named, int) else lookup_of(place_of(*place), *named)
        written: list[Written] = []
        request = update_customer(
            self.shop, target, Registration(profiles=(profile,)), NOW, _teller(written)
        )
        return self.answer(request, written)

    def change(
        self, id_: int, place: Place, add: Sequence[Identifier], remove: Sequence[Identifier]
    ) -> Answer:
        source, account_id = place
        command = IdentifierCommand(
            source=source, account_id=account_id, add=_offered(add), remove=_offered(remove)
        )
        written: list[Written] = []
        request = change_identifiers(self.shop, id_, command, NOW, _teller(written))
        return self.answer(request, written)


def _offered(identifiers: Sequence[Identifier]) -> tuple[OfferedIdentifier, ...]:
    return tuple(OfferedIdentifier(kind=kind, value=value) for kind, value in identifiers)


def _teller(told: list[Written]) -> Any:
    def render(written: Written) -> Reply:
        told.append(written)
        return Reply(200, b"{}")

    return render


class History(RuleBasedStateMachine):
    """One history; `world` is set by the test."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.people = People()

    @initialize()
    def begin(self) -> None:
        self.world.runner.run(self.world.emptied())

    @rule(place=PLACES, listed=SOME, name=NAMES)
    def register(self, place: Place, listed: list[Identifier], name: str) -> None:
        self.registered([(place, listed)], name)

    @rule(places=st.lists(PLACES, min_size=2, max_size=2, unique=True), listed=SOME, others=SOME)
    def register_two(
        self, places: list[Place], listed: list[Identifier], others: list[Identifier]
    ) -> None:
        self.registered([(places[0], listed), (places[1], others)], "Meera")

    def registered(self, told: Sequence[Told], name: str) -> None:
        answer = self.world.register(told, name)
        new_id = -1 if isinstance(answer, str) else answer[0]
        self.same(answer, self.people.register, told, name, new_id)

    @precondition(lambda self: self.people.parts)
    @rule(number=NUMBERS, named=ONE, place=PLACES, name=NAMES, known=st.booleans())
    def rename(self, number: int, named: Identifier, place: Place, name: str, known: bool) -> None:
        """Another name is told, of a customer who is known by id or by an identifier."""
        target: int | Identifier = named
        if known:
            target, place = self.somebody(number), self.somewhere(number, place)
        if target != NOBODYS:
            self.same(
                self.world.rename(target, place, name), self.people.rename, target, place, name
            )

    @precondition(lambda self: self.people.parts)
    @rule(number=NUMBERS, place=PLACES, add=FEW, remove=FEW)
    def change(
        self, number: int, place: Place, add: list[Identifier], remove: list[Identifier]
    ) -> None:
        self.changed(number, place, add, remove)

    @precondition(lambda self: self.people.parts)
    @rule(number=NUMBERS, add=SOME)
    def add(self, number: int, add: list[Identifier]) -> None:
        """A place that knows the customer tells more of them."""
        self.changed(number, self.somewhere(number, ("", "")), add, [])

    @precondition(lambda self: self.people.parts)
    @rule(number=NUMBERS, count=st.integers(1, 2), add=FEW)
    def replace(self, number: int, count: int, add: list[Identifier]) -> None:
        """A place takes back what it has told."""
        id_ = self.somebody(number)
        place = self.somewhere(number, ("INSTORE", ""))
        told = [each for _, there, each in self.people.profiles(id_) if there == place]
        self.changed(number, place, add, list(told[0].identifiers)[:count] if told else [])

    def changed(
        self, number: int, place: Place, add: list[Identifier], remove: list[Identifier]
    ) -> None:
        if place[0]:
            id_ = self.somebody(number)
            answer = self.world.change(id_, place, add, remove)
            self.same(answer, self.people.change, id_, place, add, remove)

    def somewhere(self, number: int, otherwise: Place) -> Place:
        """A place that knows that somebody, if there is one."""
        places = [place for _, place, _ in self.people.profiles(self.somebody(number))]
        return places[number % len(places)] if places else otherwise

    def somebody(self, number: int) -> int:
        """Somebody who was registered, joined into another one or not."""
        ids = sorted(self.people.parts)
        return ids[number % len(ids)]

    def same(self, answer: Answer, change: Any, *arguments: Any) -> None:
        """The model gives that answer too, or refuses it under that name."""
        expected: Answer
        try:
            expected = change(*arguments)
        except Refused as refusal:
            expected = str(refusal)
        assert answer == expected

    @invariant()
    def what_is_stored_is_right(self) -> None:
        rows = self.world.runner.run(card_rows(self.world.database))
        assert violations_in(rows) == []
        assert _claims(rows) == {
            each: (self.people.find(root), root) for each, root in self.people.claims.items()
        }
        assert _parts(rows) == {
            (self.people.find(root), root): {
                place: (each.name, each.identifiers) for place, each in profiles.items()
            }
            for root, profiles in self.people.parts.items()
        }


def _claims(rows: Rows) -> dict[Identifier, tuple[int, int]]:
    return {
        (each["kind"], each["value"]): (each["customer_id"], each["root_id"] or each["customer_id"])
        for each in rows["customer_identifier"]
    }


def _parts(rows: Rows) -> dict[tuple[int, int], Any]:
    return {
        (row["customer_id"], row["root_id"]): {
            (profile["source"], profile["account_id"]): (
                profile["told"]["first_name"]["value"],
                {
                    (each["kind"], each["normal_form"]): each["identity"]
                    for each in profile["identifiers"]
                },
            )
            for profile in row["document"]["profiles"]
        }
        for row in rows["card_part"]
    }


def play(database_url: str, histories: int, *, bug: str | None = None) -> None:
    """Plays that many histories; with a planted bug always the same ones."""

    async def opened(stack: AsyncExitStack) -> Database:
        location = External(database_url)
        database = await stack.enter_async_context(open_database(location, pool_size_max=2))
        if bug is not None:
            await plant(database, bug)
        return database

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            History.world = World(runner, runner.run(opened(stack)))
            run_state_machine_as_test(
                History,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    derandomize=bug is not None or settings().derandomize,
                    phases=[Phase.generate] if bug else [Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())


def test_random_histories(database_url: str) -> None:
    play(database_url, HISTORIES)


@pytest.mark.parametrize(
    ("bug", "complaint"),
    [
        ("no release of the identifiers", "has no claim|has no identifier"),
        ("no end of old names", "is in no profile"),
    ],
)
def test_planted_bugs_are_found(database_url: str, bug: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        play(database_url, 100, bug=bug)
