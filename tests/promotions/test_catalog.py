"""What carts take out of catalogs, and what synchronisations make of these."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.attributes import AttributeDefinition, AttributeType
from habitue.model.errors import InvalidInput
from habitue.pricing.cart import PRICE_WANTED, CartItem, CatalogPart, TypedPrice
from habitue.promotions.catalog import (
    Buyer,
    CatalogItem,
    PriceAdjustment,
    PriceType,
    chosen_price,
    filled_in,
    prices_of,
    unpriced,
)
from habitue.promotions.catalog_sync import (
    Action,
    AddItem,
    AdjustPrices,
    ItemFilter,
    ItemWrite,
    ManyWrite,
    PatchItem,
    PatchMany,
    RemoveItem,
    RemoveMany,
    StoredFilter,
    SyncDecision,
    SyncRules,
    SyncState,
    decide_sync,
)
from habitue.promotions.evaluation import AttributeChange
from habitue.promotions.session import Session
from habitue.promotions.setting import with_changes

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def article(sku: str = "tea", price: str | None = "10", **more: Any) -> CatalogItem:
    return CatalogItem(7, 1, sku, 1, NOW, None if price is None else Decimal(price), **more)


def adjusted(price_type: str, reference: str, price: str | None, **more: Any) -> PriceAdjustment:
    amount = None if price is None else Decimal(price)
    return PriceAdjustment(price_type, reference, more.pop("calculated", NOW), amount, **more)


def member_price(*audiences: int) -> PriceType:
    return PriceType(1, "member", "Member", NOW, NOW, targeted_audience_ids=audiences)


def line(sku: str = "tea", price: str | None = None, **more: Any) -> CartItem:
    if price is None:
        return CartItem(sku, 1, Decimal(0), catalog=PRICE_WANTED, **more)
    return CartItem(sku, 1, Decimal(price), **more)


def test_a_line_takes_only_what_it_does_not_say_itself() -> None:
    item = article(product={"name": "Tea"}, attributes={"color": "green", "size": Decimal(2)})
    silent = line(attributes={"size": Decimal(3)})
    telling = line("tea", "12", product={"name": "My tea"}, attributes={"color": "black"})
    stranger = line("cup", "5")
    names = {"color", "size"}
    filled = filled_in((silent, telling, stranger), {"tea": item}, names, Buyer(NOW))
    assert [(each.price, each.product, each.attributes) for each in filled] == [
        (Decimal(10), {"name": "Tea"}, {"color": "green", "size": Decimal(3)}),
        (Decimal(12), {"name": "My tea"}, {"color": "black", "size": Decimal(2)}),
        (Decimal(5), None, {}),
    ]
    assert filled[0].catalog == CatalogPart(7, priced=True, product=True, attributes=("color",))
    assert filled[1].catalog == CatalogPart(7, attributes=("size",))
    assert filled[2] is stranger
    unknown = filled_in((silent,), {"tea": item}, {"size"}, Buyer(NOW))
    assert unknown[0].attributes == {"size": Decimal(3)}, "of attributes only those that serve"


def test_what_was_filled_in_is_filled_in_anew_and_kept_where_the_article_is_gone() -> None:
    names = {"color", "size"}
    before = article(product={"name": "Tea"}, attributes={"color": "green", "size": Decimal(1)})
    after = article(price="9", attributes={"size": Decimal(4)})
    first = filled_in((line(),), {"tea": before}, names, Buyer(NOW))
    second = filled_in(first, {"tea": after}, names, Buyer(NOW))
    assert second == filled_in((line(),), {"tea": after}, names, Buyer(NOW))
    assert (second[0].price, second[0].product) == (Decimal(9), None)
    assert filled_in(first, {}, names, Buyer(NOW)) == first
    unpriced_now = filled_in(first, {"tea": article(price=None)}, names, Buyer(NOW))
    assert unpriced_now[0].price == Decimal(10), "an open cart does not become free"


def test_what_rules_set_of_a_line_is_its_own_from_then_on() -> None:
    item = article(attributes={"color": "green", "size": Decimal(1)})
    names = {"color", "size"}
    lines = filled_in((line(),), {"tea": item}, names, Buyer(NOW))
    session = Session(1, 1, 1, "s", NOW, NOW, cart_items=lines)
    session, _ = with_changes(session, [AttributeChange("CartItem", "color", "red", 0)])
    again = filled_in(session.cart_items, {"tea": item}, names, Buyer(NOW))
    assert again[0].attributes == {"color": "red", "size": Decimal(1)}
    assert again[0].catalog == CatalogPart(7, priced=True, attributes=("size",))


def test_lines_without_any_price_are_told() -> None:
    lines = (line("tea"), line("cup"), line("pot", "3"), line("free"))
    stock = {"tea": article(), "cup": article("cup", None), "pot": article("pot", None)}
    assert list(unpriced(lines, stock, Buyer(NOW))) == [1, 3]


def test_the_lowest_price_that_the_buyer_gets_counts() -> None:
    item = article(
        adjustments=(
            adjusted("member", "m", "8", effective_from=NOW, effective_until=NOW + HOUR),
            adjusted("staff", "s", "1"),
            adjusted("base", "sale", "9", effective_from=NOW + HOUR),
        )
    )
    types = {"member": member_price(5)}

    def price(now: datetime, *audiences: int) -> tuple[Decimal, str]:
        chosen = chosen_price(item, Buyer(now, types, frozenset(audiences)))
        assert chosen is not None
        return chosen.price, chosen.price_type

    assert price(NOW) == (Decimal(10), "base"), "a type that is not known is nobody's"
    assert price(NOW, 4, 5) == (Decimal(8), "member")
    assert price(NOW - timedelta(seconds=1), 5) == (Decimal(10), "base")
    assert price(NOW + HOUR, 5) == (Decimal(9), "base")
    filled = filled_in((line(),), {"tea": item}, (), Buyer(NOW, types, frozenset({5})))
    part = filled[0].catalog
    assert part is not None
    assert part.selected == "member"
    assert part.prices == {
        "base": TypedPrice(Decimal(10)),
        "member": TypedPrice(Decimal(8), "m", "", NOW, NOW + HOUR),
        "staff": TypedPrice(Decimal(1), "s"),
    }


def test_of_overlapping_adjustments_the_one_calculated_last_counts() -> None:
    old = adjusted("member", "old", "7", calculated=NOW - HOUR)
    ended = adjusted("member", "ended", None, calculated=NOW)
    assert "member" not in prices_of(article(adjustments=(ended, old)), NOW)
    new = adjusted("member", "new", "6", calculated=NOW)
    found = prices_of(article(adjustments=(new, old)), NOW)["member"]
    assert (found.price, found.adjustment) == (Decimal(6), new)


def definition(name: str, type_: AttributeType) -> AttributeDefinition:
    return AttributeDefinition(1, "CartItem", name, name, type_, NOW)


RULES = SyncRules(
    {
        each.name: each
        for each in (
            definition("color", "string"),
            definition("size", "number"),
            definition("tags", "(list string)"),
            definition("new", "boolean"),
        )
    },
    frozenset({"member"}),
)


def decided(*actions: Action, version: int | None = None, **items: CatalogItem) -> SyncDecision:
    return decide_sync(actions, version, SyncState(4, items), RULES, NOW)


def refused(*actions: Action, version: int | None = None, **items: CatalogItem) -> list[Any]:
    with pytest.raises(InvalidInput) as refusal:
        decided(*actions, version=version, **items)
    return [(each.pointer, each.title) for each in refusal.value.faults]


def test_adding_replaces_and_patching_merges() -> None:
    tea = article(product={"name": "Tea"}, attributes={"color": "red", "size": Decimal(1)})
    replaced = decided(AddItem("tea", attributes={"color": "blue"}, replace=True), tea=tea)
    assert replaced.items == (ItemWrite("tea", Decimal(10), None, {"color": "blue"}, ()),)
    patch = PatchItem("tea", Decimal(12), {"name": "T"}, {"color": None, "new": True})
    assert decided(patch, tea=tea).items == (
        ItemWrite("tea", Decimal(12), {"name": "T"}, {"size": Decimal(1), "new": True}, ()),
    )
    made = decided(PatchItem("cup", create=True), AddItem("pot", Decimal(3)), RemoveItem("gone"))
    assert [each.sku for each in made.items] == ["cup", "pot"]
    assert made.removed == ("gone",)


def test_everything_wrong_is_told_at_once() -> None:
    found = refused(
        AddItem("tea"),
        PatchItem("cup", Decimal(-1), attributes={"colour": "x", "size": "big"}),
        RemoveItem("tea"),
        RemoveItem(""),
        version=3,
        tea=article(),
    )
    assert found == [
        ("/version", "Outdated"),
        ("/actions/2/payload/sku", "Duplicate"),
        ("/actions/0/payload/sku", "Exists"),
        ("/actions/1/payload/sku", "Unknown"),
        ("/actions/1/payload/price", "Out of range"),
        ("/actions/1/payload/attributes/colour", "Unknown"),
        ("/actions/1/payload/attributes/size", "Invalid type"),
        ("/actions/3/payload/sku", "Invalid length"),
    ]


def test_filters_compare_with_values_of_the_attributes_type() -> None:
    wanted = PatchMany(
        (
            ItemFilter("size", "GT", "45"),
            ItemFilter("color", "IN", "red, blue"),
            ItemFilter("size", "IN", [1, "2"]),
            ItemFilter("new", "EQ", "True"),
        ),
        Decimal(5),
        {"color": None},
    )
    filters = (
        StoredFilter("size", "GT", (Decimal(45),)),
        StoredFilter("color", "IN", ("red", "blue")),
        StoredFilter("size", "IN", (Decimal(1), Decimal(2))),
        StoredFilter("new", "EQ", (True,)),
    )
    assert decided(wanted, RemoveMany()).many == (
        ManyWrite(filters, price=Decimal(5), attributes={"color": None}),
        ManyWrite((), remove=True),
    )
    wrong = RemoveMany(
        (
            ItemFilter("weight", "EQ", 1),
            ItemFilter("tags", "EQ", "a"),
            ItemFilter("color", "LT", "a"),
            ItemFilter("size", "EQ", "NaN"),
            ItemFilter("new", "EQ", "maybe"),
            ItemFilter("color", "EQ", None),
        )
    )
    assert refused(wrong) == [
        ("/actions/0/payload/filters/0/attr", "Unknown"),
        ("/actions/0/payload/filters/1/attr", "Not supported"),
        ("/actions/0/payload/filters/2/op", "Not allowed"),
        ("/actions/0/payload/filters/3/value", "Invalid type"),
        ("/actions/0/payload/filters/4/value", "Invalid type"),
        ("/actions/0/payload/filters/5/value", "Invalid type"),
    ]


def test_adjustments_replace_those_of_their_reference_and_forget_what_has_ended() -> None:
    over = adjusted("member", "over", "1", effective_until=NOW)
    tea = article(adjustments=(over, adjusted("member", "a", "9")))
    new = adjusted("member", "a", "8")
    adjust = decided(AdjustPrices("tea", (new, adjusted("base", "b", None))), tea=tea)
    assert adjust.items[0].adjustments == (new, adjusted("base", "b", None))
    assert adjust.items[0].price == Decimal(10)
    wrong = AdjustPrices(
        "tea",
        (
            adjusted("vip", "a", "1", effective_from=NOW, effective_until=NOW),
            adjusted("member", "a", "-1"),
        ),
    )
    assert refused(wrong, tea=tea) == [
        ("/actions/0/payload/adjustments/0/priceType", "Unknown"),
        ("/actions/0/payload/adjustments/0/effectiveUntil", "Invalid period"),
        ("/actions/0/payload/adjustments/1/price", "Out of range"),
        ("/actions/0/payload/adjustments/1/referenceId", "Duplicate"),
    ]


VALUES = st.dictionaries(st.sampled_from(["color", "size", "new"]), st.text(max_size=2), max_size=3)
PRICES = st.none() | st.decimals(0, 99, places=2)


@settings(max_examples=60)
@given(own=VALUES, items=st.lists(st.tuples(PRICES, VALUES), min_size=1, max_size=4))
def test_only_the_last_article_shows_in_a_line(own: Any, items: Any) -> None:
    """Whatever the catalog said before, a line is what it says now, and its own words stand."""
    names = {"color", "size", "new"}
    first: tuple[CartItem, ...] = (line(attributes=own),)
    lines = first
    for price, attributes in items:
        item = CatalogItem(7, 1, "tea", 1, NOW, price, attributes=attributes)
        lines = filled_in(lines, {"tea": item}, names, Buyer(NOW))
        (filled,) = filled_in(first, {"tea": item}, names, Buyer(NOW))
        assert lines[0].attributes == filled.attributes == {**attributes, **own}
        if price is not None:
            assert lines[0].price == price
