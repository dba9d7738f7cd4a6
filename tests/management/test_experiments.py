"""What else experiments have a part in: the change log, features of campaigns, applications."""

from pathlib import Path
from typing import Any

import msgspec

import habitue.store
from habitue.store.database import Database
from tests.management.conftest import Client
from tests.management.test_shop_lists import made

MIGRATIONS = Path(habitue.store.__file__).parent / "migrations"


def variant(name: str, *then: Any, **more: Any) -> dict[str, Any]:
    rules = [{"title": name, "condition": ["and", True], "effects": list(then)}]
    return {"name": name, "weight": 50, "ruleset": {"rules": rules}, **more}


async def test_an_experiment_is_logged_bound_to_features_and_deleted_with_its_application(
    client: Client,
) -> None:
    path, campaign = await made(client, features=["coupons"])
    body = {
        "campaignId": int(campaign.rsplit("/", 1)[1]),
        "variants": [variant("a", ["noop"], isPrimary=True), variant("b", ["setDiscount", "b", 1])],
    }
    experiment = await client.made(f"{path}/experiments", body)
    assert (await client.send("POST", f"{path}/experiments", body))[0] == 409
    one = f"{path}/experiments/{experiment['id']}"
    ids = [{"id": each["id"], "name": "c", "weight": 50, "isPrimary": each["isPrimary"]}
           for each in experiment["variants"]]  # fmt: skip
    asking = {"title": "c", "condition": ["and", ["couponValid"]], "effects": [["reserveCoupon"]]}
    ids[1]["ruleset"] = {"rules": [asking]}
    changed = (await client.send("PUT", one, {"variants": ids}))[1]
    assert [each["name"] for each in changed["variants"]] == ["c", "c"]
    old, new = ([each["ruleset"]["id"] for each in e["variants"]] for e in (experiment, changed))
    assert (old[0] == new[0], old[1] == new[1]) == (True, False)
    assert await client.faults("PUT", campaign, {"features": []}) == [
        ("/features", "Rules do not fit")
    ]
    rows = await client.shop.database.fetch(
        "SELECT kind, old IS NULL AS is_new FROM configuration_change"
        " WHERE kind = 'experiment' ORDER BY id"
    )
    assert [each["is_new"] for each in rows] == [True, False]
    assert len(client.shop.configuration.experiments) == 1
    assert await client.send("DELETE", path) == (204, None)
    assert not (await client.shop.refresh()).experiments


async def test_allocations_in_the_protocols_words_are_put_into_ours(
    database: Database,
) -> None:
    kept = [{"experimentID": 1, "variantID": 2}, {"experiment_id": 3, "variant_id": 4}]
    for id_, said in ((1, kept), (2, [])):
        document = msgspec.json.encode({"experiment_variant_allocations": said, "id": id_})
        await database.execute(
            "INSERT INTO session"
            " VALUES (1, $1, 1, $1::bigint::text, 'open', '{}', $2, now(), now())",
            id_,
            document,
        )
    statement = (MIGRATIONS / "0046_variant_allocations.sql").read_text()
    await database.execute(statement)
    await database.execute(statement)
    rows = await database.fetch("SELECT document FROM session ORDER BY id")
    assert [msgspec.json.decode(each["document"]) for each in rows] == [
        {
            "experiment_variant_allocations": [
                {"experiment_id": 1, "variant_id": 2},
                {"experiment_id": 3, "variant_id": 4},
            ],
            "id": 1,
        },
        {"experiment_variant_allocations": [], "id": 2},
    ]
