"""What articles cost as shops show it, and the best price that they had before."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.talon_one.effects import effect_out
from habitue.model.documents import encode
from habitue.promotions.audiences import Audience
from habitue.promotions.campaign import Application, Campaign, StoredRuleset
from habitue.promotions.catalog import CatalogItem, PriceAdjustment, PriceType
from habitue.promotions.configuration import Configuration
from habitue.promotions.effects import Effect, SetDiscountPerItem
from habitue.promotions.price_labels import (
    Adjusted,
    Influence,
    PriceLabel,
    PriceMetadata,
    labels_of,
    running_strikethrough,
)
from habitue.promotions.prior_price import EndType, Observation, best_prior_price
from habitue.promotions.program import Program, build_program
from tests.building import NOW, rule

DAY = timedelta(days=1)
TEN_OFF = rule("all_of(true)", 'setDiscountPerItem("off", lambda item: item.price * 0.1)')
MEMBERS_OFF = rule('"Members" in profile.audiences', 'setDiscountPerItem("members", 2)')


def article(price: int = 100, **more: Any) -> CatalogItem:
    return CatalogItem(7, 1, "tea", 1, NOW, Decimal(price), **more)


def program(*rules: dict[str, Any], **fields: Any) -> Program:
    """Campaign 1 has the rules; audience 5 are the members, price type "member" is theirs."""
    campaign = Campaign(
        id=1, application_id=1, name="Sale", state="enabled", created=NOW, updated=NOW,
        features=("strikethrough",), active_ruleset_id=11,
    )  # fmt: skip
    document = {"rules": [], "bindings": [], "strikethroughRules": list(rules)}
    member = PriceType(3, "member", "Member", NOW, NOW, targeted_audience_ids=(5,))
    configuration = Configuration(
        version=1,
        applications={1: Application(1, "shop", "Europe/Berlin", "EUR", NOW, NOW)},
        campaigns={1: msgspec.structs.replace(campaign, **fields)},
        rulesets={11: StoredRuleset(11, 1, NOW, document)},
        audiences={5: Audience(5, "Members", created=NOW)},
        price_types={3: member},
    )
    return build_program(configuration, 1)


def label(price: Any, audience: int = 0, contexts: tuple[str, ...] = (), **why: Any) -> PriceLabel:
    return PriceLabel("tea", audience, NOW, Decimal(price), contexts, PriceMetadata(**why))


def test_running_campaigns_lower_prices() -> None:
    lowered = label(90, contexts=("campaign-1",), influences=(Influence(1, Decimal("10.0")),))
    assert list(labels_of(program(TEN_OFF), article(), NOW)) == [lowered]
    for idle in ({"state": "disabled"}, {"features": ()}, {"end_time": NOW}):
        assert list(labels_of(program(TEN_OFF, **idle), article(), NOW)) == [label(100)]
        assert running_strikethrough(program(TEN_OFF, **idle), NOW) == ()
    assert running_strikethrough(program(TEN_OFF), NOW) == ((1, 11),)
    more = rule("all_of(true)", 'setDiscountPerItem("all", 500)')
    assert next(labels_of(program(more), article(), NOW)).price == Decimal(0)
    excluded = ["setDiscountPerItem", "own", 7, [".", "Session", "CartItems"], "price", False, True]
    both = {**TEN_OFF, "effects": [*TEN_OFF["effects"], excluded]}
    assert list(labels_of(program(both), article(), NOW)) == [lowered]
    none = CatalogItem(7, 1, "tea", 1, NOW)
    assert list(labels_of(program(TEN_OFF), none, NOW)) == []


def test_audiences_that_see_other_prices_have_labels_of_their_own() -> None:
    discount = (Influence(1, Decimal(2)),)
    assert list(labels_of(program(MEMBERS_OFF), article(), NOW)) == [
        label(100),
        label(98, 5, ("campaign-1",), influences=discount),
    ]
    cheaper = PriceAdjustment("member", "m-1", NOW, Decimal(70), context_id="summer")
    adjusted = Adjusted("m-1", "member", Decimal(70))
    assert list(labels_of(program(), article(adjustments=(cheaper,)), NOW)) == [
        label(100),
        label(70, 5, ("summer",), adjusted=adjusted),
    ]


def test_strikethrough_rules_see_the_article_and_are_not_run_for_sessions() -> None:
    teas = rule('item_name == "x"', 'setDiscountPerItem("off", 1)')
    teas["condition"] = ["=", [".", "Session", "Total"], 100]
    assert next(labels_of(program(teas), article(), NOW)).price == Decimal(99)
    assert next(labels_of(program(teas), article(101), NOW)).price == Decimal(101)
    assert program(teas).compiled[1].rules == ()


def history(*prices: tuple[int, int] | tuple[int, int, str]) -> list[Observation]:
    """Observations on so many days from the start, each at a price, perhaps in a context."""
    return [
        Observation(
            index,
            msgspec.structs.replace(label(price, contexts=tuple(context)), at=NOW + day * DAY),
        )
        for index, (day, price, *context) in enumerate(prices)
    ]


def best(observations: list[Observation], day: int, days: int, end_type: EndType) -> int | None:
    found = best_prior_price(observations, NOW + day * DAY, days, end_type)
    return None if found is None else found.id


def test_the_lowest_price_of_the_days_before_counts() -> None:
    seen = history((0, 80), (10, 100), (20, 90), (35, 95), (50, 60, "sale"), (52, 55, "sale"))
    assert best(seen, 60, 30, "sale") == 2, "the lowest from day 20 to day 50"
    assert best(seen, 60, 10, "sale") == 3, "in effect when the days began"
    assert best(seen, 60, 60, "sale") == 0
    assert best(seen, 60, 30, "price") == 4, "the sale's first price came before its second"
    assert best(seen, 60, 30, "strict") == 5
    assert best(seen, 51, 30, "strict") == 4
    assert best(seen, 40, 30, "sale") == 2, "no sale on day 40: as with strict"
    assert best(seen, -1, 30, "strict") is None
    assert best(history((0, 60, "sale")), 5, 30, "sale") is None, "nothing was there before"
    assert best(history((0, 9), (1, 9), (2, 9)), 9, 30, "price") is None
    assert best(history((0, 9), (1, 9)), 9, 30, "strict") == 1, "of equals the last"


@settings(max_examples=60)
@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 20)), min_size=1, max_size=8),
    days=st.integers(1, 40),
    end=st.integers(0, 60),
)
def test_no_day_was_cheaper_than_the_best_prior_price(steps: Any, days: int, end: int) -> None:
    """Against looking at every hour: the lowest price in effect at any of them."""
    day, at = 0, []
    for gap, price in steps:
        day += gap
        at.append((day, price))
    seen = history(*at)

    def in_effect(hours: Iterable[int]) -> list[int]:
        found = []
        for hour in hours:
            prices = [price for since, price in at if since * 24 <= hour]
            found += prices[-1:]
        return found

    hours = in_effect(range((end - days) * 24, end * 24 + 1))
    found = best_prior_price(seen, NOW + end * DAY, days, "strict")
    assert (None if found is None else int(found.label.price)) == min(hours, default=None)


def test_an_excluded_discount_says_so_on_the_wire() -> None:
    outcome = SetDiscountPerItem("own#0", Decimal(7), 0, 0, excluded_from_price_history=True)
    told = encode(effect_out(Effect(1, 11, 0, "it", outcome)))
    assert b'"excludedFromPriceHistory":true' in told
    plain = msgspec.structs.replace(outcome, excluded_from_price_history=False)
    assert b"PriceHistory" not in encode(effect_out(Effect(1, 11, 0, "it", plain)))
