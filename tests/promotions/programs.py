"""Campaigns without a database: configurations, programs and carts out of a seeded grammar.

Words: a *recipe* is the rules of one campaign, each a condition and effects in the text notation.
Everything generated is small on purpose, so that conditions hold and fail about equally often.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from habitue.customers.customer import Customer
from habitue.model.attributes import AttributeDefinition
from habitue.promotions.campaign import (
    AdditionalCost,
    Application,
    Campaign,
    Limit,
    StoredRuleset,
)
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon, Redemption
from habitue.promotions.decide import Decision, SessionCommand, State, decide_update
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program, build_program
from habitue.promotions.session import SessionUpdate
from tests.building import NOW, item, rule, update

Recipe = list[tuple[str, list[str]]]

_ATOMS = st.sampled_from(
    [
        "true",
        "session.total >= 10",
        "session.total >= 50",
        "session.total < 60",
        "session.cart_total > 0",
        'session.state == "closed"',
        "session.first_session",
        "profile.closed_sessions == 0",
        "profile.closed_sessions >= 2",
        'profile.attributes["Name"] == "Maria"',
        'session.attributes["note"] == "gift"',
        'session.attributes["note"] in ["gift", "rush"]',
        '"terminal-7" in session.identifiers',
        "session.additional_cost_total > 0",
        "couponValid()",
        "couponValid(false)",
        'coupon.value == "ONE"',
        'exists(session.cart_items, lambda item: item.sku == "tea")',
        "every(session.cart_items, lambda item: item.price > 1)",
        'count(filter(session.cart_items, lambda item: item.sku == "pot")) >= 2',
        '"ONE" in session.coupon_codes',
        'profile.integration_id == "maria"',
        "10 / (session.total - 50) > 1",
    ]
)


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(parts, min_size=2, max_size=3)
    return (
        pairs.map(lambda each: "(" + " and ".join(each) + ")")
        | pairs.map(lambda each: "(" + " or ".join(each) + ")")
        | parts.map(lambda each: f"(not {each})")
    )


CONDITIONS = st.recursive(_ATOMS, _combined, max_leaves=4)
#: An effect that has no value for any cart.
FAILING = 'setDiscount("never", 1 / (session.total - session.total))'
EFFECTS = st.sampled_from(
    [
        'setDiscount("five", 5)',
        'setDiscount("tenth", session.total * 0.1)',
        'setDiscount("sometimes", 7 / (session.total - 50))',
        'setDiscountPerItem("half", lambda item: item.price * 0.5)',
        'setDiscountPerItemProRata("shared", 7)',
        'setDiscountPerItemProRata("third", session.total / 3)',
        'setDiscountPerAdditionalCost("free shipping", "shipping", 1)',
        'addFreeItem("cup", "a cup", 2)',
        'showNotification("Info", "hello", "you")',
        'updateAttribute("Session.Attributes.note", "gift")',
        'updateAttribute("Profile.Attributes.Name", "Maria")',
        FAILING,
    ]
)
RECIPES: st.SearchStrategy[list[Recipe]] = st.lists(
    st.lists(
        st.tuples(CONDITIONS, st.lists(EFFECTS, min_size=1, max_size=3)), min_size=1, max_size=3
    ),
    min_size=1,
    max_size=4,
)
_PRICES = st.sampled_from(["0", "5", "10", "33.33", "50", "0.000000000001"])
_ITEMS = st.builds(item, st.sampled_from(["tea", "pot"]), _PRICES, st.integers(1, 3))
CODES = ("ONE", "TWO", "LAST", "PAULS", "LATE", "ELSEWHERE", "NONE")
UPDATES: st.SearchStrategy[SessionUpdate] = st.builds(
    update,
    state=st.sampled_from(["open", "closed"]),
    profile_id=st.sampled_from(["", "maria", "maria"]),
    cart_items=st.lists(_ITEMS, max_size=3),
    coupon_codes=st.lists(st.sampled_from(CODES), max_size=5),
    identifiers=st.sampled_from([(), ("terminal-7",)]),
    additional_costs=st.sampled_from([{}, {"shipping": Decimal(5)}]),
    attributes=st.sampled_from([{}, {"note": "gift"}, {"note": "rush"}]),
    referral_code=st.sampled_from(["", "FRIEND"]),
)
CUSTOMERS: st.SearchStrategy[Customer] = st.builds(
    Customer,
    id=st.just(7),
    created=st.just(NOW),
    last_activity=st.just(NOW),
    version=st.just(3),
    session_count=st.integers(0, 2),
    closed_sessions=st.integers(0, 3),
    total_sales=st.sampled_from([Decimal(0), Decimal("99.99")]),
    attributes=st.sampled_from([{}, {"Name": "Maria"}]),
)
_REDEMPTIONS = st.lists(
    st.builds(
        Redemption,
        coupon_id=st.integers(1, 2),
        campaign_id=st.just(1),
        session_id=st.just(99),
        redeemed_at=st.sampled_from([NOW, NOW - timedelta(days=2)]),
    ),
    max_size=2,
)
LIMITS = st.sampled_from(
    [
        (),
        (Limit("redeemCoupon", Decimal(1), ("Profile",)),),
        (Limit("redeemCoupon", Decimal(1), ("Profile", "Coupon"), "daily"),),
    ]
)


def coupons() -> dict[str, Coupon]:
    """A coupon for every code but NONE: all of campaign 1, but for one that is elsewhere."""

    def made(id_: int, code: str, campaign_id: int = 1, **fields: Any) -> Coupon:
        plain = Coupon(id_, 1, campaign_id, code, NOW, usage_limit=0)
        return msgspec.structs.replace(plain, **fields)

    return {
        each.code: each
        for each in (
            made(1, "ONE"),
            made(2, "TWO"),
            made(3, "LAST", usage_limit=3, usage_counter=3),
            made(4, "PAULS", recipient_integration_id="paul"),
            made(5, "LATE", start_date=NOW + timedelta(hours=1)),
            made(6, "ELSEWHERE", campaign_id=2),
        )
    }


STATES: st.SearchStrategy[State] = st.builds(
    State,
    session_id=st.just(12),
    owner=CUSTOMERS,
    coupons=st.builds(coupons),
    redemptions=_REDEMPTIONS.map(tuple),
)


def program_of(
    recipes: Mapping[int, Recipe],
    limits: tuple[Limit, ...] = (),
    *,
    reevaluate_on_return: bool = False,
) -> Program:
    """The program of campaigns by id; a ruleset has its campaign's id and a thousand."""
    return build_program(_configuration(recipes, limits, reevaluate_on_return), 1)


