"""Export of everything held on a person, and erasure of it, joined cards included."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from habitue.customers.card import Actor, Channel, ConsentEntry, Part, Profile, Told
from habitue.customers.change import CardChange, ClaimWish, names_of
from habitue.customers.claims import claim_key
from habitue.customers.history import Change
from habitue.customers.merge import NotMerged
from habitue.customers.refusals import CustomerErased, CustomerNotFound
from habitue.model.errors import NotFound
from habitue.store import cards
from habitue.store.cards import CardQuery
from habitue.usecases.card_state import card_of, write_of
from habitue.usecases.erase_customer import erase_card, erase_customer
from habitue.usecases.explain_customer import explain_customer
from habitue.usecases.export_customer import export_customer
from tests.building import Till, item, rule, stored
from tests.harness.card_jobs import ACTOR, merge, tell, unmerge
from tests.harness.judge import violations
from tests.harness.ownership import belongings, misplaced, owners_of, rows_of
from tests.harness.parts import NOW
from tests.usecases.test_idempotent_updates import key
from tests.usecases.test_merges import id_of

CART = [item("tea", 10)]
PHONE = claim_key("live", "mobile", "+491701234567")
OTHERS_PHONE = claim_key("live", "mobile", "+491709999999")


async def tell_card(till: Till, customer_id: int, name: str, phone: UUID | None = None) -> None:
    """What a registration would tell: a profile, a consent, a channel, an identifier."""
    row = await cards.load(till.shop.database, CardQuery((), (customer_id,), None, NOW))
    card = card_of(row.cards[0])
    profile = Profile(
        source="INSTORE",
        told={"first_name": Told(f"secret {name}", NOW)},
        channels=(Channel("email", f"secret.{name}@b.example"),),
        created=NOW,
        modified=NOW,
    )
    consent = ConsentEntry("email", "marketing", "granted", NOW, "INSTORE", wording="secret text")
    part = Part(root_id=customer_id, registered=NOW, profiles=(profile,), consents=(consent,))
    wishes = (
        [ClaimWish(phone, "mobile", "secret phone", customer_id, "INSTORE", "")] if phone else []
    )
    change = CardChange(
        customer_id=customer_id,
        version=card.customer.version,
        root_id=customer_id,
        kind="registered",
        actor=Actor(code="till 1"),
        parts=(part,),
        claims=tuple(wishes),
        holders=(OTHERS_PHONE,),
        names=names_of(msgspec.structs.replace(card, parts=(part,))),
        changes=(Change("profiles/INSTORE/first_name", None, f"secret {name}"),),
    )
    await cards.save(till.shop.database, write_of(change, NOW))


@pytest.fixture
async def joined(till: Till) -> tuple[int, int]:
    """Anna, with Berta in her; both with everything that a person can have."""
    await till.attribute("CustomerSession", "note", "string")
    await till.coupon(
        await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)')), recipient="berta"
    )
    for name, phone in (("anna", PHONE), ("berta", None)):
        await tell(till, name, {"Name": f"secret {name}"})
        await tell_card(till, await id_of(till, name), name, phone)
        await till.put(
            f"{name}1",
            profile_id=name,
            cart_items=CART,
            attributes={"note": "secret note"},
            coupon_codes=["SALE"],
            loyalty_cards=["secret card"],
            state="closed",
        )
    await till.send("b2", key("k"), b"secret answer", profile_id="berta", cart_items=CART)
    anna, berta = await id_of(till, "anna"), await id_of(till, "berta")
    await merge(till, anna, berta)
    return anna, berta


async def exported(till: Till, customer_id: int) -> dict[str, Any]:
    return dict(json.loads(await export_customer(till.shop, customer_id)))


async def test_the_export_holds_everything(till: Till, joined: tuple[int, int]) -> None:
    await tell(till, "carla", {"Name": "of somebody else"})
    anna, berta = joined
    document = await exported(till, anna)
    assert document == await exported(till, berta)
    assert document["customer"]["id"] == anna
    assert [each["id"] for each in document["joined_customers"]] == [berta]
    assert [each["root_id"] for each in document["parts"]] == [anna, berta]
    assert sorted(each["value"] for each in document["identifiers"]) == [
        "anna",
        "berta",
        "secret phone",
    ]
    assert {each["integration_id"] for each in document["sessions"]} == {"anna1", "berta1", "b2"}
    assert len(document["events"]) == 3
    assert [each["code"] for each in document["redemptions"]] == ["SALE"]
    assert [each["code"] for each in document["coupons"]] == ["SALE"]
    assert [each["state"] for each in document["consents"]] == ["granted", "granted"]
    kinds = [each["kind"] for each in document["history"]]
    assert sorted(kinds) == ["attributes", "attributes", "merged", "registered", "registered"]
    assert [each["victim_id"] for each in document["merges"]] == [berta]
    assert len(document["stored_answers"]) == 1
    assert document["loyalty_cards"] == []
    assert len(document["shared_identifiers"]) == 2
    assert "secret answer" not in str(document)
    assert "of somebody else" not in str(document)


async def test_nobody_is_exported(till: Till) -> None:
    with pytest.raises(CustomerNotFound):
        await export_customer(till.shop, 10**9)


@pytest.mark.parametrize("door", ["profile id", "own id", "id of a joined card"])
async def test_erasing_leaves_the_books_and_nothing_of_the_person(
    till: Till, joined: tuple[int, int], door: str
) -> None:
    anna, berta = joined
    await till.shop.database.execute(
        "INSERT INTO merge_request (victim_id, id, survivor_id, state, comments, created,"
        " created_by, modified, modified_by)"
        " VALUES ($1, 1, $2, 'APPROVED', 'secret comment', $3, $4, $3, $4)",
        berta,
        anna,
        till.now,
        b'{"kind": "TILL", "context": "secret context"}',
    )
    books = {
        each["id"]: (each["session_count"], each["closed_sessions"], each["total_sales"])
        for each in (await stored(till.shop.database))["customer"]
    }
    match door:
        case "profile id":
            await erase_customer(till.shop, till.application.id, "berta", till.now)
        case "own id":
            await erase_card(till.shop, anna, ACTOR, till.now)
        case _:
            await erase_card(till.shop, berta, ACTOR, till.now)
    rows = await rows_of(till.shop.database)
    rows |= await rows_of(till.shop.database, ("customer_merge", "merge_request"))
    for trace in ("secret", "anna'", "berta'", str(PHONE)):
        assert trace not in str(rows), trace
    for table in (
        "card_part",
        "card_root",
        "claim_holder",
        "customer_identifier",
        "customer_name",
        "receipt",
    ):
        assert rows[table] == [], table
    assert [each["kind"] for each in rows["customer_change"]] == ["erased"]
    assert all(each["session_id"] for each in rows["claim"])
    assert [each["code"] for each in rows["redemption"]] == ["SALE"]
    assert books == {
        each["id"]: (each["session_count"], each["closed_sessions"], each["total_sales"])
        for each in rows["customer"]
    }
    assert all(each["erased"] for each in rows["customer"])
    assert misplaced(rows, owners_of(rows)) == []
    assert await violations(till.shop.database) == []


async def test_whoever_comes_after_the_erasure_is_somebody_new(
    till: Till, joined: tuple[int, int]
) -> None:
    anna, berta = joined
    await erase_customer(till.shop, till.application.id, "anna", till.now)
    await tell(till, "anna", {"Name": "Anna"})
    newcomer = await id_of(till, "anna")
    assert newcomer not in joined
    outcome = await till.put("n1", profile_id="berta", cart_items=CART, coupon_codes=["SALE"])
    assert outcome.state.owner.id not in (*joined, newcomer)
    assert outcome.decision.session.first_session
    with pytest.raises(CustomerErased):
        await merge(till, newcomer, anna)
    with pytest.raises(CustomerErased):
        await unmerge(till, berta)
    with pytest.raises(CustomerErased):
        await export_customer(till.shop, berta)


async def test_nobody_is_erased_twice(till: Till, joined: tuple[int, int]) -> None:
    anna, _ = joined
    await erase_card(till.shop, anna, ACTOR, till.now)
    before = await belongings(till.shop.database)
    with pytest.raises(CustomerNotFound):
        await erase_card(till.shop, anna, ACTOR, till.now)
    with pytest.raises(CustomerNotFound):
        await erase_card(till.shop, 10**9, ACTOR, till.now)
    with pytest.raises(NotFound):
        await erase_customer(till.shop, till.application.id, "anna", till.now)
    assert await belongings(till.shop.database) == before


async def test_a_card_that_was_taken_out_is_not_erased_with_the_other(
    till: Till, joined: tuple[int, int]
) -> None:
    anna, berta = joined
    await unmerge(till, berta)
    before = await exported(till, berta)
    await erase_card(till.shop, anna, ACTOR, till.now)
    after = await exported(till, berta)
    assert {**after, "merges": []} == {**before, "merges": []}
    with pytest.raises(NotMerged):
        await unmerge(till, berta)


async def test_nothing_of_an_erased_person_is_left_with_those_it_was_joined_with(
    till: Till,
) -> None:
    for name in ("anna", "berta", "carla", "dora"):
        await tell(till, name, {"Name": f"{name} B."})
    await tell(till, "berta", {"City": "secret city", "Country": "secret country"})
    ids = {name: await id_of(till, name) for name in ("anna", "berta", "carla", "dora")}
    await merge(till, ids["anna"], ids["berta"])
    await tell(till, "anna", {"City": "Aachen"})
    await merge(till, ids["carla"], ids["anna"])
    await tell(till, "carla", {"Country": "Cuba"})
    await merge(till, ids["carla"], ids["dora"])
    await unmerge(till, ids["berta"])
    await erase_card(till.shop, ids["berta"], ACTOR, till.now)
    rows = await rows_of(till.shop.database)
    rows |= await rows_of(till.shop.database, ("customer_merge",))
    assert "secret" not in str(rows)
    assert "berta" not in str(rows)
    left = {each["id"]: each["attributes"] for each in rows["customer"]}
    assert left == {
        ids["anna"]: {"Name": "anna B."},
        ids["berta"]: {},
        ids["carla"]: {"Name": "carla B.", "City": "Aachen", "Country": "Cuba"},
        ids["dora"]: {"Name": "dora B."},
    }
    await unmerge(till, ids["anna"])
    rows = await rows_of(till.shop.database, ("customer",))
    left = {each["id"]: each["attributes"] for each in rows["customer"]}
    assert left[ids["anna"]] == {"Name": "anna B.", "City": "Aachen"}
    assert left[ids["carla"]] == {"Name": "carla B.", "Country": "Cuba"}


async def test_why_these_are_one_customer(till: Till, joined: tuple[int, int]) -> None:
    anna, berta = joined
    told = await explain_customer(till.shop, berta)
    assert (told.customer_id, told.asked_id, told.roots) == (anna, berta, (anna, berta))
    links = [(each.kind, each.value, each.root_id, each.source) for each in told.links]
    assert sorted(links) == [
        ("integrationId", "anna", anna, ""),
        ("integrationId", "berta", berta, ""),
        ("mobile", "secret phone", anna, "INSTORE"),
    ]
    assert not any(each.shared for each in told.links)
    (joining,) = told.joinings
    assert (joining.victim_id, joining.survivor_id, joining.at) == (berta, anna, till.now)
    assert (joining.actor, joining.reason.kind) == (ACTOR, "request")
    await unmerge(till, berta)
    alone = await explain_customer(till.shop, berta)
    assert (alone.customer_id, alone.roots) == (berta, (berta,))
    assert [each.value for each in alone.links] == ["berta"]
    assert [each.undone_by for each in alone.joinings] == [ACTOR]
    with pytest.raises(CustomerNotFound):
        await explain_customer(till.shop, 10**9)


async def test_an_identifier_on_many_cards_is_told_as_shared(
    till: Till, joined: tuple[int, int]
) -> None:
    anna, _ = joined
    for number in range(20):
        name = f"guest{number}"
        await tell(till, name, {"Name": name})
        row = await cards.load(
            till.shop.database, CardQuery((), (await id_of(till, name),), None, NOW)
        )
        change = CardChange(
            customer_id=row.cards[0].id,
            version=row.cards[0].version,
            root_id=row.cards[0].id,
            kind="registered",
            actor=Actor(),
            parts=(),
            holders=(PHONE,),
        )
        told = await explain_customer(till.shop, anna)
        assert [each.value for each in told.links if each.shared] == []
        await cards.save(till.shop.database, write_of(change, NOW))
    told = await explain_customer(till.shop, anna)
    assert [(each.value, each.card_count) for each in told.links if each.shared] == [
        ("secret phone", 21)
    ]
