"""Merges that are overtaken, and writes that merges overtake: decided again, on what is true."""

from typing import Any

import pytest

from habitue.customers.merge import NotMerged, VictimMerged
from habitue.usecases.shop import Shop
from tests.building import Till, item
from tests.harness.card_jobs import merge, tell, unmerge
from tests.harness.interleaving import Event, interleaved, once
from tests.harness.judge import violations
from tests.harness.ownership import misplaced, owners_of, rows_of
from tests.harness.planted import plant
from tests.usecases.test_merges import customer, id_of

CART = [item("tea", 10)]


async def overtaken(till: Till, event: Event, mark: str) -> Till:
    """The same till in another process, which is overtaken just before it saves."""
    shop = Shop(interleaved(till.shop.database, once(event), mark=mark))
    await shop.refresh()
    return Till(shop, till.application)


@pytest.fixture
async def pair(till: Till) -> tuple[int, int]:
    await tell(till, "anna", {"Name": "Anna"})
    await tell(till, "berta", {"Name": "Berta"})
    return await id_of(till, "anna"), await id_of(till, "berta")


async def consistent(till: Till) -> None:
    rows = await rows_of(till.shop.database)
    assert misplaced(rows, owners_of(rows)) == []
    assert await violations(till.shop.database) == []


async def test_what_was_told_meanwhile_is_joined_too(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair

    async def told() -> None:
        await tell(till, "anna", {"City": "Aachen"})
        await tell(till, "berta", {"Country": "Belgium"})

    await merge(await overtaken(till, told, "merge_customers"), anna, berta)
    found = await customer(till.shop.database, anna)
    assert found["attributes"] == {"Name": "Anna", "City": "Aachen", "Country": "Belgium"}
    await consistent(till)


async def test_without_the_guard_it_would_be_lost(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    await plant(till.shop.database, "no version of the cards")
    slow = await overtaken(till, lambda: tell(till, "anna", {"City": "Aachen"}), "merge_customers")
    await merge(slow, anna, berta)
    assert (await customer(till.shop.database, anna))["attributes"] == {"Name": "Anna"}


async def test_a_session_that_closes_while_its_customer_is_joined_goes_along(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await till.put("b1", profile_id="berta", cart_items=CART)
    for name, state in (("b1", "closed"), ("b2", "open")):
        slow = await overtaken(till, lambda: merge(till, anna, berta), "save_session")
        await slow.put(name, profile_id="berta", cart_items=CART, state=state)
        assert (await till.read(name)).customer_id == anna
        await consistent(till)
        await unmerge(till, berta)
        assert (await till.read(name)).customer_id == berta
        await consistent(till)


async def test_a_session_that_closes_while_its_customer_is_taken_out_goes_home(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await merge(till, anna, berta)
    slow = await overtaken(till, lambda: unmerge(till, berta), "save_session")
    await slow.put("b1", profile_id="berta", cart_items=CART, state="closed")
    assert (await till.read("b1")).customer_id == berta
    assert (await customer(till.shop.database, berta))["total_sales"] == 10
    await consistent(till)


async def test_the_same_merge_twice_at_once_happens_once(till: Till, pair: tuple[int, int]) -> None:
    slow = await overtaken(till, lambda: merge(till, *pair), "merge_customers")
    with pytest.raises(VictimMerged):
        await merge(slow, *pair)
    assert len((await rows_of(till.shop.database, ("customer_merge",)))["customer_merge"]) == 1


async def test_two_cards_that_are_joined_into_each_other_at_once_are_joined_once(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    slow = await overtaken(till, lambda: merge(till, berta, anna), "merge_customers")
    with pytest.raises(VictimMerged):
        await merge(slow, berta, anna)
    assert owners_of(await rows_of(till.shop.database)) == {anna: berta, berta: berta}


async def test_an_unmerge_follows_the_card_that_was_joined_meanwhile(
    till: Till, pair: tuple[int, int]
) -> None:
    anna, berta = pair
    await tell(till, "carla", {"Name": "Carla"})
    carla = await id_of(till, "carla")
    await merge(till, anna, berta)
    slow = await overtaken(till, lambda: merge(till, carla, anna), "unmerge_customers")
    assert await unmerge(slow, berta) == [berta]
    found: dict[int, Any] = owners_of(await rows_of(till.shop.database))
    assert found == {anna: carla, berta: berta, carla: carla}
    await consistent(till)


async def test_an_unmerge_twice_at_once_happens_once(till: Till, pair: tuple[int, int]) -> None:
    anna, berta = pair
    await merge(till, anna, berta)
    slow = await overtaken(till, lambda: unmerge(till, berta), "unmerge_customers")
    with pytest.raises(NotMerged):
        await unmerge(slow, berta)
    await consistent(till)
