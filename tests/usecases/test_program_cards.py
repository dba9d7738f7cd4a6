"""Cards of a card-based program: made, linked, given points, replaced, deleted, erased."""

import asyncio
import json
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.loyalty.card import CardRefused, ProgramCard
from habitue.loyalty.ledger import Cause, balances_of
from habitue.loyalty.program import CardCodes, LoyaltyProgram
from habitue.loyalty.settling import settled
from habitue.loyalty.terms import Wish
from habitue.model.errors import InvalidInput, NotFound, Refusal
from habitue.store.configuration import new_ids
from habitue.store.database import Database
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points, deduct_points
from habitue.usecases.change_program_card import (
    card_points,
    delete_card,
    link_profile,
    read_card,
    set_card_status,
    transfer_card,
    unlink_profile,
)
from habitue.usecases.erase_customer import erase_card
from habitue.usecases.export_customer import export_customer
from habitue.usecases.make_program_cards import BatchWish, CardWish, make_batch, make_card
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import (
    add_customer,
    complaints,
    open_club,
    points_rows,
    save_program,
)

DRAW = random.Random(3).randrange
CODES = CardCodes(("0", "1", "2", "3"), "C-##")


@pytest.fixture
async def club(database: Database) -> "Club":
    shop, program = await open_club(
        database, card_based=True, card_codes=CODES, users_per_card=2, allow_subledger=True
    )
    return Club(shop, program)


class Club:
    """A card-based program in a shop."""

    def __init__(self, shop: Shop, program: LoyaltyProgram) -> None:
        self.shop = shop
        self.program = program

    async def make(self, identifier: str | None, *profiles: str, **fields: Any) -> ProgramCard:
        wish = CardWish(identifier, profiles=profiles, **fields)
        return await make_card(self.shop, self.program, wish, DRAW, NOW)

    async def read(self, identifier: str) -> ProgramCard:
        return await read_card(self.shop, self.shop.database, self.program, identifier)

    def query(self, identifier: str) -> PointsQuery:
        return PointsQuery(None, None, self.program.id, "", card=identifier)

    async def give(self, identifier: str, points: int, wish: Wish | None = None) -> None:
        given = Adjustment(uuid4(), Decimal(points), "", CAUSE, wish or Wish())
        await add_points(self.shop, self.query(identifier), identifier, given, NOW)

    async def take(self, identifier: str, points: int) -> None:
        taken = Adjustment(uuid4(), Decimal(points), "", CAUSE)
        await deduct_points(self.shop, self.query(identifier), identifier, taken, NOW)

    async def active(self, identifier: str) -> Decimal:
        state = await card_points(self.shop, self.shop.database, self.program, identifier, NOW)
        return balances_of(settled(state.ledger(""), state.program, NOW)).active


async def cards_rows(database: Database) -> list[Any]:
    """Everything that is stored of cards and points."""
    rows = await database.fetch(
        "SELECT to_jsonb(program_card) AS document FROM program_card "
        "UNION ALL SELECT to_jsonb(program_card_link) FROM program_card_link ORDER BY document"
    )
    return [[json.loads(row["document"]) for row in rows], await points_rows(database)]


async def test_a_card_has_points_and_the_books_close(database: Database, club: Club) -> None:
    card = await club.make("plastic-1")
    assert (card.status, card.links, card.generated) == ("active", (), False)
    await club.give("plastic-1", 50)
    await club.take("plastic-1", 20)
    assert await club.active("plastic-1") == 30
    state = await card_points(club.shop, database, club.program, "plastic-1", NOW)
    assert state.card is not None
    assert (state.customer_id, state.root_id) == (card.owner_id, card.owner_id)
    assert state.customer_version == state.card.version == 3
    assert await complaints(database) == []


async def test_identifiers_come_out_of_the_pattern_until_it_is_used_up(club: Club) -> None:
    card = await club.make(None)
    assert card.generated
    assert card.identifier.startswith("C-")
    assert len(card.identifier) == 4
    assert await make_batch(club.shop, club.program, BatchWish(15, "autumn"), DRAW, NOW) == 15
    with pytest.raises(InvalidInput) as used_up:
        await club.make(None)
    assert used_up.value.faults[0].title == "Used up"
    with pytest.raises(InvalidInput) as taken:
        await make_batch(club.shop, club.program, BatchWish(1, "autumn"), DRAW, NOW)
    assert taken.value.faults[0].pointer == "/batchId"


async def test_a_batch_is_made_whole_or_not_at_all(database: Database, club: Club) -> None:
    await club.make(None)
    before = await cards_rows(database)
    for wish in (
        BatchWish(16, "autumn"),
        BatchWish(0, "autumn"),
        BatchWish(20_001, "autumn"),
        BatchWish(1, "autumn", codes=CardCodes(("é",), "C-##")),
        BatchWish(1, "autumn", codes=CardCodes(("1",), "C##")),
    ):
        with pytest.raises(InvalidInput):
            await make_batch(club.shop, club.program, wish, DRAW, NOW)
    assert await cards_rows(database) == before


