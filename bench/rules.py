"""How long it takes to find and run the campaigns that apply, by how many campaigns there are.

    python -m bench.rules [--sizes 10,100,1000,10000,100000] [--json]

The mix is that of a shop whose campaigns are mostly narrow: coupons, audiences with a minimum spent
in a category, articles by quantity, categories in a store, and a few broad ones. However many there
are, about fifteen apply to a cart. Evaluation means: find the candidates, evaluate their
conditions, and run one effect for each that holds. Beside the index, the same run evaluates every
campaign in turn, and asserts that both give the same effects. Times are medians over carts.
"""

import argparse
import gc
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from tests.rules.shop import SHOP, Item, Profile, Session, ShopFrame, tree

from habitue.rules.compile import Evaluate, compile_expression
from habitue.rules.index import RuleIndex
from habitue.rules.tree import Call, Expression

SIZES = (10, 100, 1_000, 10_000, 100_000)
CARTS = 40
LINES = 15
BROAD_CAMPAIGNS = 20
CATEGORIES = 12
SEED = 20261120

TOTAL = [".", "Session", "Total"]
CART = [".", "Session", "CartItems"]


class Shop(msgspec.Struct):
    """The campaigns, compiled and indexed, and what building them took."""

    conditions: list[Evaluate]
    effects: list[Evaluate]
    index: RuleIndex[int]
    build_seconds: float
    megabytes: float


class Row(msgspec.Struct):
    """What was measured for one number of campaigns."""

    campaigns: int
    matching: float
    candidates: float
    index_microseconds: float
    lookup_microseconds: float
    naive_microseconds: float
    build_seconds: float
    megabytes: float


def filtered(category: str) -> Any:
    """The items of a category, as the rule builder writes it."""
    body = ["catch", False, ["=", [".", "Item", "Category"], category]]
    return ["filter", CART, [["Item"], body]]


def coupon_campaign(pick: random.Random, size: int) -> Any:
    return ["and", ["couponValid"], [">=", TOTAL, pick.randrange(10, 60)]]


def audience_campaign(pick: random.Random, size: int) -> Any:
    audience = f"audience {pick.randrange(max(10, size // 10))}"
    price = ["*", [".", "Item", "Price"], [".", "Item", "Quantity"]]
    spent = ["sum", filtered(category_name(pick)), [["Item"], price]]
    member = ["contains", [".", "Profile", "Audiences"], audience]
    return ["and", member, [">=", spent, pick.randrange(10, 80)]]


def article_campaign(pick: random.Random, size: int) -> Any:
    sku = f"sku {pick.randrange(max(30, size // 2))}"
    items = ["filter", CART, [["Item"], ["=", [".", "Item", "Sku"], sku]]]
    return [">=", ["sum", items, [["Item"], [".", "Item", "Quantity"]]], pick.randrange(1, 3)]


def store_campaign(pick: random.Random, size: int) -> Any:
    store = f"store {pick.randrange(max(5, size // 20))}"
    some = [">", ["count", filtered(category_name(pick))], 0]
    return [
        "and",
        ["=", [".", "Session", "Store"], store],
        some,
        [">=", TOTAL, pick.randrange(10, 200)],
    ]


def broad_campaign(pick: random.Random, size: int) -> Any:
    channel = ["=", [".", "Session", "Attributes", "channel"], pick.choice(("web", "app"))]
    vip = ["=", [".", "Session", "Attributes", "vip"], pick.choice((True, False))]
    return ["and", channel, vip, [">=", TOTAL, pick.randrange(10, 300)]]


def category_name(pick: random.Random) -> str:
    return f"category {pick.randrange(CATEGORIES)}"


NARROW: tuple[tuple[Callable[[random.Random, int], Any], int], ...] = (
    (coupon_campaign, 40),
    (audience_campaign, 20),
    (article_campaign, 15),
    (store_campaign, 25),
)


