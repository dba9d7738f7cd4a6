"""Many who want one card at once, each on a connection of its own; and what the guard is for."""

import asyncio
from collections import Counter

from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Refusal
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.change_program_card import link_profile, read_card, transfer_card
from habitue.usecases.shop import Shop, ShopSettings
from tests.building import Till, item, rule
from tests.harness.planted import plant
from tests.loyalty.points_machine import NOW
from tests.usecases.points_shop import add_customer, complaints, open_club
from tests.usecases.points_till import club_of
from tests.usecases.test_program_cards import Club

PEOPLE = 24
LIMIT = 5
PATIENT = ShopSettings(lock_wait_seconds=120)


async def opened(database: Database) -> Club:
    """A card that many want to be linked to."""
    shop, program = await open_club(database, card_based=True, users_per_card=LIMIT)
    club = Club(shop, program)
    for number in range(PEOPLE):
        await add_customer(database, f"person-{number}")
    await club.make("one-card")
    return club


async def attempt(database: Database, program: LoyaltyProgram, number: int) -> str:
    """What becomes of one of them, whose shop, and so whose queue, is its own."""
    shop = Shop(database, PATIENT)
    await shop.refresh()
    try:
        await link_profile(shop, program, "one-card", f"person-{number}", NOW)
    except Refusal as refusal:
        return type(refusal).__name__
    return "linked"


async def race(url: str, program: LoyaltyProgram) -> Counter[str]:
    """All of them at once."""
    async with open_database(
        External(url), pool_size_max=PEOPLE, patience_seconds=120, lock_wait_seconds=120
    ) as database:
        await asyncio.gather(*(database.fetchval("SELECT pg_sleep(0.05)") for _ in range(PEOPLE)))
        told = await asyncio.gather(*(attempt(database, program, each) for each in range(PEOPLE)))
    return Counter(told)


async def test_a_card_has_no_more_profiles_than_it_may(
    database: Database, database_url: str
) -> None:
    club = await opened(database)
    assert await race(database_url, club.program) == {
        "linked": LIMIT,
        "CardRefused": PEOPLE - LIMIT,
    }
    assert len((await club.read("one-card")).links) == LIMIT


async def test_without_the_guard_it_has_more(database: Database, database_url: str) -> None:
    await plant(database, "no version of the program's card")
    club = await opened(database)
    assert (await race(database_url, club.program))["linked"] > LIMIT


async def test_points_that_are_given_while_a_card_is_replaced_are_not_lost(
    database: Database, database_url: str
) -> None:
    club = await opened(database)
    clubs = [Club(Shop(database, PATIENT), club.program) for _ in range(8)]
    for each in clubs:
        await each.shop.refresh()

    async def give(each: Club) -> str:
        try:
            await each.give("one-card", 1)
        except Refusal as refusal:
            return type(refusal).__name__
        return "given"

    async def replace() -> str:
        await transfer_card(club.shop, club.program, "one-card", "two-card", "", NOW)
        return "replaced"

    told = Counter(await asyncio.gather(*map(give, clubs[:4]), replace(), *map(give, clubs[4:])))
    assert set(told) <= {"given", "replaced", "CardRefused"}
    assert await club.active("two-card") == told["given"]
    assert await club.active("one-card") == 0
    old = await read_card(club.shop, database, club.program, "one-card")
    assert old.new_identifier == "two-card"
    assert await complaints(database) == []


async def pay(database: Database, till: Till, number: int) -> bool:
    """Whether a session of somebody's, at a till of its own, was paid for with the card."""
    shop = Shop(database, PATIENT)
    await shop.refresh()
    paid = await Till(shop, till.application).put(
        f"s{number}",
        profile_id=f"person-{number}",
        cart_items=[item("tea", 10)],
        loyalty_cards=("one-card",),
        state="closed",
    )
    return bool(paid.decision.effects)


async def paying(database: Database, url: str) -> tuple[int, Club]:
    """How many of all pay ten points with a card, which they may while it has more than 30 of its
    65; and the card."""
    till = await Till.opened(database)
    club = Club(till.shop, await club_of(till, card_based=True))
    await club.make("one-card")
    await club.give("one-card", 65)
    id_ = club.program.id
    pays = f'deductLoyaltyPoints("pays", {id_}, "", 10)'
    await till.campaign(rule(f"loyaltyBalance({id_}) > 30", pays))
    async with open_database(
        External(url), pool_size_max=PEOPLE, patience_seconds=120, lock_wait_seconds=120
    ) as many:
        await asyncio.gather(*(many.fetchval("SELECT pg_sleep(0.05)") for _ in range(PEOPLE)))
        everybody = (pay(many, till, each) for each in range(PEOPLE))
        told = await asyncio.gather(*everybody, return_exceptions=True)
    return sum(each is True for each in told), club


async def test_many_tills_do_not_overspend_a_card(database: Database, database_url: str) -> None:
    paid, club = await paying(database, database_url)
    assert paid == 4
    assert await club.active("one-card") == 25
    assert await complaints(database) == []


async def test_without_both_guards_they_do(database: Database, database_url: str) -> None:
    await plant(database, "no version of the program's card")
    await plant(database, "no version of the account")
    paid, _ = await paying(database, database_url)
    assert paid > 4
