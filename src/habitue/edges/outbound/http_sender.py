"""Sending requests to other systems over HTTP.

The address is the rule author's, so what it leads to is looked at where the connection is made,
after names were resolved: whatever is not a public address is refused, unless the operator allows
it. So nobody reaches the database, the cloud's metadata or a neighbour through us, not even with a
name that changes its meaning. Redirects are answers like others: they are not followed.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp

from habitue.promotions.webhook import OutgoingRequest
from habitue.usecases.deliver_messages import HttpAnswer, Send
from habitue.usecases.outgoing import Undeliverable

TIMEOUT_SECONDS = 15.0
#: So much of an answer is read and kept.
ANSWER_BYTES_MAX = 4096
CONNECTIONS_MAX = 50
USER_AGENT = "Habitue"


class AddressRefused(OSError):
    """The name leads to an address that is not public."""


@asynccontextmanager
async def http_sender(*, allow_private: bool) -> AsyncIterator[Send]:
    """A way to send requests, for as long as the block runs."""
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS_MAX, socket_factory=None if allow_private else public_socket
    )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:

        async def send(request: OutgoingRequest) -> HttpAnswer:
            return await _sent(session, request)

        yield send


def public_socket(address: Any) -> socket.socket:
    """A socket for that address, as `socket.getaddrinfo` gives it. Raises `AddressRefused`."""
    family, kind, protocol, _, (host, *_) = address
    if not is_public(host):
        raise AddressRefused(f"{host} is not a public address")
    return socket.socket(family, kind, protocol)


def is_public(host: str) -> bool:
    """Whether the numeric address is one of the public internet."""
    address = ip_address(host.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return all(each.is_global and not each.is_multicast for each in (address, inner) if each)


async def _sent(session: aiohttp.ClientSession, request: OutgoingRequest) -> HttpAnswer:
    try:
        async with session.request(
            request.verb,
            request.url,
            data=request.body or None,
            headers=list(request.headers),
            allow_redirects=False,
        ) as response:
            body = await response.content.read(ANSWER_BYTES_MAX)
            return HttpAnswer(response.status, body.decode(errors="replace"))
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as failure:
        raise Undeliverable(_words_of(failure)) from None


def _words_of(failure: BaseException) -> str:
    if isinstance(failure, asyncio.TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} seconds"
    return str(failure) or type(failure).__name__
