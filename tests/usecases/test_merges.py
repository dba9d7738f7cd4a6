"""Joining cards and taking them apart: what moves, what is refused, what goes home."""

from decimal import Decimal
from typing import Any

import pytest

from habitue.customers.card import Actor
from habitue.customers.merge import (
    MergedWithItself,
    NotMerged,
    SandboxMixed,
    SurvivorMerged,
    VictimMerged,
)
from habitue.customers.refusals import CustomerNotFound
from habitue.model.errors import Refusal
from habitue.model.numbers import ZERO
from habitue.store.database import Database
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.building import Till, item, outcomes, rule
from tests.harness.card_jobs import merge, tell, unmerge
from tests.harness.judge import violations
from tests.harness.ownership import belongings, misplaced, owners_of, place, rows_of
from tests.harness.parts import give_part
from tests.usecases.test_idempotent_updates import key

CART = [item("tea", 10)]
FIVE_OFF = rule("couponValid()", 'setDiscount("5 off", 5)')


async def id_of(till: Till, profile_id: str) -> int:
    """The customer who was born under that profile id, or holds it now."""
    found = await till.shop.database.fetchval(
        "SELECT coalesce(root_id, customer_id) FROM customer_identifier WHERE value = $1",
        profile_id,
    )
    assert found is not None
    return int(found)


async def customer(database: Database, id_: int) -> dict[str, Any]:
    (found,) = [each for each in (await rows_of(database))["customer"] if each["id"] == id_]
    return found


@pytest.fixture
async def pair(till: Till) -> tuple[int, int]:
    """Anna and Berta, each with a closed session and attributes of their own."""
    await tell(till, "anna", {"Name": "Anna", "City": "Aachen"})
    await tell(till, "berta", {"Name": "Berta", "Country": "Belgium"})
    await till.put("a1", profile_id="anna", cart_items=CART, state="closed")
    await till.put("b1", profile_id="berta", cart_items=[item("tea", "2.50", 2)], state="closed")
    return await id_of(till, "anna"), await id_of(till, "berta")


async def consistent(till: Till) -> None:
    rows = await rows_of(till.shop.database)
    assert misplaced(rows, owners_of(rows)) == []
    assert await violations(till.shop.database) == []


