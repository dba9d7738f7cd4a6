"""Allowed lists of attributes: out of files, and what they refuse on the way in."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from talon_one import ManagementApi
from talon_one.models.new_attribute import NewAttribute

from habitue.model.errors import InvalidInput
from tests.building import item
from tests.management.conftest import Client
from tests.management.test_coupon_files import upload
from tests.management.test_shop_lists import made, till
from tests.management.test_store_budgets import places


async def defined(client: Client, **fields: Any) -> dict[str, Any]:
    body = {"entity": "CartItem", "name": "sku_group", "type": "string", **fields}
    made: dict[str, Any] = await client.made("/v1/attributes", body)
    return made


async def test_a_list_out_of_a_file_is_what_an_attribute_may_be(
    client: Client, vendor: ManagementApi
) -> None:
    new = NewAttribute(
        entity="CartItem",
        name="group",
        title="Group",
        type="string",
        description="",
        suggestions=[],
        editable=True,
        hasAllowedList=True,
        restrictedBySuggestions=True,
    )
    attribute = await asyncio.to_thread(vendor.create_attribute, new)
    assert (attribute.has_allowed_list, attribute.restricted_by_suggestions) == (True, True)
    path, _ = await made(client)
    at = till(client, path)

    async def refused(value: Any) -> list[tuple[str, str]]:
        try:
            await at.put(cart_items=[item("tea", 5, attributes={"group": value})])
        except InvalidInput as refusal:
            return [(each.pointer, each.title) for each in refusal.faults]
        return []

    assert await refused("anything") == [], "there is no list yet"
    text = 'item\nCS-1\n  CS-2\n"CS,3"\nCS-1\n'
    told = await asyncio.to_thread(vendor.import_allowed_list, attribute.id, up_file=text)
    assert (told.amount, told.entity) == (4, "AttributeAllowedList")
    there = "/customerSession/cartItems/0/attributes/group"
    found = [await refused(each) for each in ("CS-1", "CS-2", "CS,3", "cs-1", "")]
    assert found == [[], [], [], [(there, "Not allowed")], [(there, "Not allowed")]]
    assert await refused(5) == [(there, "Invalid type")]
    assert await refused(None) == []

    # what is wrong changes nothing, another file replaces, and no list is no list
    import_ = f"/v1/attributes/{attribute.id}/allowed_list/import"
    assert await places(client, import_, "item,x\nA,B\n") == [("1", "Unknown column")]
    assert await places(client, import_, "item\n") == [("1", "Too few")]
    long = "x" * 1_001
    assert await places(client, import_, f"item\nA\n{long}\n") == [("3", "Too long")]
    assert await refused("CS-1") == []
    assert (await upload(client, import_, "item\nNEW\n"))[0] == 200
    assert (await refused("CS-1"), await refused("NEW")) == ([(there, "Not allowed")], [])
    one = f"/v1/attributes/{attribute.id}"
    assert (await client.send("PUT", one, {"description": "of goods"}))[1]["hasAllowedList"]
    assert await refused("CS-1") == [(there, "Not allowed")]
    body = {"hasAllowedList": False, "restrictedBySuggestions": False}
    assert not (await client.send("PUT", one, body))[1]["hasAllowedList"]
    assert await refused("CS-1") == []
    # turned on again it waits for its next file
    await client.send("PUT", one, {"hasAllowedList": True})
    assert await refused("CS-1") == []
    assert (await upload(client, "/v1/attributes/999999/allowed_list/import", "item\nA"))[0] == 404


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("number", [5, Decimal("0.25"), Decimal("100.0")], 7),
        ("(list number)", [[5, 100], []], [5, 7]),
        ("(list string)", [["5", "100"]], ["5", "5.0"]),
    ],
)
async def test_numbers_are_compared_as_numbers_and_lists_one_by_one(
    client: Client, kind: str, good: list[Any], bad: Any
) -> None:
    attribute = await defined(client, type=kind)
    import_ = f"/v1/attributes/{attribute['id']}/allowed_list/import"
    text = "item\n5\n100\n"
    if "number" in kind:
        assert await places(client, import_, "item\n5.0\nfive\n") == [("3", "Invalid number")]
        text = "item\n5.0\n0.250\n100\n"
    assert (await upload(client, import_, text))[0] == 200
    path, _ = await made(client)
    at = till(client, path)
    for value in good:
        await at.put(cart_items=[item("tea", 5, attributes={"sku_group": value})])
    with pytest.raises(InvalidInput) as refused:
        await at.put(cart_items=[item("tea", 5, attributes={"sku_group": bad})])
    assert [each.title for each in refused.value.faults] == ["Not allowed"]


async def test_only_attributes_of_strings_and_numbers_have_a_list(client: Client) -> None:
    attribute = await defined(client, type="time")
    status, told = await upload(
        client, f"/v1/attributes/{attribute['id']}/allowed_list/import", "item\nA\n"
    )
    assert (status, told["errors"][0]["title"]) == (400, "Not supported")
    faults = await client.faults(
        "PUT", f"/v1/attributes/{attribute['id']}", {"hasAllowedList": True}
    )
    assert faults == [("/hasAllowedList", "Not supported")]