def numbered(recipes: list[Recipe]) -> dict[int, Recipe]:
    """The recipes as campaigns 1, 2, 3 and so on."""
    return dict(enumerate(recipes, 1))


def decided(
    program: Program, state: State, sent: SessionUpdate, purpose: Purpose | None = None
) -> Decision:
    """The decision about an update of session s1."""
    command = SessionCommand(1, "s1", sent, purpose or Purpose())
    return decide_update(state, command, program, NOW)


def _configuration(
    recipes: Mapping[int, Recipe], limits: tuple[Limit, ...], reevaluate_on_return: bool
) -> Configuration:
    attributes = (
        AttributeDefinition(1, "CustomerProfile", "Name", "Name", "string", NOW),
        AttributeDefinition(2, "CustomerSession", "note", "note", "string", NOW),
    )
    return Configuration(
        version=1,
        applications={1: Application(1, "shop", "Europe/Berlin", "EUR", NOW, NOW)},
        attributes={each.id: each for each in attributes},
        additional_costs={5: AdditionalCost(5, "shipping", "Shipping", NOW)},
        campaigns={id_: _campaign(id_, limits, reevaluate_on_return) for id_ in recipes},
        rulesets={id_ + 1000: _ruleset(id_, recipe) for id_, recipe in recipes.items()},
    )


def _campaign(id_: int, limits: tuple[Limit, ...], reevaluate_on_return: bool) -> Campaign:
    return Campaign(
        id=id_,
        application_id=1,
        name=f"campaign {id_}",
        created=NOW,
        updated=NOW,
        features=("coupons", "referrals"),
        active_ruleset_id=id_ + 1000,
        limits=limits,
        reevaluate_on_return=reevaluate_on_return,
    )


def _ruleset(id_: int, recipe: Recipe) -> StoredRuleset:
    rules = [
        rule(when, *then, title=f"rule {index} of {id_}")
        for index, (when, then) in enumerate(recipe)
    ]
    return StoredRuleset(id_ + 1000, id_, NOW, {"rules": rules, "bindings": []})
