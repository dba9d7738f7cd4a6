"""From the documentations' own snippets, opened in Chromium, to what every other door shows.

The pages carry the snippets as the vendors print them; the host name alone is the shop's tracker's.
"""

from typing import Any

import pytest

from tests.serving import rule
from tests.tracker.browser.recording import PAGES, Recorder
from tests.tracker.browser.visiting import (
    STOCK,
    Visitor,
    attributes,
    filled,
    golden,
    identifiers,
    permissions,
)
from tests.tracker.conftest import Tracked

SEEDS = [
    ("seed-000-without-stocks.html", []),
    ("seed-000-with-stocks.html", [("location", "unknown_stock")]),
    ("seed-001-without-stocks.html", []),
    ("seed-001-with-stocks.html", [("location", "unknown_stock")]),
]
#: contracts/tracker section 4: ten spellings of one number, and four other numbers.
SPELLINGS = [
    "71112223344", "81112223344", "+71112223344", "+7(111)2223344", "+7(111)222-33-44",
    "+7 (111) 222-33-44", "+7 (111) 222 33 44", "+7 111 222 33 44", "+7-111-222-33-44",
    "8-111-222-33-44",
]  # fmt: skip
OTHERS = ["5577999617074", "31687224865", "56948840030", "123456789012345"]


async def test_the_snippets_as_they_are_printed_make_one_card(
    visitor: Visitor, selling: Tracked
) -> None:
    for name, more in SEEDS:
        visitor.answers.clear()
        await visitor.open(name)
        assert visitor.warnings == [("email", "syntax"), ("phone", "bad_characters"), *more]
        assert visitor.stored == 2
        person = selling.customer("externalId", "customerId")
        assert selling.customer("softLink:testLinkName1", "testValue1") == person
        assert identifiers(selling, person) == [
            ("externalId", "customerId"),
            ("softLink:testLinkName1", "testValue1"),
            ("softLink:testLinkName2", "testValue2"),
        ]
        assert golden(selling, person) == {
            "customDataName1": "customDataValue1",
            "customDataName2": "customDataValue2",
        }
        assert permissions(selling, person) == [("email", "BULK", True, "granted")]
        assert attributes(selling, "customerId") == {}


@pytest.mark.parametrize("name", [name for name, _ in SEEDS])
async def test_a_snippet_that_a_template_has_filled_in(
    visitor: Visitor, shop: Recorder, selling: Tracked, name: str
) -> None:
    id_, email = f"F-{name}", f"{name.removesuffix('.html')}@examplemail.com"
    phone = f"+7 (111) 222-4{SEEDS.index((name, dict(SEEDS)[name]))}-44"
    values = {"customerId": id_, "email": email, "phone": phone, "testValue1": f"1-{name}"}
    region = {"defaultStockId": STOCK} if "with-stocks" in name else {}
    shop.pages["filled.html"] = filled(name, **values, testValue2=f"2-{name}", **region)
    await visitor.open("filled.html")
    assert visitor.warnings == []
    person = selling.customer("externalId", id_)
    assert selling.customer("email", email) == person
    assert selling.customer("mobile", "7" + "".join(filter(str.isdigit, phone))[1:]) == person
    expected = {"email": email, "mobile": phone, "customDataName1": "customDataValue1"}
    expected |= {"customDataName2": "customDataValue2"}
    expected |= {"location": STOCK} if region else {}
    assert golden(selling, person) == expected
    assert attributes(selling, id_) == {"Email": email, "Phone": phone}


async def test_every_spelling_of_a_phone_is_one_customers(
    visitor: Visitor, shop: Recorder, selling: Tracked
) -> None:
    for number, phone in enumerate([*SPELLINGS, *OTHERS]):
        name = "one" if phone in SPELLINGS else phone
        shop.pages[f"{number}.html"] = filled(
            SEEDS[2][0], customerId=f"phone-{name}", phone=phone, testValue1=name, testValue2=name
        )
        await visitor.open(f"{number}.html")
    assert visitor.warnings == [("email", "syntax")] * 14
    one = selling.customer("externalId", "phone-one")
    assert selling.customer("mobile", "71112223344") == one
    assert [kind for kind, _ in identifiers(selling, one)].count("mobile") == 1
    found = [selling.customer("mobile", phone) for phone in OTHERS]
    assert found == [selling.customer("externalId", f"phone-{phone}") for phone in OTHERS]
    assert len({one, *found}) == 5


async def test_the_profile_of_the_documentation(visitor: Visitor, selling: Tracked) -> None:
    page = await visitor.open("seed-002.html")
    await page.evaluate("new Promise((read) => personaclick('profile', 'get', read))")
    assert visitor.warnings == []
    assert visitor.lines == ["m", "null"]
    person = selling.customer("externalId", "100500")
    assert identifiers(selling, person) == [
        ("email", "john.doe@examplemail.com"),
        ("externalId", "100500"),
        ("fbId", "000000000354677"),
        ("mobile", "4400114527199"),
        ("softLink:loyalty_id", "000001234567"),
        ("softLink:telegram_id", "0125762968357835"),
        ("softLink:vk_id", "vk031845"),
    ]
    held = golden(selling, person)
    age = held.pop("age")
    assert sorted(age) == ["earliest", "latest"]
    assert held == {
        "email": "john.doe@examplemail.com",
        "mobile": "4400114527199",
        "first_name": "John",
        "last_name": "Doe",
        "birthday": "1990-03-11",
        "gender": "male",
        "location": "NY",
        "bought_something": True,
        "loyalty_card_location": "NY",
        "loyalty_status": "5% discount",
        "loyalty_bonuses": 1123,
        "loyalty_bonuses_to_next_level": 1877,
        "kids": [
            {"gender": "male", "birthday": "2015-07-26"},
            {"gender": "female", "birthday": "2017-06-05"},
            {"gender": "male", "birthday": "2014-03-17"},
        ],
        "vehicles": [{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}],
    }
    assert permissions(selling, person) == []
    assert attributes(selling, "100500") == {
        "Name": "John Doe",
        "Email": "john.doe@examplemail.com",
        "Phone": "4400114527199",
        "Gender": "male",
        "BirthDate": "1990-03-11T00:00:00Z",
    }


async def test_a_rule_gives_by_what_a_page_told(
    visitor: Visitor, shop: Recorder, selling: Tracked
) -> None:
    text = (PAGES / "seed-002.html").read_text().replace("id: 100500", "id: 'told'")
    shop.pages["told.html"] = text.replace("john.doe@", "told@").replace('"m",\nl', '"f",\nl')
    is_woman = ["=", [".", "Profile", "Attributes", "Gender"], "female"]
    selling.front.campaign(rule(is_woman, ["setDiscount", "for her", 1]))
    await visitor.open("told.html")
    asked: dict[str, Any] = {"content": [], "cartItems": [{"sku": "a", "quantity": 1, "price": 9}]}
    given = selling.front.put("cart-of-her", profileId="told", **asked)
    assert [each["props"]["name"] for each in given.json["effects"]] == ["for her"]
    assert selling.front.put("cart", profileId="somebody", **asked).json["effects"] == []