async def test_profiles_are_linked_up_to_the_limit(database: Database, club: Club) -> None:
    for name in ("ada", "bob", "cem"):
        await add_customer(database, name)
    await club.make("family", "ada")
    for _ in range(2):
        card = await link_profile(club.shop, club.program, "family", "bob", NOW)
    assert [each.integration_id for each in card.links] == ["ada", "bob"]
    before = await cards_rows(database)
    with pytest.raises(CardRefused):
        await link_profile(club.shop, club.program, "family", "cem", NOW)
    with pytest.raises(NotFound):
        await link_profile(club.shop, club.program, "family", "nobody", NOW)
    with pytest.raises(InvalidInput):
        await club.make("third", "nobody")
    with pytest.raises(InvalidInput):
        await club.make("third", "ada", "bob", "cem")
    assert await cards_rows(database) == before
    for _ in range(2):
        card = await unlink_profile(club.shop, club.program, "family", "ada", NOW)
    assert [each.integration_id for each in card.links] == ["bob"]


async def test_links_at_once_keep_the_limit(database: Database, club: Club) -> None:
    names = [f"person-{number}" for number in range(6)]
    for name in names:
        await add_customer(database, name)
    await club.make("family")
    others = [Shop(database) for _ in names]
    outcomes = await asyncio.gather(
        *(
            link_profile(shop, club.program, "family", name, NOW)
            for shop, name in zip(others, names, strict=True)
        ),
        return_exceptions=True,
    )
    linked = [each for each in outcomes if not isinstance(each, BaseException)]
    assert len(linked) == 2
    assert len((await club.read("family")).links) == 2
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert all(isinstance(each, Refusal) for each in refused)


async def test_points_at_once_are_all_there(database: Database, club: Club) -> None:
    await club.make("busy")
    clubs = [Club(Shop(database), club.program) for _ in range(4)]
    for each in clubs:
        await each.shop.refresh()
    await asyncio.gather(*(each.give("busy", 5) for each in clubs))
    assert await club.active("busy") == 20
    assert await complaints(database) == []


async def test_an_inactive_card_neither_earns_nor_spends(database: Database, club: Club) -> None:
    await club.make("paused")
    await club.give("paused", 5)
    for _ in range(2):
        card = await set_card_status(club.shop, club.program, "paused", "inactive", NOW)
    assert card.status == "inactive"
    before = await cards_rows(database)
    with pytest.raises(CardRefused):
        await club.give("paused", 5)
    with pytest.raises(CardRefused):
        await club.take("paused", 5)
    assert await cards_rows(database) == before
    await set_card_status(club.shop, club.program, "paused", "active", NOW)
    await club.take("paused", 5)
    assert await club.active("paused") == 0


async def test_a_card_is_replaced_for_good(database: Database, club: Club) -> None:
    await add_customer(database, "ada")
    old = await club.make("lost-one", "ada")
    await club.give("lost-one", 50)
    await club.make("taken")
    with pytest.raises(InvalidInput):
        await transfer_card(club.shop, club.program, "lost-one", "taken", "", NOW)
    for _ in range(2):
        await transfer_card(club.shop, club.program, "lost-one", "new-one", "lost", NOW)
    blocked, new = await club.read("lost-one"), await club.read("new-one")
    assert (blocked.status, blocked.block_reason) == ("inactive", "lost")
    assert (blocked.new_identifier, new.old_identifier) == ("new-one", "lost-one")
    assert (new.status, new.owner_id) == ("active", old.owner_id)
    assert [each.integration_id for each in new.links] == ["ada"]
    assert blocked.links == ()
    assert [await club.active(each) for each in ("new-one", "lost-one")] == [50, 0]
    before = await cards_rows(database)
    for refused in (
        set_card_status(club.shop, club.program, "lost-one", "active", NOW),
        link_profile(club.shop, club.program, "lost-one", "ada", NOW),
        club.give("lost-one", 1),
        transfer_card(club.shop, club.program, "lost-one", "third-one", "", NOW),
    ):
        with pytest.raises(CardRefused):
            await refused
    assert await cards_rows(database) == before
    await club.take("new-one", 50)
    assert await complaints(database) == []


async def test_a_deleted_card_leaves_books_that_close(database: Database, club: Club) -> None:
    await club.make("gone")
    await club.give("gone", 1_500, Wish(validity="1D"))
    await club.take("gone", 3)
    await delete_card(club.shop, club.program, "gone", uuid4(), Cause(), NOW)
    with pytest.raises(NotFound):
        await club.read("gone")
    with pytest.raises(NotFound):
        await club.give("gone", 1)
    assert await complaints(database) == []
    account = await database.fetchrow("SELECT issued, open, spent FROM loyalty_account")
    assert account is not None
    assert tuple(account.values()) == (0, 0, 0)
    again = await club.make("gone")
    assert await club.active("gone") == 0
    await settle_due(club.shop, NOW + timedelta(days=10))
    assert again.owner_id != 0


