"""What the demo shows, in order: the cart, what it gets, why, why not the rest, what to try."""

import shlex
from itertools import count
from pathlib import Path

import msgspec

from habitue.edges.demo.cart import (
    APPLICATION,
    CART,
    CURRENCY,
    PAST_ORDERS,
    Order,
    session_body,
)
from habitue.edges.demo.client import Client, Seen
from habitue.edges.demo.page import Page
from habitue.edges.demo.seeding import Seed
from habitue.edges.demo.words import cart_rows, gains, money, reasons, refusals
from habitue.model.numbers import ZERO


class Place(msgspec.Struct, frozen=True):
    """Where the demo runs: the server's URL, and the data directory where it has one."""

    url: str
    data_dir: Path | None


async def show(page: Page, place: Place, seed: Seed) -> None:
    """Sends the past and the cart through the server, and prints what comes back.

    Raises `Refusal`.
    """
    client = Client(place.url, seed.integration_key)
    await _send_past(client)
    order = await _open_cart(client)
    seen = await client.update_session(order.session_id, session_body(order))
    page.line(f'Shop "{APPLICATION}" {seed.words}.')
    _show_cart(page, order, seen)
    _show_gains(page, seen)
    page.heading("Why")
    page.rows(reasons(seen.trace), "green")
    page.heading("Why not the others")
    page.rows(refusals(seen.trace), "yellow")
    _show_ways_on(page, place, seed)


async def _send_past(client: Client) -> None:
    """The orders of the past that no earlier start has sent."""
    for order in PAST_ORDERS:
        if await client.session_state(order.session_id) != "closed":
            await client.update_session(order.session_id, session_body(order, "closed"))


async def _open_cart(client: Client) -> Order:
    """The cart under the first name that nobody has closed."""
    for number in count(1):
        session_id = f"cart-{number}"
        if await client.session_state(session_id) in (None, "open"):
            return msgspec.structs.replace(CART, session_id=session_id)
    raise AssertionError("numbers do not end")


def _show_cart(page: Page, order: Order, seen: Seen) -> None:
    codes = ", ".join(order.coupon_codes)
    page.heading(f"The cart of {order.profile_id} ({order.session_id}), in {CURRENCY}")
    page.table(cart_rows(order, seen), right=frozenset({1, 2, 3}))
    page.line(f"  with the codes {codes}")


def _show_gains(page: Page, seen: Seen) -> None:
    page.heading("What the customer gets, and the rule that gives it")
    told = gains(seen)
    rows = [(each.label, each.words, each.rule) for each in told]
    discount = sum((each.amount for each in told), ZERO)
    left = f"in all, {money(seen.customer_session.total - discount)} {CURRENCY} left to pay"
    page.table([*rows, (f"-{money(discount)}", left, "")], right=frozenset({0}))


def _show_ways_on(page: Page, place: Place, seed: Seed) -> None:
    page.heading("Try it")
    rows = [
        ("server", place.url),
        ("documentation", f"{place.url}/docs"),
        ("integration key", seed.integration_key),
        ("management key", seed.management_key),
    ]
    if place.data_dir is not None:
        rows.append(("data directory", str(place.data_dir)))
    page.rows(rows)
    page.line()
    body = (
        '{"customerSession": {"profileId": "lena", "cartItems": [{"sku": "COF-ETH", '
        '"category": "coffee", "price": 12.9, "quantity": 6}]}, "responseContent": ["trace"]}'
    )
    page.line(f"curl -X PUT {place.url}/v2/customer_sessions/cart-of-lena \\")
    page.line(f"  -H 'Authorization: ApiKey-v1 {seed.integration_key}' \\")
    page.line("  -H 'Content-Type: application/json' \\")
    page.line(f"  -d {shlex.quote(body)}")
    page.line()