async def test_everything_moves_to_the_survivor(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    assert await merge(till, anna, berta) == anna
    rows = await rows_of(till.shop.database)
    for table in ("claim", "customer_identifier", "session", "session_event"):
        assert {each["customer_id"] for each in rows[table]} == {anna}, table
        assert {each["root_id"] for each in rows[table]} == {None, berta}, table
    found = await customer(till.shop.database, anna)
    assert found["attributes"] == {"Name": "Anna", "City": "Aachen", "Country": "Belgium"}
    assert (found["session_count"], found["closed_sessions"], found["total_sales"]) == (2, 2, 15)
    frozen = await customer(till.shop.database, berta)
    assert frozen["merged_into"] == anna
    assert frozen["attributes"] == {"Name": "Berta", "Country": "Belgium"}
    assert (frozen["session_count"], frozen["total_sales"]) == (1, 5)
    assert (await till.read("b1")).customer_id == anna
    await consistent(till)


async def test_the_merge_is_on_record(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    await merge(till, anna, berta)
    (found,) = (await rows_of(till.shop.database, ("customer_merge",)))["customer_merge"]
    assert (found["victim_id"], found["survivor_id"], found["undone_at"]) == (berta, anna, None)
    assert found["actor"]["kind"] == "STAFF"
    assert found["reason"]["comment"] == "the same person"
    manifest = found["manifest"]
    assert manifest["roots"] == [berta]
    assert len(manifest["claims"]) == 2
    assert len(manifest["sessions"]) == 1
    assert manifest["victim"]["attributes"] == {"Name": "Berta", "Country": "Belgium"}
    assert manifest["survivor"]["attributes"] == {"Name": "Anna", "City": "Aachen"}
    assert {name: manifest["moved"][name] for name in ("claim", "session", "session_event")} == {
        "claim": 2,
        "session": 1,
        "session_event": 1,
    }


async def test_a_merge_that_is_undone_at_once_has_never_been(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await till.send("b2", key("k"), b"answer", profile_id="berta", cart_items=CART)
    before = await belongings(till.shop.database)
    await merge(till, anna, berta)
    assert await belongings(till.shop.database) != before
    assert await unmerge(till, berta) == [berta]
    assert await belongings(till.shop.database) == before
    merges = (await rows_of(till.shop.database, ("customer_merge",)))["customer_merge"]
    assert [each["undone_by"]["kind"] for each in merges] == ["STAFF"]


async def test_loyalty_cards_and_parts_move_too(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    database = till.shop.database
    await give_part(database, berta, berta)
    for number, owner in (("A1", anna), ("B1", berta)):
        await database.execute(
            "INSERT INTO loyalty_card (number, series_id, label, status, customer_id, created)"
            " VALUES ($1, 1, 'Issued', 'ISSUED', $2, $3)",
            number,
            owner,
            till.now,
        )

    async def places() -> list[tuple[Any, ...]]:
        rows = await rows_of(database)
        cards = [(each["number"], *place(each), each["version"]) for each in rows["loyalty_card"]]
        return sorted(cards) + [("part", *place(each)) for each in rows["card_part"]]

    assert await places() == [
        ("A1", anna, anna, 1),
        ("B1", berta, berta, 1),
        ("part", berta, berta),
    ]
    await merge(till, anna, berta)
    assert await places() == [("A1", anna, anna, 1), ("B1", anna, berta, 2), ("part", anna, berta)]
    await unmerge(till, berta)
    assert await places() == [
        ("A1", anna, anna, 1),
        ("B1", berta, berta, 3),
        ("part", berta, berta),
    ]


async def test_others_are_not_touched(till: Till, pair: tuple[int, int]) -> None:
    await tell(till, "carla", {"Name": "Carla"})
    await till.put("c1", profile_id="carla", cart_items=CART, state="closed")
    await till.put("guest", cart_items=CART)
    carla = await id_of(till, "carla")
    guest = (await till.read("guest")).customer_id

    async def of_others() -> list[Any]:
        rows = await rows_of(till.shop.database)
        return [
            each
            for table, found in rows.items()
            for each in found
            if each.get("id" if table == "customer" else "customer_id") in {carla, guest}
        ]

    before = await of_others()
    assert len(before) >= 6
    await merge(till, *pair)
    assert await of_others() == before
    await unmerge(till, pair[1])
    assert await of_others() == before


async def test_what_arrives_after_the_merge_goes_home(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    await till.put("b2", profile_id="berta", cart_items=CART)
    await merge(till, anna, berta)
    till.wait(hours=1)
    await till.put("b2", state="closed")
    await till.put("b3", profile_id="berta", cart_items=[item("pot", 7)], state="closed")
    await till.put("a2", profile_id="anna", cart_items=CART)
    await till.put("a3", profile_id="anna", cart_items=CART)
    await till.put("a3", profile_id="berta", state="closed")
    await tell(till, "berta", {"City": "Bruges", "Country": None, "Name": "Anna"})
    await tell(till, "anna", {"Language": "de"})
    await consistent(till)
    found = await customer(till.shop.database, anna)
    assert found["attributes"] == {"Name": "Anna", "City": "Bruges", "Language": "de"}
    await unmerge(till, berta)
    one = await customer(till.shop.database, anna)
    other = await customer(till.shop.database, berta)
    assert one["attributes"] == {"Name": "Anna", "City": "Aachen", "Language": "de"}
    assert other["attributes"] == {"Name": "Anna", "City": "Bruges"}
    assert (one["session_count"], one["closed_sessions"], one["total_sales"]) == (2, 1, 10)
    assert (other["session_count"], other["closed_sessions"], other["total_sales"]) == (4, 4, 32)
    assert one["joined"] is other["joined"] is False
    for name, home in (("b2", berta), ("b3", berta), ("a2", anna), ("a3", berta)):
        assert (await till.read(name)).customer_id == home
    await consistent(till)


async def test_activity_goes_home_too(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    started = till.now
    await merge(till, anna, berta)
    till.wait(hours=1)
    await till.put("b2", profile_id="berta", cart_items=CART)
    assert (await customer(till.shop.database, anna))["last_activity"] > started.isoformat()
    await unmerge(till, berta)
    one = await customer(till.shop.database, anna)
    other = await customer(till.shop.database, berta)
    assert one["last_activity"] == started.isoformat()
    assert other["last_activity"] == till.now.isoformat()


async def test_personal_limits_are_counted_on_the_union(till: Till) -> None:
    wish = LimitWish("redeemCoupon", Decimal(2), ("Profile",))
    await till.coupon(await till.campaign(FIVE_OFF, limits=(wish,)), usage_limit=0)
    closing: dict[str, Any] = {"cart_items": CART, "coupon_codes": ["SALE"], "state": "closed"}

    async def accepted(session: str, profile_id: str) -> bool:
        outcome = await till.put(session, profile_id=profile_id, **closing)
        kinds = [type(each).__name__ for each in outcomes(outcome.decision.effects)]
        return "AcceptCoupon" in kinds

    assert await accepted("a1", "anna")
    assert await accepted("b1", "berta")
    anna, berta = await id_of(till, "anna"), await id_of(till, "berta")
    await merge(till, anna, berta)
    assert not await accepted("a2", "anna")
    assert not await accepted("b2", "berta")
    await unmerge(till, berta)
    assert await accepted("a3", "anna")
    assert await accepted("b3", "berta")
    assert not await accepted("b4", "berta")
    await consistent(till)


async def test_chains_are_undone_in_any_order(till: Till) -> None:
    for name in ("anna", "berta", "carla", "dora"):
        await tell(till, name, {"Name": name})
        await till.put(f"{name}1", profile_id=name, cart_items=CART, state="closed")
    ids = [await id_of(till, name) for name in ("anna", "berta", "carla", "dora")]
    anna, berta, carla, dora = ids
    before = await belongings(till.shop.database)
    for order in ((berta, anna, dora), (anna, berta, dora), (dora, berta, anna)):
        await merge(till, anna, berta)
        await merge(till, carla, anna)
        await merge(till, dora, carla) if dora not in order else await merge(till, carla, dora)
        owners = owners_of(await rows_of(till.shop.database))
        assert owners == dict.fromkeys(ids, carla)
        await consistent(till)
        for victim in order:
            await unmerge(till, victim)
            await consistent(till)
        assert await belongings(till.shop.database) == before


async def test_what_was_joined_before_goes_along(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    await tell(till, "carla", {"Name": "Carla"})
    carla = await id_of(till, "carla")
    await merge(till, anna, berta)
    joined = await belongings(till.shop.database)
    await merge(till, carla, anna)
    assert await unmerge(till, anna) == sorted([anna, berta])
    assert await belongings(till.shop.database) == joined


@pytest.mark.parametrize(
    ("survivor", "victim", "refusal"),
    [
        ("anna", "anna", MergedWithItself),
        ("anna", "berta", VictimMerged),
        ("carla", "berta", VictimMerged),
        ("berta", "carla", SurvivorMerged),
        ("berta", "anna", SurvivorMerged),
    ],
)
async def test_impossible_merges_are_refused(
    till: Till, pair: tuple[int, int], survivor: str, victim: str, refusal: type[Refusal]
) -> None:
    await tell(till, "carla", {"Name": "Carla"})
    ids = {name: await id_of(till, name) for name in ("anna", "berta", "carla")}
    await merge(till, *pair)
    before = await rows_of(till.shop.database)
    with pytest.raises(refusal):
        await merge(till, ids[survivor], ids[victim])
    assert await rows_of(till.shop.database) == before


async def test_nobody_and_guests_are_not_merged(till: Till, pair: tuple[int, int]) -> None:
    await till.put("guest", cart_items=CART)
    guest = (await till.read("guest")).customer_id
    for ids in ((pair[0], guest), (guest, pair[0]), (pair[0], 10**9)):
        with pytest.raises(CustomerNotFound):
            await merge(till, *ids)


async def test_what_is_not_merged_cannot_be_undone(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    with pytest.raises(NotMerged):
        await unmerge(till, berta)
    await merge(till, anna, berta)
    with pytest.raises(NotMerged):
        await unmerge(till, anna)
    await unmerge(till, berta)
    with pytest.raises(NotMerged):
        await unmerge(till, berta)
    with pytest.raises(CustomerNotFound):
        await unmerge_customers(till.shop, 10**9, Actor(), till.now)


async def test_a_session_that_leaves_a_joined_card_takes_its_new_owners_root(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await tell(till, "carla", {"Name": "Carla"})
    await merge(till, anna, berta)
    await till.put("b2", profile_id="berta", cart_items=CART)
    await till.put("b2", profile_id="carla")
    assert (await till.read("b2")).customer_id == await id_of(till, "carla")
    await till.put("b2", profile_id="berta", state="closed")
    await consistent(till)
    await unmerge(till, berta)
    assert (await till.read("b2")).customer_id == berta
    assert (await customer(till.shop.database, berta))["total_sales"] == 15
    assert (await customer(till.shop.database, anna))["total_sales"] == 10
    await consistent(till)


async def test_a_cancelled_session_gives_back_after_the_merge(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await merge(till, anna, berta)
    await till.put("b1", profile_id="anna", state="cancelled")
    await unmerge(till, berta)
    found = await customer(till.shop.database, berta)
    assert (found["session_count"], found["closed_sessions"]) == (1, 0)
    assert found["total_sales"] == ZERO
    await consistent(till)


async def test_a_customer_of_a_sandbox_is_joined_with_no_other(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, _ = pair
    sandbox = await Till.opened(till.shop.database, name="sandbox", sandbox=True)
    await till.shop.refresh()
    await tell(sandbox, "dora", {"Name": "Dora"})
    await tell(sandbox, "emma", {"Name": "Emma"})
    dora, emma = await id_of(till, "dora"), await id_of(till, "emma")
    before = await rows_of(till.shop.database)
    for survivor, victim in ((anna, dora), (dora, anna)):
        with pytest.raises(SandboxMixed):
            await merge(till, survivor, victim)
    assert await rows_of(till.shop.database) == before
    assert await merge(till, dora, emma) == dora
    with pytest.raises(SandboxMixed):
        await merge(till, anna, dora)
