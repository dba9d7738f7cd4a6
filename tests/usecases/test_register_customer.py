"""Registering on a real database: what is stored, what a retry does, what a refusal leaves."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from habitue.customers.card import Actor
from habitue.customers.change_identifiers import IdentifierCommand
from habitue.customers.refusals import CustomerExists, CustomerMerged, CustomerNotFound
from habitue.customers.registration import OfferedIdentifier, OfferedProfile, Registration
from habitue.model.errors import KeyReused, Refusal
from habitue.model.idempotency import Idempotency
from habitue.store.database import Database
from habitue.usecases.card_writing import Written
from habitue.usecases.register_customer import register_customer
from habitue.usecases.shop import Shop
from habitue.usecases.update_customer import change_identifiers, update_customer
from habitue.usecases.writing import Reply
from tests.building import NOW

TILL = Actor(code="till-1")
TABLES = (
    "claim",
    "customer",
    "customer_identifier",
    "card_part",
    "customer_name",
    "claim_holder",
    "customer_change",
    "customer_merge",
    "receipt",
)


def identifiers(*told: str) -> tuple[OfferedIdentifier, ...]:
    """Identifiers, told as `kind value`."""
    return tuple(OfferedIdentifier(kind=each.split()[0], value=each.split()[1]) for each in told)


def registration(*told: str, source: str = "INSTORE", **fields: Any) -> Registration:
    """A registration of one profile."""
    names = {name: fields.pop(name) for name in ("told",) if name in fields}
    profile = OfferedProfile(source=source, identifiers=identifiers(*told), **names)
    return Registration(profiles=(profile,), actor=TILL, **fields)


def rendered(written: Written) -> Reply:
    notices = [[each.kind, each.subject] for each in written.decision.notices]
    return Reply(200, msgspec.json.encode([written.customer_id, notices]))


class Counter:
    """Registers, and reads the tables."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def add(
        self, *told: str, idempotency: Idempotency | None = None, **fields: Any
    ) -> tuple[int, list[list[str]]]:
        """The id and the notices."""
        asked = registration(*told, **fields)
        reply = await register_customer(self.shop, asked, NOW, rendered, idempotency)
        id_, notices = msgspec.json.decode(reply.body)
        return id_, notices

    async def update(self, id_: int, *, source: str = "INSTORE", **fields: Any) -> Any:
        asked = registration(source=source, **fields)
        later = NOW + timedelta(hours=1)
        return msgspec.json.decode(
            (await update_customer(self.shop, id_, asked, later, rendered)).body
        )

    async def change(
        self, id_: int, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), **fields: Any
    ) -> Any:
        command = IdentifierCommand(
            source=fields.get("source", "INSTORE"),
            account_id="",
            add=identifiers(*add),
            remove=identifiers(*remove),
            actor=TILL,
        )
        reply = await change_identifiers(self.shop, id_, command, NOW, rendered)
        return msgspec.json.decode(reply.body)

    async def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        database = self.shop.database
        return {table: await database.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}

    async def owners(self) -> dict[str, int]:
        """Who owns each identifier by its claim."""
        rows = await self.shop.database.fetch(
            "SELECT kind, value, claim.customer_id FROM customer_identifier JOIN claim"
            " USING (claim_key, customer_id)"
        )
        return {f"{row['kind']} {row['value']}": row["customer_id"] for row in rows}

    async def part(self, id_: int, root_id: int | None = None) -> dict[str, Any]:
        document = await self.shop.database.fetchval(
            "SELECT document FROM card_part WHERE customer_id = $1 AND root_id = $2",
            id_,
            root_id or id_,
        )
        part: dict[str, Any] = msgspec.json.decode(document)
        return part

    async def refuses(self, refusal: type[Refusal], *told: str, **fields: Any) -> Refusal:
        """The refusal; nothing has changed by it."""
        before = await self.rows()
        with pytest.raises(refusal) as caught:
            await self.add(*told, **fields)
        assert await self.rows() == before
        return caught.value


@pytest.fixture
async def counter(database: Database) -> Counter:
    shop = Shop(database)
    await shop.refresh()
    return Counter(shop)


async def test_a_registration_is_a_card_with_claims_names_and_a_record(counter: Counter) -> None:
    id_, notices = await counter.add(
        "mobile 6591234567", "externalId ORC1", told={"first_name": "Meera", "last_name": "Tan"}
    )
    assert notices == []
    assert await counter.owners() == {"mobile 6591234567": id_, "externalId ORC1": id_}
    assert await counter.rows() == {
        "claim": 2,
        "customer": 1,
        "customer_identifier": 2,
        "card_part": 1,
        "customer_name": 2,
        "claim_holder": 0,
        "customer_change": 1,
        "customer_merge": 0,
        "receipt": 0,
    }
    part = await counter.part(id_)
    assert part["profiles"][0]["told"]["first_name"]["value"] == "Meera"


