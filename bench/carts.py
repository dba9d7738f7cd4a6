"""The requests of the session benchmark: carts as a web shop sends them.

Words: a *variant* is one cart out of a fixed series; an *index* numbers sessions, and with them
their customers. Every id has a fixed width, so that one body serves for all sessions of a variant
once its ids are put in. Nothing is random: the same variant is always the same cart.
"""

from typing import Any

import msgspec

VARIANTS = 40
LINES = 15
CATEGORIES = 30
BRANDS = 5
TIERS = ("guest", "bronze", "silver", "gold", "platinum")
CHANNELS = ("web", "app", "store", "phone", "market")
COUPONS = 10_000
FIRST_COUPON_ID = 1_000_000

#: Stand in for an id until a request has one; as wide as the ids that `ids_of` gives.
SESSION_MARK = "session-ssssssss"
CUSTOMER_MARK = "customer-cccccccc"
CODE_MARK = "SAVE-kkkkkk"

_COLORS = ("dark blue", "off white", "olive", "charcoal grey", "rust", "natural")
_NOUNS = ("linen shirt", "wool sweater", "rain jacket", "canvas shoe", "cotton towel", "oak tray")


def ids_of(index: int) -> tuple[str, str, str]:
    """The ids of a session: its own, its customer's, and the coupon code that it submits."""
    return f"session-{index:08d}", f"customer-{index:08d}", f"SAVE-{index % COUPONS:06d}"


def body(variant: int, state: str) -> bytes:
    """The body of a request with marks in place of ids; about 5 KB."""
    session = {
        "profileId": CUSTOMER_MARK,
        "state": state,
        "couponCodes": [CODE_MARK],
        "cartItems": [_line(variant, number) for number in range(LINES)],
        "attributes": {
            "channel": CHANNELS[variant % len(CHANNELS)],
            "device": "phone, portrait",
            "landingPage": "https://shop.example/autumn?campaign=newsletter",
            "giftWrap": variant % 3 == 0,
            "loyaltyVisits": variant,
        },
    }
    return msgspec.json.encode({"customerSession": session})


def filled(text: bytes, index: int) -> bytes:
    """`text` with the ids of the session of that index in place of marks."""
    session, customer, code = ids_of(index)
    return (
        text.replace(SESSION_MARK.encode(), session.encode())
        .replace(CUSTOMER_MARK.encode(), customer.encode())
        .replace(CODE_MARK.encode(), code.encode())
    )


def profile(index: int) -> dict[str, Any]:
    """What the shop knows of the customer of that index."""
    return {
        "Name": f"Maria Example {index:08d}",
        "Email": f"maria.example.{index:08d}@mail.example",
        "City": "Rotterdam",
        "Country": "NL",
        "Language": "nl",
        "tier": TIERS[index % VARIANTS % len(TIERS)],
        "segments": [f"segment-{index % 7}", f"segment-{7 + index % 11}"],
        "newsletter": index % 2 == 0,
    }


def _line(variant: int, number: int) -> dict[str, Any]:
    article = (variant * 7 + number * 11) % 600
    sku = f"SKU-{10_000 + article}"
    noun = _NOUNS[article % len(_NOUNS)]
    return {
        "sku": sku,
        "name": f"{noun.capitalize()}, washed, {_COLORS[article % 5]}",
        "quantity": 1 + (variant + number) % 7 // 6,
        "price": (1_295 + article * 37 % 9_000) / 100,
        "category": f"category-{article % CATEGORIES:02d}",
        "product": {"name": f"{noun}, model {article // 6:03d}"},
        "weight": 200 + article % 900,
        "attributes": {
            "brand": f"brand-{article // CATEGORIES % BRANDS}",
            "color": _COLORS[article % 5],
            "size": "M",
            "margin": 0.32,
            "image": f"https://images.shop.example/products/{sku}/front-large.jpg",
        },
    }
