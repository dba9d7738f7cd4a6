"""The sides that need no installation: Habitue's whole decision, and a plain loop in Python.

Habitue starts with the update of a session as it was decoded, and ends with the decision: checks,
facts, candidates, conditions, effects and what to save. The loop looks at every promotion in turn
and has the same facts as the peers.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from bench.peers.workload import Cart, Condition, Facts, Promotion, facts
from habitue.customers.customer import Customer
from habitue.model.attributes import AttributeDefinition
from habitue.pricing.cart import CartItem
from habitue.promotions.campaign import Application, Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide import SessionCommand, State, coupon_book, decide_update
from habitue.promotions.effects import Effect, SetDiscount
from habitue.promotions.evaluate import evaluate
from habitue.promotions.facts import ProfileFacts, SessionFacts
from habitue.promotions.program import Program, build_program
from habitue.promotions.session import SessionUpdate
from habitue.rules.notation import read_text
from habitue.rules.parse import render_expression

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
#: Rulesets are numbered apart from the campaigns that they belong to.
FIRST_RULESET_ID = 1_000_000

_DEFINITIONS = (
    AttributeDefinition(1, "CustomerSession", "channel", "channel", "string", NOW),
    AttributeDefinition(2, "CustomerSession", "vip", "vip", "boolean", NOW),
    AttributeDefinition(3, "CustomerSession", "store", "store", "string", NOW),
    AttributeDefinition(4, "CustomerProfile", "audiences", "audiences", "(list string)", NOW),
)

#: What each cart gets: the ids of promotions, and the amount of each.
Discounts = dict[int, Decimal]


def program_of(promotions: list[Promotion]) -> Program:
    """The promotions as the campaigns of one application, compiled and indexed."""
    application = Application(1, "shop", "Europe/Berlin", "EUR", NOW, NOW)
    configuration = Configuration(
        version=1,
        applications={1: application},
        attributes={each.id: each for each in _DEFINITIONS},
        campaigns={each.id: _campaign(each) for each in promotions},
        rulesets={FIRST_RULESET_ID + each.id: _ruleset(each) for each in promotions},
    )
    return build_program(configuration, 1)


def habitue(program: Program, cart: Cart) -> Callable[[], tuple[Effect, ...]]:
    """One whole decision about that cart."""
    state, command = _visit(program, cart)
    return lambda: decide_update(state, command, program, NOW).effects


def rules_alone(program: Program, cart: Cart) -> Callable[[], tuple[Effect, ...]]:
    """The part of the decision that peers do: from facts that are ready to effects."""
    state, command = _visit(program, cart)
    session = msgspec.structs.replace(
        decide_update(state, command, program, NOW).session, effects=()
    )
    purpose = command.purpose
    known = SessionFacts(session, program.fact_definitions)
    profile = ProfileFacts("maria", state.owner.attributes, created=NOW, last_activity=NOW)

    def work() -> tuple[Effect, ...]:
        book = coupon_book(state, session, purpose, program, NOW)
        return evaluate(program, purpose, known, profile, book, NOW).effects

    return work


def discounts(effects: tuple[Effect, ...]) -> Discounts:
    """The discounts among the effects, by campaign."""
    return {
        each.campaign_id: each.outcome.value
        for each in effects
        if isinstance(each.outcome, SetDiscount)
    }


def plain_loop(promotions: list[Promotion], cart: Cart) -> Callable[[], list[int]]:
    """The ids of the promotions that hold, found by trying each."""
    known = facts(cart)
    return lambda: [
        each.id for each in promotions if all(_holds(part, known) for part in each.conditions)
    ]


def amounts(promotions: list[Promotion], ids: list[int], cart: Cart) -> Discounts:
    """What those promotions give for that cart."""
    percents = {each.id: each.percent for each in promotions}
    return {id_: cart.total * percents[id_] / 100 for id_ in ids}


def _visit(program: Program, cart: Cart) -> tuple[State, SessionCommand]:
    coupons = {code: _coupon_of(code, program) for code in cart.codes}
    owner = Customer(7, created=NOW, last_activity=NOW, attributes={"audiences": cart.audiences})
    return State(12, owner, coupons=coupons), SessionCommand(1, "s1", _update(cart))


def _holds(condition: Condition, known: Facts) -> bool:
    value = getattr(known, condition.fact)
    if condition.key:
        value = value.get(condition.key, 0)
    if condition.operator == "has":
        return condition.value in value
    if condition.operator == "==":
        return bool(value == condition.value)
    return bool(value >= condition.value)


def _campaign(promotion: Promotion) -> Campaign:
    return Campaign(
        id=promotion.id,
        application_id=1,
        name=f"promotion {promotion.id}",
        created=NOW,
        updated=NOW,
        features=("coupons",),
        active_ruleset_id=FIRST_RULESET_ID + promotion.id,
    )


def _ruleset(promotion: Promotion) -> StoredRuleset:
    when = " and ".join(_text(each) for each in promotion.conditions)
    condition = render_expression(read_text(when))
    effect = f'setDiscount("{promotion.id}", session.total * {promotion.percent} / 100)'
    rule = {
        "title": f"promotion {promotion.id}",
        "condition": condition if _is_conjunction(condition) else ["and", condition],
        "effects": [render_expression(read_text(effect))],
    }
    document = {"rules": [rule], "bindings": []}
    return StoredRuleset(FIRST_RULESET_ID + promotion.id, promotion.id, NOW, document)


def _is_conjunction(document: object) -> bool:
    """Whether its parts are told apart as they are; a coupon is looked for among those alone."""
    return isinstance(document, list) and document[0] == "and"


def _text(condition: Condition) -> str:
    """The condition in the notation of rules."""
    key, value = condition.key, condition.value
    literal = msgspec.json.encode(value).decode()
    if condition.fact == "codes":
        return "couponValid()"
    if condition.fact == "audiences":
        return f'{literal} in profile.attributes["audiences"]'
    if condition.fact == "total":
        return f"session.total >= {literal}"
    if condition.fact == "units":
        items = f'filter(session.cart_items, lambda item: item.sku == "{key}")'
        return f"sum({items}, lambda item: item.quantity) >= {literal}"
    if condition.fact == "spent":
        items = f'filter(session.cart_items, lambda item: item.category == "{key}")'
        return f"sum({items}, lambda item: item.price * item.quantity) >= {literal}"
    return f'session.attributes["{condition.fact}"] == {literal}'


def _coupon_of(code: str, program: Program) -> Coupon:
    id_ = int(code.removeprefix("code"))
    return Coupon(id_, 1, program.campaigns[id_].id, code, NOW, usage_limit=0)


def _update(cart: Cart) -> SessionUpdate:
    lines = [
        CartItem(sku=each.sku, category=each.category, price=each.price, quantity=each.quantity)
        for each in cart.lines
    ]
    return SessionUpdate(
        profile_id="maria",
        cart_items=tuple(lines),
        coupon_codes=cart.codes,
        attributes={"channel": cart.channel, "vip": cart.vip, "store": cart.store},
    )
