"""Requests of the demo to its own server, over the socket and with a key, as a web shop sends them.

Only what the demo looks at is read from the answers; numbers come in as `Decimal`.
"""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from habitue.edges.http.numbers import ENCODER
from habitue.edges.talon_one.integration.traces import CampaignTraceOut
from habitue.model.errors import Refusal

TIMEOUT_SECONDS = 30


class EffectSeen(msgspec.Struct, rename="camel"):
    """One effect of an answer, with its properties as they were sent."""

    campaign_id: int
    rule_name: str
    effect_type: str
    props: dict[str, Any]


class SessionSeen(msgspec.Struct, rename="camel"):
    """The totals of a session, before any discount."""

    integration_id: str
    state: str
    total: Decimal
    cart_item_total: Decimal


class Seen(msgspec.Struct, rename="camel"):
    """An answer to a session update that asked for the session and the trace."""

    effects: list[EffectSeen]
    customer_session: SessionSeen
    trace: list[CampaignTraceOut] = []


_SEEN = msgspec.json.Decoder(Seen, float_hook=Decimal)
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)


class Client:
    """The Integration API of one server, opened with one key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    async def update_session(self, session_id: str, body: Mapping[str, Any]) -> Seen:
        """Sends a session and answers what it gets and why. Raises `Refusal`."""
        content = ["customerSession", "trace"]
        request = {"customerSession": body, "responseContent": content}
        status, answer = await self._send("PUT", f"/v2/customer_sessions/{session_id}", request)
        if status != 200:
            raise Refusal(f"The server did not take session {session_id}: {_reason(answer)}")
        return _SEEN.decode(answer)

    async def session_state(self, session_id: str) -> str | None:
        """The state of a session, or None where there is no such session."""
        status, answer = await self._send("GET", f"/v2/customer_sessions/{session_id}", None)
        return _SEEN.decode(answer).customer_session.state if status == 200 else None

    async def _send(self, method: str, path: str, body: object | None) -> tuple[int, bytes]:
        content = None if body is None else ENCODER.encode(body)
        request = urllib.request.Request(self._url + path, content, method=method)
        request.add_header("Authorization", f"ApiKey-v1 {self._key}")
        request.add_header("Content-Type", "application/json")
        return await asyncio.to_thread(_exchange, request)


def _exchange(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError as error:
        raise Refusal(f"The server did not answer: {error}") from None


# The server is on this machine, whatever proxies the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _reason(answer: bytes) -> str:
    try:
        told = _ANYTHING.decode(answer)
    except msgspec.DecodeError:
        return "it gave no reason"
    errors = told.get("errors") or [{}]
    return str(errors[0].get("details") or told.get("message") or "it gave no reason")
