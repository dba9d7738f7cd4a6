"""Bundles: as many as there can be, of the dearest units, whatever the order of the lines."""

from decimal import Decimal
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.numbers import ZERO
from habitue.promotions.bundles import BundleFacts, by_price, formed
from habitue.promotions.effects import SetDiscountPerItem, ShowBundleMetadata
from habitue.promotions.facts import ItemFacts
from tests.promotions.shop_window import Window, item, rule, values


def unit(sku: str, price: str, position: int, **attributes: Any) -> ItemFacts:
    return ItemFacts(
        sku, None, None, None, Decimal(price), None, None, None, None,
        attributes, Decimal(position), ZERO, Decimal(1), {},
    )  # fmt: skip


def skus(bundles: list[BundleFacts]) -> list[tuple[str, ...]]:
    return [tuple(item.sku for item in bundle.items) for bundle in bundles]


def test_a_unit_that_fits_both_lists_goes_where_it_is_needed() -> None:
    # Taking the pan for the first list would leave none for the second.
    pan, pot = unit("pan", "50", 0), unit("pot", "10", 1)
    assert skus(list(formed("set", [[pan, pot], [pan]]))) == [("pot", "pan")]


def test_the_dearest_units_are_bundled_first() -> None:
    pots = [unit("pot", price, position) for position, price in enumerate(["10", "30", "20"])]
    lids = [unit("lid", "5", 3), unit("lid", "7", 4)]
    bundles = list(formed("set", [pots, lids]))
    assert [[item.price for item in each.items] for each in bundles] == [[30, 7], [20, 5]]
    assert [each.index for each in bundles] == [0, 1]
    assert [each.total for each in bundles] == [37, 25]


def test_units_of_a_bundle_are_alike_where_that_is_asked_for() -> None:
    pots = [unit("pot", "10", 0, color="red"), unit("pot", "20", 1, color="blue")]
    lids = [unit("lid", "5", 2, color="blue"), unit("lid", "6", 3, color="green")]
    bundles = list(formed("set", [pots, lids], "color"))
    assert [[item.attributes["color"] for item in each.items] for each in bundles] == [
        ["blue", "blue"]
    ]


UNITS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=7)
LISTS = st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(UNITS, LISTS)
def test_there_are_as_many_bundles_as_there_can_be(
    drawn: list[tuple[str, int]], wanted: list[set[str]]
) -> None:
    units = [unit(sku, str(price), position) for position, (sku, price) in enumerate(drawn)]
    lists = [[each for each in units if each.sku in skus] for skus in wanted]
    bundles = list(formed("set", lists))
    used = [id(each) for bundle in bundles for each in bundle.items]
    assert len(used) == len(set(used)), "a unit is used once"
    for bundle in bundles:
        assert all(each in one for each, one in zip(bundle.items, lists, strict=True))
    assert len(bundles) == _most(lists)


def _most(lists: list[list[ItemFacts]]) -> int:
    """By trying: the longest row of bundles that can be formed."""

    def possible(slots: list[list[ItemFacts]], used: frozenset[int]) -> bool:
        if not slots:
            return True
        return any(
            possible(slots[1:], used | {id(each)}) for each in slots[0] if id(each) not in used
        )

    count = 0
    while possible(lists * (count + 1), frozenset()):
        count += 1
    return count


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=4))
def test_the_order_of_the_lines_does_not_matter(drawn: list[tuple[str, int]]) -> None:
    def bundled(order: tuple[tuple[str, int], ...]) -> list[list[tuple[str, Decimal]]]:
        units = [unit(sku, str(price), position) for position, (sku, price) in enumerate(order)]
        alls = [units, [each for each in units if each.sku == "a"]]
        return [[(each.sku, each.price) for each in one.items] for one in formed("set", alls)]

    assert len({str(bundled(order)) for order in permutations(drawn)}) == 1


def test_units_of_one_price_are_told_apart_by_article_and_place() -> None:
    units = [unit("b", "1", 0), unit("a", "1", 1), unit("a", "1", 2)]
    assert [each.position for each in by_price(units, dearest_first=False)] == [1, 2, 0]
    assert [each.position for each in by_price(units, dearest_first=True)] == [1, 2, 0]


SETS = (
    'bundles("sets", filter(session.cart_items, lambda item: item.sku == "pot"), '
    'filter(session.cart_items, lambda item: item.sku == "lid"))'
)


def test_a_discount_on_bundles_is_spread_and_names_its_bundle() -> None:
    window = Window(
        [rule("true", f'setDiscountPerBundle("set", lambda bundle: bundle.total / 10, {SETS})')]
    )

    def share(line: int, unit: int, value: int) -> SetDiscountPerItem:
        name, bundle = f"set#{line}", {"bundle_index": unit, "bundle_name": "sets"}
        return SetDiscountPerItem(name, Decimal(value), line, unit, Decimal(4), **bundle)  # type: ignore[arg-type]

    assert window.given(item("pot", 30, 2), item("lid", 10, 3)) == [
        share(0, 0, 3),
        share(1, 0, 1),
        share(0, 1, 3),
        share(1, 1, 1),
    ]
    assert window.given(item("pot", 30)) == [], "without a bundle the rule gives nothing"


def test_a_discount_on_one_unit_of_each_bundle_names_it_as_the_target() -> None:
    window = Window([rule("true", f'setDiscountPerBundleItem("lid", 2, {SETS}, 1)')])
    (only,) = window.given(item("lid", 10, 2), item("pot", 30))
    assert only == SetDiscountPerItem(
        "lid#0", Decimal(2), 0, 0, bundle_index=0, bundle_name="sets",
        targeted_position=0, targeted_sub_position=0,
    )  # fmt: skip


def test_bundles_tell_of_what_they_were_made() -> None:
    window = Window([rule("true", f'showBundleMetadata("pot with lid", {SETS}, ["color"])')])
    assert window.given(item("lid", 10), item("tea", 1), item("pot", 30)) == [
        ShowBundleMetadata("pot with lid", ("color",), (2, 0))
    ]


def test_amounts_of_bundles_sum_to_what_was_wanted() -> None:
    window = Window([rule("true", f'setDiscountPerBundle("set", 10, {SETS})')])
    given_ = window.given(item("pot", "9.99", 3), item("lid", "3.33", 3))
    assert len(given_) == 6
    assert sum(values(given_)) == 30