async def test_the_same_source_again_is_refused_and_changes_nothing(counter: Counter) -> None:
    id_, _ = await counter.add("mobile 6591234567")
    refusal = await counter.refuses(CustomerExists, "mobile 6591234567", "email b@orchard.sg")
    assert isinstance(refusal, CustomerExists)
    assert refusal.customer_id == id_


async def test_another_source_is_attached_to_the_same_customer(counter: Counter) -> None:
    id_, _ = await counter.add("mobile 6591234567")
    again, notices = await counter.add("mobile 6591234567", "cuid c1", source="ECOMMERCE")
    assert (again, notices) == (id_, [["combined", ""]])
    assert await counter.owners() == {"mobile 6591234567": id_, "cuid c1": id_}
    part = await counter.part(id_)
    assert [each["source"] for each in part["profiles"]] == ["INSTORE", "ECOMMERCE"]


async def test_several_matches_become_one_card_of_the_primary(counter: Counter) -> None:
    one, _ = await counter.add("email b@orchard.sg", source="WEBSITE")
    two, _ = await counter.add("mobile 6591234567")
    id_, notices = await counter.add(
        "mobile 6591234567", "email b@orchard.sg", "cuid c1", source="ECOMMERCE"
    )
    assert id_ == two
    assert notices == [["combined", ""], ["merged", str(two)]]
    assert set((await counter.owners()).values()) == {two}
    rows = await counter.rows()
    assert (rows["card_part"], rows["customer_merge"], rows["customer"]) == (2, 1, 2)
    assert (await counter.part(two, one))["profiles"][0]["source"] == "WEBSITE"
    with pytest.raises(CustomerMerged):
        await counter.update(one, told={"first_name": "X"})


async def test_a_retry_with_a_key_gives_the_same_answer_once(counter: Counter) -> None:
    key = Idempotency(b"k" * 16, b"h" * 32)
    first = await counter.add("mobile 6591234567", idempotency=key)
    rows = await counter.rows()
    assert await counter.add("mobile 6591234567", idempotency=key) == first
    assert await counter.rows() == rows
    with pytest.raises(KeyReused):
        await counter.add("mobile 6591234567", idempotency=Idempotency(b"k" * 16, b"x" * 32))


async def test_an_update_lays_what_is_told_over_what_was(counter: Counter) -> None:
    id_, _ = await counter.add(
        "mobile 6591234567", told={"first_name": "Meera", "last_name": "Tan"}
    )
    assert await counter.update(id_, told={"last_name": "Tan-Lim"}) == [id_, []]
    told = (await counter.part(id_))["profiles"][0]["told"]
    assert {name: each["value"] for name, each in told.items()} == {
        "first_name": "Meera",
        "last_name": "Tan-Lim",
    }
    names = await counter.shop.database.fetch("SELECT name FROM customer_name ORDER BY name")
    assert [row["name"] for row in names] == ["meera", "tan-lim"]
    with pytest.raises(CustomerNotFound):
        await counter.update(id_ + 1000, told={"first_name": "X"})


async def test_identifiers_come_and_go_with_their_claims(counter: Counter) -> None:
    id_, _ = await counter.add("mobile 6591234567", "email a@orchard.sg")
    done = await counter.change(id_, ("email b@orchard.sg",), ("email a@orchard.sg",))
    assert done == [id_, []]
    assert await counter.owners() == {"mobile 6591234567": id_, "email b@orchard.sg": id_}
    other, _ = await counter.add("email a@orchard.sg")
    assert other != id_
    again = await counter.change(id_, ("email b@orchard.sg",))
    assert again == [id_, [["email_attached", "b@orchard.sg"], ["nothing_changed", ""]]]


async def test_an_identifier_of_another_card_makes_the_two_one(counter: Counter) -> None:
    one, _ = await counter.add("email a@orchard.sg", source="WEBSITE")
    two, _ = await counter.add("mobile 6591234567")
    assert await counter.change(two, ("email a@orchard.sg",)) == [one, [["merged", str(one)]]]
    assert set((await counter.owners()).values()) == {one}
    profile = (await counter.part(one, two))["profiles"][0]
    assert [each["kind"] for each in profile["identifiers"]] == ["mobile", "email"]
