"""Bundles: forming them, giving discounts on them, and telling of them."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from habitue.promotions.bundles import SLOTS_MAX, BundleFacts, formed
from habitue.promotions.effects import SetDiscountPerItem, ShowBundleMetadata
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.discounts import spread
from habitue.promotions.host.giving import counts, discount, grant, item_scope
from habitue.promotions.host.notifications import custom
from habitue.promotions.host.words import ITEMS, NAME, PARTIAL, SCOPE
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, MAP, NUMBER, STRING, list_of, per_item, record

BUNDLES = list_of(record("Bundle"))
_LISTS = tuple((f"items{number}", ITEMS) for number in range(1, SLOTS_MAX + 1))
_BUNDLES = ("bundles", BUNDLES)


def bundles(frame: Evaluation, name: str, *lists: Sequence[ItemFacts] | None) -> list[BundleFacts]:
    """As many bundles as there can be of one unit out of each list."""
    return _formed(frame, name, lists, None)


def bundles_alike(
    frame: Evaluation, name: str, attribute: str, *lists: Sequence[ItemFacts] | None
) -> list[BundleFacts]:
    """The same, of units that are alike in an attribute."""
    return _formed(frame, name, lists, attribute)


def set_discount_per_bundle(
    frame: Evaluation,
    name: str,
    value: Decimal | Callable[[BundleFacts], Decimal],
    bundles: Sequence[BundleFacts],
    scope: str | None = None,
    partial: bool | None = None,
) -> None:
    """Spreads a discount over the units of each bundle by price."""
    for bundle in _some(bundles):
        amount = value(bundle) if callable(value) else value
        place = (int(bundle.index), bundle.name)
        spread(frame, name, amount, bundle.items, scope, partial, place)


def set_discount_per_bundle_item(
    frame: Evaluation,
    name: str,
    value: Decimal | Callable[[ItemFacts], Decimal],
    bundles: Sequence[BundleFacts],
    slot: Decimal,
    scope: str | None = None,
    partial: bool | None = None,
) -> None:
    """Adds a discount on one unit of each bundle: the one out of the list `slot`, from 0."""
    lowered = item_scope(frame, scope)
    for bundle in _some(bundles):
        item = _unit(bundle, slot)
        if not counts(frame, item):
            continue
        wanted = discount(value(item) if callable(value) else value)
        given = grant(frame, wanted, partial)
        amount = given.value
        if frame.cascade is not None and lowered is not None:
            amount = frame.cascade.of_item(item, lowered, amount)
        position, sub_position = int(item.position), int(item.sub_position)
        outcome = SetDiscountPerItem(
            f"{name}#{position}",
            amount,
            position,
            sub_position,
            desired_value=given.desired,
            scope=lowered,
            bundle_index=int(bundle.index),
            bundle_name=bundle.name,
            targeted_position=position,
            targeted_sub_position=sub_position,
        )
        frame.add(outcome)


def custom_effect_per_bundle(
    frame: Evaluation,
    effect_id: Decimal,
    name: str,
    payload: Mapping[str, Any] | Callable[[BundleFacts], Mapping[str, Any]],
    bundles: Sequence[BundleFacts],
) -> None:
    """Adds an effect of the shop's own for each bundle."""
    for bundle in _some(bundles):
        of_bundle = payload(bundle) if callable(payload) else payload
        place = (None, None, int(bundle.index), bundle.name)
        frame.add(custom(effect_id, name, of_bundle, *place))


def show_bundle_metadata(
    frame: Evaluation,
    description: str,
    bundles: Sequence[BundleFacts],
    attributes: Sequence[str] = (),
) -> None:
    """Tells of each bundle which lines it was made of."""
    for bundle in _some(bundles):
        indices = tuple(int(item.position) for item in bundle.items)
        frame.add(ShowBundleMetadata(description, tuple(attributes), indices))


def _formed(
    frame: Evaluation,
    name: str,
    lists: Sequence[Sequence[ItemFacts] | None],
    attribute: str | None,
) -> list[BundleFacts]:
    given = [each for each in lists if each is not None]
    frame.charge(1 + sum(map(len, given)))
    found = []
    # Choosing one unit looks at every set of slots for every kind of unit.
    for bundle in formed(name, given, attribute):
        frame.charge(len(given) << len(given))
        found.append(bundle)
    return found


def _some(bundles: Sequence[BundleFacts]) -> Sequence[BundleFacts]:
    if not bundles:
        raise RuleFailed("there is no bundle")
    return bundles


def _unit(bundle: BundleFacts, slot: Decimal) -> ItemFacts:
    if slot != slot.to_integral_value() or not 0 <= slot < len(bundle.items):
        raise RuleFailed(f"a bundle of {len(bundle.items)} units has no unit {slot}")
    return bundle.items[int(slot)]


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "bundles",
        (NAME, *_LISTS),
        BUNDLES,
        bundles,
        optional=SLOTS_MAX - 1,
        description="Bundles of one unit out of each list, as many as there can be.",
    ),
    HostFunction(
        "bundlesAlike",
        (NAME, ("attribute", STRING), *_LISTS),
        BUNDLES,
        bundles_alike,
        optional=SLOTS_MAX - 1,
        description="Bundles of units that are alike in an attribute, or in Sku, Name or Category.",
    ),
    HostFunction(
        "setDiscountPerBundle",
        (NAME, ("value", per_item("Bundle")), _BUNDLES, SCOPE, PARTIAL),
        EFFECT,
        set_discount_per_bundle,
        optional=2,
        on_items=True,
        description="A discount on each bundle, spread over its units by price.",
    ),
    HostFunction(
        "setDiscountPerBundleItem",
        (NAME, ("value", per_item("Item")), _BUNDLES, ("slot", NUMBER), SCOPE, PARTIAL),
        EFFECT,
        set_discount_per_bundle_item,
        optional=2,
        on_items=True,
        description="A discount on one unit of each bundle: that of the list `slot`, from 0.",
    ),
    HostFunction(
        "customEffectPerBundle",
        (("effectId", NUMBER), NAME, ("payload", per_item("Bundle", MAP)), _BUNDLES),
        EFFECT,
        custom_effect_per_bundle,
        on_items=True,
        description="An effect of the shop's own for each bundle.",
    ),
    HostFunction(
        "showBundleMetadata",
        (("description", STRING), _BUNDLES, ("attributes", list_of(STRING))),
        EFFECT,
        show_bundle_metadata,
        optional=1,
        on_items=True,
        description="Which lines of the cart each bundle was made of.",
    ),
)
