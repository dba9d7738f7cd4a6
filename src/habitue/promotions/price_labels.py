"""Prices as shops show them: what an article of a catalog costs, struck through where it was more.

Words: a *label* is the price of one article for one *target*: everybody (0), or the members of an
audience who see another price. It is the lowest price of the types that the target gets, less what
the strikethrough rules of running campaigns take off. Its *contexts* name what lowered it: the
contexts of the price adjustment, and `campaign-<id>` for a campaign
(contracts/talon_one/SEMANTICS.md section 4.1).

Strikethrough rules see a cart of one unit of the article, and are never run for sessions.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, localcontext

import msgspec

from habitue.model.numbers import EXACT, ZERO
from habitue.pricing.cart import CartItem
from habitue.promotions.catalog import Buyer, CatalogItem, Chosen, chosen_price
from habitue.promotions.coupon_book import CouponBook
from habitue.promotions.effects import DISCOUNTS, Outcome, SetDiscountPerItem
from habitue.promotions.evaluate import evaluate_candidates
from habitue.promotions.facts import AudienceFacts, ProfileFacts, SessionFacts
from habitue.promotions.program import Program
from habitue.promotions.session import Session

#: The target of a label that is for everybody.
EVERYBODY = 0


class Influence(msgspec.Struct, frozen=True):
    """What a campaign has taken off a price."""

    campaign_id: int
    discount: Decimal


class Adjusted(msgspec.Struct, frozen=True):
    """The price adjustment that a price came from."""

    reference_id: str
    price_type: str
    value: Decimal


class PriceMetadata(msgspec.Struct, frozen=True):
    """Why a price is what it is."""

    influences: tuple[Influence, ...] = ()
    adjusted: Adjusted | None = None


class PriceLabel(msgspec.Struct, frozen=True):
    """What an article costs a target at one moment."""

    sku: str
    audience_id: int
    at: datetime
    price: Decimal
    context_ids: tuple[str, ...]
    metadata: PriceMetadata


def labels_of(program: Program, item: CatalogItem, now: datetime) -> Iterator[PriceLabel]:
    """The item's label for everybody and for each audience that may see another; none without any
    price."""
    for audience_id in (EVERYBODY, *_audiences(program, item)):
        audiences = frozenset({audience_id}) if audience_id else frozenset[int]()
        chosen = chosen_price(item, Buyer(now, program.price_types, audiences))
        if chosen is not None:
            yield _label(program, item, chosen, audience_id, now)


def running_strikethrough(program: Program, now: datetime) -> tuple[tuple[int, int], ...]:
    """The campaigns that lower prices at that moment, each with its ruleset."""
    return tuple(
        (each.campaign.id, each.ruleset_id)
        for each in program.compiled_campaigns()
        if each.strikethrough
        and "strikethrough" in each.campaign.features
        and each.campaign.runs(now)
        and program.stores.run_in(each.campaign.id, None)
    )


def _audiences(program: Program, item: CatalogItem) -> list[int]:
    named = program.strikethrough_texts
    found = {id_ for id_, name in program.audience_names.items() if name in named}
    for each in item.adjustments:
        price_type = program.price_types.get(each.price_type)
        if price_type is not None:
            found.update(price_type.targeted_audience_ids)
    return sorted(found)


def _label(
    program: Program, item: CatalogItem, chosen: Chosen, audience_id: int, now: datetime
) -> PriceLabel:
    influences = _influences(program, item, chosen.price, audience_id, now)
    with localcontext(EXACT):
        price = max(ZERO, chosen.price - sum((each.discount for each in influences), ZERO))
    contexts = [f"campaign-{each.campaign_id}" for each in influences]
    adjusted = None
    if chosen.adjustment is not None:
        adjusted = Adjusted(chosen.adjustment.reference_id, chosen.price_type, chosen.price)
        if chosen.adjustment.context_id:
            contexts.insert(0, chosen.adjustment.context_id)
    metadata = PriceMetadata(influences, adjusted)
    return PriceLabel(item.sku, audience_id, now, price, tuple(contexts), metadata)


def _influences(
    program: Program, item: CatalogItem, price: Decimal, audience_id: int, now: datetime
) -> tuple[Influence, ...]:
    running = {campaign_id for campaign_id, _ in running_strikethrough(program, now)}
    if not running:
        return ()
    candidates = [
        (campaign, rule)
        for campaign in program.compiled_campaigns(running)
        for rule in campaign.strikethrough
    ]
    names = [program.audience_names[audience_id]] if audience_id in program.audience_names else []
    profile = ProfileFacts(
        "", {}, created=now, last_activity=now, audiences=AudienceFacts(present=names)
    )
    session = SessionFacts(_cart_of(item, price, program, now), program.fact_definitions)
    book = CouponBook(
        (), program.campaigns, [], evaluable=None, now=now, zone=program.zone, profile_id=""
    )
    taken: dict[int, Decimal] = {}
    for effect in evaluate_candidates(program, candidates, session, profile, book, now):
        if isinstance(effect.outcome, DISCOUNTS) and not _excluded(effect.outcome):
            before = taken.get(effect.campaign_id, ZERO)
            taken[effect.campaign_id] = before + effect.outcome.value
    return tuple(Influence(id_, discount) for id_, discount in sorted(taken.items()))


def _excluded(outcome: Outcome) -> bool:
    return isinstance(outcome, SetDiscountPerItem) and outcome.excluded_from_price_history


def _cart_of(item: CatalogItem, price: Decimal, program: Program, now: datetime) -> Session:
    known = program.vocabulary.item_attributes
    attributes = {name: value for name, value in item.attributes.items() if name in known}
    line = CartItem(item.sku, 1, price, product=item.product, attributes=attributes)
    return Session(0, 0, program.application.id, "", now, now, cart_items=(line,))
