"""Cart item filters over the wire, and what rules make of them."""

from typing import Any

from talon_one.models import ApplicationCIF, ApplicationCIFExpression

from habitue.promotions.effects import SetDiscountPerItem
from tests.building import Till, item
from tests.management.conftest import SHOP, Client
from tests.management.test_shop_lists import made, till

ITEMS = [".", "Session", "CartItems"]


def of_category(category: str) -> list[Any]:
    inner = ["=", [".", "Item", "Category"], category]
    return ["filter", ITEMS, [["Item"], ["catch", False, inner]]]


async def discounted(at: Till, **more: Any) -> list[int]:
    """The positions of the lines that have a discount."""
    cart = [item("pan", 9, category="Kitchen"), item("ball", 9, category="Garden"), item("x", 9)]
    outcome = await at.put(cart_items=cart, **more)
    effects = [each.outcome for each in outcome.decision.effects]
    return [each.position for each in effects if isinstance(each, SetDiscountPerItem)]


async def test_filters_are_made_read_as_the_vendors_models_and_deleted(client: Client) -> None:
    application = await client.made("/v1/applications", SHOP)
    many = f"/v1/applications/{application['id']}/cart_item_filters"
    kitchen = await client.made(many, {"name": "kitchen", "description": "pots"})
    assert "activeExpressionId" not in kitchen
    assert (await client.send("POST", many, {"name": "kitchen"}))[0] == 409
    one = f"{many}/{kitchen['id']}"
    first = await client.made(f"{one}/expressions", {"expression": of_category("Kitchen")})
    wrapped = {"expression": {"expr": of_category("Garden")}}
    second = await client.made(f"{one}/expressions", wrapped)
    assert second["expression"] == of_category("Garden")
    page = (await client.send("GET", f"{many}?name=kitchen"))[1]
    (listed,) = (ApplicationCIF.from_dict(each) for each in page["data"])
    assert listed is not None
    assert (page["hasMore"], listed.id) == (False, kitchen["id"])
    assert listed.active_expression_id == first["id"]
    assert (await client.send("GET", f"{many}?name=garden"))[1]["data"] == []
    found = (await client.send("GET", f"{one}/expressions/{second['id']}"))[1]
    read = ApplicationCIFExpression.from_dict(found)
    assert read is not None
    assert (read.id, read.cart_item_filter_id) == (second["id"], kitchen["id"])
    changed = (await client.send("PUT", one, {"activeExpressionId": second["id"]}))[1]
    assert changed["activeExpressionId"] == second["id"]
    assert await client.faults("PUT", one, {"activeExpressionId": 1}) == [
        ("/activeExpressionId", "Unknown")
    ]
    default = {"defaultCartItemFilterId": kitchen["id"]}
    path = f"/v1/applications/{application['id']}"
    assert (await client.send("PUT", path, default))[1]["defaultCartItemFilterId"] == kitchen["id"]
    assert await client.faults("PUT", path, {"defaultCartItemFilterId": 1}) == [
        ("/defaultCartItemFilterId", "Unknown")
    ]
    assert (await client.send("DELETE", one))[0] == 409
    cleared = (await client.send("PUT", path, {"defaultCartItemFilterId": 0}))[1]
    assert "defaultCartItemFilterId" not in cleared
    assert await client.send("DELETE", one) == (204, None)
    assert (await client.send("GET", one))[0] == 404


async def test_an_expression_that_is_no_filter_is_refused(client: Client) -> None:
    application = await client.made("/v1/applications", SHOP)
    many = f"/v1/applications/{application['id']}/cart_item_filters"
    one = f"{many}/{(await client.made(many, {'name': 'a'}))['id']}"
    for expression, fault in (
        (["+", 1, 2], ("/expression", "Wrong type")),
        (["cartItemFilter", "b"], ("/expression", "Not allowed")),
        (
            ["filter", ITEMS, [["Item"], [".", "Item", "Colour"]]],
            ("/expression/2/1", "Unknown name"),
        ),
        ([1, 2], ("/expression/0", "Invalid type")),
    ):
        found = await client.faults("POST", f"{one}/expressions", {"expression": expression})
        assert found[0][0].startswith(fault[0]), (found, fault)
    assert "activeExpressionId" not in (await client.send("GET", one))[1]