async def test_what_ends_by_itself_on_a_card_is_booked_by_the_job(
    database: Database, club: Club
) -> None:
    await club.make("short")
    await club.give("short", 8, Wish(validity="1h"))
    assert await settle_due(club.shop, NOW + timedelta(hours=2)) == 1
    account = await database.fetchrow("SELECT open, expired FROM loyalty_account")
    assert account is not None
    assert tuple(account.values()) == (0, 8)
    assert await complaints(database) == []


async def test_links_follow_their_customer_and_go_with_them(database: Database, club: Club) -> None:
    ada, bob = await add_customer(database, "ada"), await add_customer(database, "bob")
    await club.make("adas-card", "ada")
    await club.make("bobs-card", "bob")
    await merge_customers(club.shop, ada, bob, Actor(), MergeReason(kind="request"), NOW)
    card = await club.read("bobs-card")
    assert [(each.customer_id, each.root_id) for each in card.links] == [(ada, bob)]
    held = json.loads(await export_customer(club.shop, ada))
    assert [each["identifier"] for each in held["program_cards"]] == ["adas-card", "bobs-card"]
    await unmerge_customers(club.shop, bob, Actor(), NOW)
    card = await club.read("bobs-card")
    assert [(each.customer_id, each.root_id) for each in card.links] == [(bob, bob)]
    await club.give("bobs-card", 7)
    await erase_card(club.shop, bob, Actor(), NOW)
    assert (await club.read("bobs-card")).links == ()
    assert await club.active("bobs-card") == 7


async def test_a_number_of_the_registration_door_is_the_same_card(
    database: Database, club: Club
) -> None:
    ada = await add_customer(database, "ada")
    await database.execute(
        "INSERT INTO loyalty_card (number, series_id, label, status, customer_id, created, issued) "
        "VALUES ('000123', 1, 'ACTIVE', 'ACTIVE', $1, $2, $2)",
        ada,
        NOW,
    )
    card = await club.make("000123")
    assert [(each.integration_id, each.by_registration) for each in card.links] == [("ada", True)]
    await club.give("000123", 3)
    with pytest.raises(CardRefused):
        await unlink_profile(club.shop, club.program, "000123", "ada", NOW)
    await database.execute("UPDATE loyalty_card SET status = 'SUSPENDED'")
    card = await club.read("000123")
    assert (card.status, card.status_at(NOW)) == ("active", "inactive")
    with pytest.raises(CardRefused):
        await club.take("000123", 3)
    await database.execute("UPDATE loyalty_card SET status = 'ACTIVE', expiry = $1", NOW)
    assert (await club.read("000123")).status_at(NOW) == "inactive"
    assert (await club.read("000123")).status_at(NOW - timedelta(seconds=1)) == "active"
    assert await club.active("000123") == 3


BROKEN = {
    "points belong to no customer and no card": "UPDATE program_card SET owner_id = -id",
    "a card is linked to nobody who stands for themselves": "UPDATE customer SET erased = created",
    "a link leads to no card": "UPDATE program_card_link SET card_id = -card_id",
    "a card that was replaced is in use": "UPDATE program_card SET new_identifier = 'another'",
}


@pytest.mark.parametrize("complaint", BROKEN)
async def test_the_audit_finds_what_cannot_be(
    database: Database, club: Club, complaint: str
) -> None:
    await add_customer(database, "ada")
    await club.make("adas-card", "ada")
    await club.give("adas-card", 5)
    assert await complaints(database) == []
    await database.execute(BROKEN[complaint])
    assert complaint in await complaints(database)


@pytest.mark.parametrize("identifier", ["abc", "x" * 109, "a b c", "karte-ü", "card/1", ""])
async def test_what_is_no_identifier_is_refused(
    database: Database, club: Club, identifier: str
) -> None:
    with pytest.raises(InvalidInput):
        await club.make(identifier)
    assert (await cards_rows(database))[0] == []


async def test_programs_have_profiles_or_cards(database: Database, club: Club) -> None:
    await add_customer(database, "ada")
    given = Adjustment(UUID(int=1), Decimal(5), "", CAUSE)
    query = PointsQuery(UUID(int=2), None, club.program.id, "")
    with pytest.raises(InvalidInput):
        await add_points(club.shop, query, "ada", given, NOW)
    (id_,) = await new_ids(database, "loyalty_program")
    profiles = msgspec.structs.replace(club.program, id=id_, name="profiles", card_based=False)
    await save_program(club.shop, profiles)
    with pytest.raises(InvalidInput):
        await make_card(club.shop, profiles, CardWish("some-card"), DRAW, NOW)
    assert (await cards_rows(database))[0] == []