def campaigns(size: int) -> list[tuple[Any, Any]]:
    """Condition and effect of every campaign; broad ones are spread among the others."""
    pick = random.Random(SEED + size)
    kinds, weights = zip(*NARROW, strict=True)
    broad = set(pick.sample(range(size), min(size // 10, BROAD_CAMPAIGNS)))
    made = []
    for number in range(size):
        kind = broad_campaign if number in broad else pick.choices(kinds, weights)[0]
        amount = ["*", TOTAL, ["/", pick.randrange(1, 20), 100]]
        made.append((kind(pick, size), ["setDiscount", f"campaign {number}", amount]))
    return made


def cart(pick: random.Random, size: int) -> ShopFrame:
    """A cart of one customer who has two coupons."""
    held = [f"category {n}" for n in pick.sample(range(CATEGORIES), CATEGORIES // 2)]
    items = [
        Item(
            f"sku {pick.randrange(max(30, size // 2))}",
            pick.choice(held),
            Decimal(pick.randrange(100, 5_000)) / 100,
            Decimal(pick.randrange(1, 4)),
        )
        for _ in range(LINES)
    ]
    total = sum((item.price * item.quantity for item in items), Decimal(0))
    session = Session(
        total=total,
        cart_total=total,
        cart_items=items,
        store=f"store {pick.randrange(max(5, size // 20))}",
        attributes={"channel": pick.choice(("web", "app")), "vip": pick.choice((True, False))},
    )
    audiences = [f"audience {pick.randrange(max(10, size // 10))}" for _ in range(5)]
    frame = ShopFrame(session, Profile(audiences=audiences))
    frame.coupons = frozenset(pick.sample(range(size), 2))
    return frame


def coupon_token(call: Call, key: Any) -> tuple[str, Any] | None:
    return ("coupon", key) if call.name == "couponValid" else None


def build(size: int) -> Shop:
    """Everything from documents to a warm index; documents are made and parsed before."""
    trees = [(tree(condition), tree(effect)) for condition, effect in campaigns(size)]
    gc.collect()
    before, started = resident_megabytes(), time.perf_counter()
    shop = compiled(trees)
    shop.build_seconds = time.perf_counter() - started
    gc.collect()
    shop.megabytes = resident_megabytes() - before
    return shop


def compiled(trees: list[tuple[Expression, Expression]]) -> Shop:
    index: RuleIndex[int] = RuleIndex(SHOP, coupon_token)
    index.add_all((key, condition, ()) for key, (condition, _) in enumerate(trees))
    conditions = [compile_expression(condition, SHOP) for condition, _ in trees]
    effects = [compile_expression(effect, SHOP) for _, effect in trees]
    return Shop(conditions, effects, index, 0, 0)


def resident_megabytes() -> float:
    """Memory of this process that is in use, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1_000_000


def run(shop: Shop, keys: Iterable[int], frame: ShopFrame) -> list[int]:
    """Evaluate the campaigns of `keys` and run the effects of those that hold."""
    conditions, effects = shop.conditions, shop.effects
    hits = []
    for key in keys:
        frame.campaign = key
        if conditions[key](frame) is True:
            effects[key](frame)
            hits.append(key)
    return hits


def indexed(shop: Shop, frame: ShopFrame) -> list[int]:
    return run(shop, lookup(shop, frame), frame)


def lookup(shop: Shop, frame: ShopFrame) -> list[int]:
    return shop.index.candidates(frame, [("coupon", campaign) for campaign in frame.coupons])


def naive(shop: Shop, frame: ShopFrame) -> list[int]:
    return run(shop, range(len(shop.conditions)), frame)


def microseconds(work: Callable[[Shop, ShopFrame], object], shop: Shop, frame: ShopFrame) -> float:
    """The median time of one call, each in a fresh frame."""
    calls = []
    for _ in range(7):
        fresh = ShopFrame(frame.session, frame.profile)
        fresh.coupons = frame.coupons
        started = time.perf_counter_ns()
        work(shop, fresh)
        calls.append(time.perf_counter_ns() - started)
    return statistics.median(calls) / 1_000


def measure(size: int) -> Row:
    shop = build(size)
    pick = random.Random(SEED)
    carts = [cart(pick, size) for _ in range(CARTS)]
    gc.freeze()
    matching = [same_hits(shop, frame) for frame in carts]
    candidates = [len(lookup(shop, frame)) for frame in carts]
    times = [
        [microseconds(work, shop, frame) for work in (indexed, lookup, naive)] for frame in carts
    ]
    gc.unfreeze()
    by_index, by_lookup, by_all = (statistics.median(each) for each in zip(*times, strict=True))
    return Row(
        size,
        statistics.mean(matching),
        statistics.mean(candidates),
        by_index,
        by_lookup,
        by_all,
        shop.build_seconds,
        shop.megabytes,
    )


def same_hits(shop: Shop, frame: ShopFrame) -> int:
    """How many campaigns apply; fails where the index and evaluating all of them disagree."""
    one, other = (ShopFrame(frame.session, frame.profile) for _ in range(2))
    one.coupons = other.coupons = frame.coupons
    hits = naive(shop, other)
    if indexed(shop, one) != hits or one.effects != other.effects:
        raise AssertionError(f"the index gives other campaigns than {hits}")
    return len(hits)


def table(rows: list[Row]) -> str:
    head = (
        f"{'campaigns':>9} {'matching':>9} {'candidates':>10} {'index us':>9} {'lookup us':>9} "
        f"{'all us':>10} {'build s':>8} {'MB':>7}"
    )
    lines = [
        f"{r.campaigns:>9} {r.matching:>9.1f} {r.candidates:>10.1f} {r.index_microseconds:>9.1f} "
        f"{r.lookup_microseconds:>9.1f} {r.naive_microseconds:>10.1f} {r.build_seconds:>8.2f} "
        f"{r.megabytes:>7.1f}"
        for r in rows
    ]
    return "\n".join([head, *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    chosen = parser.parse_args()
    rows = [measure(int(size)) for size in chosen.sizes.split(",")]
    print(json.dumps(msgspec.to_builtins(rows), indent=1) if chosen.json else table(rows))


if __name__ == "__main__":
    main()