async def test_rules_give_discounts_on_what_a_filter_lets_through(client: Client) -> None:
    path, campaign = await made(
        client,
        ["setDiscountPerItem", "off", 1, ["cartItemFilter", "sale"]],
    )
    at = till(client, path)
    assert await discounted(at) == [], "a filter that is not there fails the rule"
    sale = await client.made(f"{path}/cart_item_filters", {"name": "sale"})
    one = f"{path}/cart_item_filters/{sale['id']}"
    assert await discounted(at) == [], "and so does one without an expression"
    kitchen = await client.made(f"{one}/expressions", {"expression": of_category("Kitchen")})
    assert await discounted(at) == [0]
    garden = await client.made(f"{one}/expressions", {"expression": of_category("Garden")})
    assert await discounted(at) == [0]
    await client.send("PUT", one, {"activeExpressionId": garden["id"]})
    assert await discounted(at) == [1]
    await client.send("PUT", one, {"activeExpressionId": kitchen["id"]})
    # names that a rule has bound mean nothing in a filter
    block = [["Item"], ["=", [".", "Item", "Sku"], "pan"]]
    effect = [
        "setDiscountPerItem", "off", 1,
        ["filter", ITEMS, [["Item"], ["=", ["count", ["cartItemFilter"]], 3]]],
    ]  # fmt: skip
    rules = [{"title": "it", "condition": ["exists", ["cartItemFilter", "sale"], block]}]
    document = {"rules": [{**rules[0], "effects": [effect]}], "bindings": [], "activate": True}
    await client.made(f"{campaign}/rulesets", document)
    assert await discounted(at) == [0, 1, 2], "without a default all units are meant"
    await client.send("PUT", path, {"defaultCartItemFilterId": sale["id"]})
    assert await discounted(at) == []


async def test_a_filter_sees_lowered_prices_where_discounts_cascade(client: Client) -> None:
    cheap = ["filter", ITEMS, [["Item"], ["<", [".", "Item", "Price"], 8]]]
    path, campaign = await made(client)
    rule = {
        "title": "it",
        "condition": ["=", ["count", ["cartItemFilter", "cheap"]], 0],
        "effects": [
            ["setDiscountPerItem", "two", 2],
            ["setDiscountPerItem", "more", 1, ["cartItemFilter", "cheap"]],
        ],
    }
    await client.made(f"{campaign}/rulesets", {"rules": [rule], "bindings": [], "activate": True})
    made_filter = await client.made(f"{path}/cart_item_filters", {"name": "cheap"})
    one = f"{path}/cart_item_filters/{made_filter['id']}"
    await client.made(f"{one}/expressions", {"expression": cheap})
    at = till(client, path)
    assert await discounted(at) == []
    await client.send("PUT", path, {"enableCascadingDiscounts": True})
    await at.shop.refresh()
    assert await discounted(at) == [0, 1, 2, 0, 1, 2]


async def test_selectors_and_filters_are_told_as_typed_blocks(client: Client) -> None:
    _, campaign = await made(client)
    steps = ["takeMany", ["reverse", of_category("Kitchen")], 2]
    rule = {
        "title": "it",
        "condition": ["and", True],
        "effects": [
            ["setDiscountPerItem", "a", 1, ["cartItemFilter", "sale"]],
            ["setDiscountPerItemProRata", "b", 2, [".", "last two"]],
            ["setDiscountPerItem", "c", 3, of_category("Kitchen")],
        ],
    }
    bindings = [
        {"name": "last two", "type": "cartItemFilter", "expression": steps},
        {"name": "limit", "type": "templateParameter", "expression": ["+", 1, 2]},
    ]
    document = {"rules": [rule], "bindings": bindings}
    ruleset = await client.made(f"{campaign}/rulesets", document)
    path = f"{campaign.replace('/v1/', '/v2/')}/rulesets/{ruleset['id']}"
    typed = (await client.send("GET", path))[1]
    check = {"attribute": "$Item.Category", "operator": "equals", "value": "Kitchen"}
    assert typed["selectors"] == [
        {
            "name": "last two",
            "type": "selector",
            "source": "$Session.CartItems",
            "steps": [
                {
                    "type": "filter",
                    "predicate": {"id": "predicate", "type": "checkAttribute", **check},
                },
                {"type": "reverse"},
                {"type": "select", "operator": "many", "from": "start", "count": 2},
            ],
        }
    ]
    assert [each["name"] for each in typed["parameters"]] == ["limit"]
    blocks = typed["promotionRules"][0]["blocks"][1:]
    assert [each.get("target") for each in blocks] == [
        {"type": "globalFilter", "name": "sale", "prorated": False},
        {"type": "selector", "name": "last two", "prorated": True},
        None,
    ]
    assert blocks[2]["type"] == "passthrough"
