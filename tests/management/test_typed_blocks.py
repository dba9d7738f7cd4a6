"""Rules as typed blocks, and what is told of the language."""

from typing import Any

from habitue.edges.talon_one.management.typed_blocks import blocks_of
from habitue.rules.ruleset import parse_ruleset
from tests.management.conftest import Client, with_campaign

TOTAL = [".", "Session", "Total"]


def blocks(condition: Any, *effects: Any, failures: Any = None) -> list[dict[str, Any]]:
    rule = {
        "title": "R",
        "condition": condition,
        "effects": list(effects),
        "failureEffects": failures,
    }
    return blocks_of(parse_ruleset({"rules": [rule]}).rules[0])


def test_conditions_have_blocks() -> None:
    made = blocks(
        [
            "and",
            ["couponValid", False],
            [">=", TOTAL, 100],
            ["or", ["=", TOTAL, 1], ["<", 1, TOTAL]],
        ]
    )
    assert [each["type"] for each in made] == ["checkCoupon", "checkAttribute", "group"]
    assert made[0]["redeem"] is False
    assert made[1] == {
        "id": "condition-1",
        "type": "checkAttribute",
        "attribute": "$Session.Total",
        "operator": "greaterThanOrEqual",
        "value": 100,
    }
    assert made[2]["operator"] == "atLeastOne"
    assert [each["type"] for each in made[2]["blocks"]] == ["checkAttribute", "passthrough"]
    assert made[2]["blocks"][1]["expression"] == ["<", 1, TOTAL]


def test_effects_have_blocks() -> None:
    made = blocks(
        ["and"],
        ["setDiscount", "10 %", ["*", TOTAL, 2]],
        ["setDiscountPerItemProRata", "shared", 5],
        ["addFreeItem", "cup", "a cup", 2],
        ["setDiscount", "odd", 5, "cartItems"],
        ["customEffect", 3, "own", ["kv"]],
    )
    assert made[0]["value"] == "{{($Session.Total * 2)}}"
    assert made[0]["target"] == {"type": "cart"}
    assert made[1]["target"] == {"type": "allItems", "prorated": True}
    assert made[2]["quantity"] == "2"
    assert [each["type"] for each in made[3:]] == ["passthrough", "passthrough"]
    assert made[3]["expression"] == ["setDiscount", "odd", 5, "cartItems"]


def test_failure_effects_are_those_of_the_group_of_conditions() -> None:
    told = ["showNotification", "Info", "hello", "you"]
    (group, effect) = blocks(["and", [">", TOTAL, 5]], ["setDiscount", "x", 1], failures=[told])
    assert (group["type"], group["operator"]) == ("group", "all")
    assert [each["type"] for each in group["onFailure"]] == ["showNotification"]
    assert effect["type"] == "awardDiscount"


async def test_a_ruleset_is_read_as_blocks(client: Client) -> None:
    path = await with_campaign(client)
    rules = [{"title": "R", "condition": ["and"], "effects": [["setDiscount", "x", 1]]}]
    ruleset = await client.made(f"{path}/rulesets", {"rules": rules, "bindings": []})
    one = f"{path}/rulesets/{ruleset['id']}".replace("/v1/", "/v2/")
    status, typed = await client.send("GET", one)
    assert (status, typed["id"], len(typed["promotionRules"])) == (200, ruleset["id"], 1)
    assert typed["promotionRules"][0]["blocks"][0]["name"] == "x"


async def test_the_language_describes_itself(client: Client) -> None:
    path = (await with_campaign(client)).split("/campaigns")[0]
    status, told = await client.send("GET", f"{path}/talang_environment")
    functions = {each["name"]: each for each in told["functions"]}
    assert status == 200
    assert functions["setDiscount"]["args"][0] == {
        "type": "string",
        "description": "name",
        "optional": False,
    }
    assert functions["couponValid"]["feature"] == "coupons"
    assert {"filter", "+", "bundles"} <= functions.keys()
    assert {"name": "Session.Total", "type": "number", "title": "Total", "writable": False} in told[
        "slots"
    ]


async def test_an_unknown_function_is_named_with_its_place(client: Client) -> None:
    path = await with_campaign(client)
    effects = [["setDiscount", "x", 1], ["launchRocket", 1]]
    rules = [{"title": "R", "condition": ["and"], "effects": effects}]
    faults = await client.faults("POST", f"{path}/rulesets", {"rules": rules, "bindings": []})
    assert faults == [("/rules/0/effects/1", "Unknown function")]
