"""Random histories of sessions that give and take points, in a real database, against the model.

HABITUE_HISTORIES sets how many histories are made, HABITUE_HISTORY_STEPS how long they are.
"""

import asyncio
import os
from contextlib import AsyncExitStack

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from habitue.loyalty.program import LoyaltyProgram
from habitue.promotions.campaign import Campaign
from habitue.store.database import Database, open_database
from habitue.store.location import External
from tests.building import Till, rule
from tests.harness.planted import plant
from tests.loyalty.points_machine import program
from tests.usecases.points_shop import save_program
from tests.usecases.points_sold import THANKS
from tests.usecases.points_till import club_of
from tests.usecases.session_points_machine import SessionsMachine

#: What points wait for and how long they last then, by the kind of the cart.
TERMS = {
    'session.attributes["kind"] == "now"': '"", ""',
    'session.attributes["kind"] == "later"': '"24h", "48h"',
    'session.attributes["kind"] == "action"': '"on_action", "30h"',
}
HISTORIES = int(os.environ.get("HABITUE_HISTORIES", "8"))
STEPS = int(os.environ.get("HABITUE_HISTORY_STEPS", "20"))


async def opened_till(
    database: Database, card_based: bool
) -> tuple[Till, LoyaltyProgram, Campaign]:
    """A till whose sessions pay first, and then earn for each unit; and the campaign by which an
    advocate earns as well."""
    till = await Till.opened(database)
    defaults = program()
    fields = ("tiers", "tiers_expiration", "tiers_expire_in", "tiers_downgrade")
    club = await club_of(till, card_based=card_based)
    named = {name: getattr(defaults, name) for name in fields}
    club = await save_program(till.shop, msgspec.structs.replace(club, **named))
    await till.attribute("CustomerSession", "kind", "string")
    await till.attribute("CustomerSession", "pays", "number")
    await till.campaign(
        rule(
            "session.attributes['pays'] > 0",
            f'deductLoyaltyPoints("pays", {club.id}, "", session.attributes["pays"])',
        ),
        *(rule(when, for_units(club, terms)) for when, terms in TERMS.items()),
    )
    bringing = await till.campaign(
        *(
            rule(
                f"referralValid() and {when}",
                for_units(club, f'{terms}, false, "Advocate"'),
                f'addLoyaltyPoints("thanks", {club.id}, "", {THANKS / 100}, {terms}, '
                'false, "Advocate")',
            )
            for when, terms in TERMS.items()
        )
    )
    return till, club, bringing


def for_units(club: LoyaltyProgram, terms: str) -> str:
    """An effect that gives the price of each unit."""
    price = "lambda item: item.price, session.cart_items"
    return f'addLoyaltyPointsPerItem("unit", {club.id}, "", {price}, {terms})'


def play(
    database_url: str, histories: int, *, card_based: bool = False, bug: str | None = None
) -> None:
    """Plays that many histories; with a planted bug always the same ones."""

    async def opened(stack: AsyncExitStack) -> tuple[Till, LoyaltyProgram, Campaign]:
        location = External(database_url)
        database = await stack.enter_async_context(open_database(location, pool_size_max=2))
        if bug is not None:
            await plant(database, bug)
        return await opened_till(database, card_based)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            SessionsMachine.runner = runner
            till, club, bringing = runner.run(opened(stack))
            SessionsMachine.till, SessionsMachine.club = till, club
            SessionsMachine.bringing = bringing
            run_state_machine_as_test(
                SessionsMachine,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    derandomize=bug is not None or settings().derandomize,
                    report_multiple_bugs=False,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("card_based", [False, True])
def test_random_histories(database_url: str, card_based: bool) -> None:
    play(database_url, HISTORIES, card_based=card_based)


@pytest.mark.parametrize(
    "bug", ["no reading of what a session spent", "no rollback of what others were given"]
)
def test_a_planted_bug_is_found(database_url: str, bug: str) -> None:
    with pytest.raises(AssertionError):
        play(database_url, 60, bug=bug)
