"""Registrations as a till sends them, and what the server shows of them."""

import itertools
from typing import Any

from tests.capillary.conftest import Counter

_numbers = itertools.count(1)


def mobile() -> str:
    """A telephone number that nobody has had."""
    return f"65911{next(_numbers):05d}"


def identifier(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "value": value, **more}


def profile(*identifiers: dict[str, Any], source: str | None = "INSTORE", **more: Any) -> Any:
    named = {"source": source} if source else {}
    return {"identifiers": list(identifiers), **named, **more}


def customer(*profiles: Any, **more: Any) -> dict[str, Any]:
    return {"profiles": list(profiles), **more}


def add(counter: Counter, body: Any, query: str = "", **headers: str) -> tuple[int, Any]:
    reply = counter.send("POST", f"/v2/customers{query}", body, headers)
    return reply.status, reply.json


def created(counter: Counter, *identifiers: dict[str, Any], **more: Any) -> int:
    """The id of a customer who was registered without any warning."""
    status, body = add(counter, customer(profile(*identifiers, **more)))
    assert (status, body["warnings"], body["sideEffects"]) == (200, [], [])
    return int(body["createdId"])


def codes(body: Any, kind: str = "warnings") -> list[int]:
    assert all(each["status"] is False for each in body[kind])
    return [each["code"] for each in body[kind]]


class Seen:
    """What the server has stored, as it shows it."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def customer(self, id_: int) -> Any:
        reply = self._counter.send("GET", f"/v2/customers/{id_}?source=ALL")
        assert reply.status == 200, reply.body
        return reply.json

    def id_of(self, kind: str, value: str) -> int | None:
        query = f"source=ALL&identifierName={kind}&identifierValue={value}"
        reply = self._counter.send("GET", f"/v2/customers/lookup?{query}")
        return int(reply.json["entity"]) if reply.status == 200 else None
