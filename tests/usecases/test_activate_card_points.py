"""Points of cards that await an action: activated by their session, or by their transactions."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.card import CardRefused
from habitue.loyalty.ledger import Cause, balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import NotAwaiting
from habitue.loyalty.terms import Terms
from habitue.model.errors import NotFound
from habitue.store.configuration import new_ids
from habitue.store.database import Database
from habitue.store.loyalty import PointsQuery
from habitue.usecases.activate_points import (
    Activated,
    Answering,
    activate_session,
    activate_transactions,
)
from habitue.usecases.change_program_card import set_card_status
from habitue.usecases.make_program_cards import CardWish, make_card
from habitue.usecases.writing import Reply
from tests.building import NOW, Till
from tests.loyalty.points_machine import program
from tests.usecases.points_shop import act, complaints, read, save_program

DRAW = random.Random(5).randrange
KEY = UUID(int=1)


async def opened(till: Till) -> LoyaltyProgram:
    """A card-based program, with a card that a session has earned points for."""
    (id_,) = await new_ids(till.shop.database, "loyalty_program")
    plain = program(card_based=True)
    fields = {name: getattr(plain, name) for name in plain.__struct_fields__}
    club = await save_program(till.shop, LoyaltyProgram(**{**fields, "id": id_}))
    for name in ("its-card", "another"):
        await make_card(till.shop, club, CardWish(name), DRAW, NOW)
    await till.put("s1", profile_id="ada", loyalty_cards=("its-card",))
    await till.put("s2", profile_id="ada")
    session_id = (await till.read("s1")).id

    def earn(booking: Booking) -> None:
        cause = Cause("Cheese", session_id=session_id, session_key="s1", rule_name="earns")
        decide.earn(booking, KEY, Decimal(7), Terms(None, validity="10D"), cause)

    await act(till.shop, query(club), NOW, earn)
    return club


def query(club: LoyaltyProgram, card: str = "its-card") -> PointsQuery:
    return PointsQuery(None, None, club.id, "", card=card)


async def by_session(
    till: Till, club: LoyaltyProgram, session: str, now: datetime = NOW
) -> list[Activated]:
    """What becomes active with a session."""
    told: list[Activated] = []
    application_id = till.application.id
    await activate_session(
        till.shop, club, application_id, session, Cause(), now, Answering(_into(told))
    )
    return told


async def by_keys(till: Till, club: LoyaltyProgram, *keys: UUID) -> list[Activated]:
    """What becomes active with transactions."""
    told: list[Activated] = []
    await activate_transactions(till.shop, club, keys, Cause(), NOW, Answering(_into(told)))
    return told


def _into(told: list[Activated]) -> Callable[[Sequence[Activated]], Reply]:
    def render(activated: Sequence[Activated]) -> Reply:
        told[:] = activated
        return Reply(200, b"{}")

    return render


async def test_a_session_activates_the_points_of_its_card(till: Till) -> None:
    club = await opened(till)
    later = NOW + timedelta(days=1)
    (activated,) = await by_session(till, club, "s1", later)
    assert (activated.lot.key, activated.lot.start) == (KEY, later)
    assert activated.lot.expiry == later + timedelta(days=10)
    earned = activated.earned
    assert (earned.name, earned.session_key, earned.rule_name) == ("Cheese", "s1", "earns")
    told = balances_of(await read(till.shop, query(club), later))
    assert [told.active, told.pending] == [7, 0]
    for session in ("s1", "s2"):
        with pytest.raises(NotAwaiting):
            await by_session(till, club, session, later)
    with pytest.raises(NotFound):
        await by_session(till, club, "s3", later)
    assert await complaints(till.shop.database) == []


async def test_points_of_an_inactive_card_are_not_activated(till: Till, database: Database) -> None:
    club = await opened(till)
    await set_card_status(till.shop, club, "its-card", "inactive", NOW)
    with pytest.raises(CardRefused):
        await by_keys(till, club, KEY)
    await set_card_status(till.shop, club, "its-card", "active", NOW)
    with pytest.raises(NotAwaiting):
        await by_keys(till, club, KEY, uuid4())
    told = balances_of(await read(till.shop, query(club), NOW))
    assert [told.active, told.pending] == [0, 7]
    await by_keys(till, club, KEY)
    told = balances_of(await read(till.shop, query(club), NOW))
    assert [told.active, told.pending] == [7, 0]
    other = balances_of(await read(till.shop, query(club, "another"), NOW))
    assert [other.active, other.pending] == [0, 0]
    assert await complaints(database) == []
