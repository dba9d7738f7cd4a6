"""Proofs, keys of many messages, times of senders, and carts, without a server."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.claims import MessageKeys
from habitue.customers.proof import Claimed, proven, signature_of
from habitue.customers.timeline import cart_after, united_items
from habitue.edges.tracker.receiving import moment

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TILL = "20261120120001"
SECRET = "a secret of the shop"


def claimed(**fields: str) -> Claimed:
    """Id 1 with an address; what a test is about comes as fields."""
    given = {"external_id": "1", "email": "a@b.example", "phone": "", "valid_till": TILL}
    return Claimed(**{**given, "signature": "", **fields})


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"signature": signature_of(SECRET, "1" + TILL)}, "id"),
        ({"signature": signature_of(SECRET, "1" + TILL).upper()}, "id"),
        ({"signature": signature_of(SECRET, "1", "a@b.example", "", TILL)}, "full"),
        ({"signature": signature_of(SECRET, "1", "x@b.example", "", TILL)}, "bad_signature"),
        ({"signature": signature_of("another", "1" + TILL)}, "bad_signature"),
        ({"signature": signature_of(SECRET, TILL), "external_id": ""}, "bad_signature"),
        ({"signature": "\ud800"}, "bad_signature"),
        (
            {
                "signature": signature_of(SECRET, "120261120115959"),
                "valid_till": "20261120115959",
            },
            "expired",
        ),
        (
            {"signature": signature_of(SECRET, "1" + "0" * 14), "valid_till": "0" * 14},
            "bad_valid_till",
        ),
        ({"valid_till": "tomorrow"}, "bad_valid_till"),
    ],
)
def test_what_a_signature_proves(fields: dict[str, str], found: str) -> None:
    assert proven(claimed(**fields), SECRET, NOW) == found
    assert proven(claimed(**fields), "", NOW) == "signing_off"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), unique=True, max_size=5))
def test_every_message_has_a_key_of_its_own(messages: list[tuple[str, str, str]]) -> None:
    keys = [MessageKeys(shop, device).key(id_) for shop, device, id_ in messages]
    assert len(set(keys)) == len(messages)
    assert all(UUID(key).hex == key for key in keys)
    senders = {
        (shop, device): key[:12] for (shop, device, _), key in zip(messages, keys, strict=True)
    }
    assert len(set(senders.values())) == len(senders)
    assert keys == [MessageKeys(shop, device).key(id_) for shop, device, id_ in messages]


@pytest.mark.parametrize(
    ("sent", "at", "age"),
    [
        (1000, 400, timedelta(milliseconds=600)),
        (400, 1000, timedelta()),
        (None, 1, timedelta()),
        (10**13, 0, timedelta(days=30)),
        (10**15, 0, timedelta()),
        (Decimal("1000.5"), Decimal(0), timedelta(seconds=1)),
        (True, False, timedelta()),
        ("1000", "0", timedelta()),
        (-5, -10, timedelta()),
    ],
)
def test_times_are_ours_less_what_passed_at_the_sender(sent: Any, at: Any, age: timedelta) -> None:
    assert moment(NOW, sent, at) == NOW - age


def test_carts_follow_their_events() -> None:
    cart: dict[str, Any] = {}
    for name, ids, full, left in (
        ("cart", "ab", False, "ab"),
        ("view", "z", False, "ab"),
        ("cart", "c", False, "abc"),
        ("remove_from_cart", "a", False, "bc"),
        ("cart", "de", True, "de"),
        ("cart", "", True, ""),
        ("cart", "f", False, "f"),
        ("purchase", "f", False, ""),
    ):
        items = [{"id": id_} for id_ in ids]
        cart = cart_after(cart, name, {"items": items, "full": full})
        assert "".join(cart) == left


def test_an_order_in_pieces_has_each_product_once() -> None:
    pieces: list[dict[str, Any]] = [
        {"items": [{"id": "1", "quantity": 2}]},
        {"items": [{"id": "1"}, {"id": "2"}]},
        {},
    ]
    assert united_items(pieces) == [{"id": "1", "quantity": 2}, {"id": "2"}]
