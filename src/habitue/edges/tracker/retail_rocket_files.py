"""Retail Rocket's files: subscribers and offline orders, as CSV that a server of the shop sends.

`POST /api/2.0/partner/{partnerId}/subscribers?apikey=` has a header with Email, IsSubscribed and
any parameters; IsSubscribed=false is an opt-out, true is what the shop knows and lifts none.
`.../transaction?apikey=` has no header: date, transaction, product, unit price after discount,
e-mail, quantity; whoever is new by it counts as subscribed (contracts/tracker/SPEC.md section 1.6).
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import groupby

import msgspec

from habitue.customers.card import ConsentEntry
from habitue.customers.consent import EMAIL, MARKETING
from habitue.customers.readings import Failed, read_flag
from habitue.customers.sources import TRACKER as SOURCE
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import PartnerQuery, operation
from habitue.edges.tracker.retail_rocket import AnyCall, Done, done
from habitue.edges.tracker.uploading import (
    ENTRIES_MAX,
    ToldOrder,
    ToldPerson,
    server_of,
    take_orders,
    take_people,
)
from habitue.edges.tracker.wire import Fields, nested
from habitue.model.errors import Fault, InvalidInput
from habitue.model.instants import parse_instant

_EMAIL, _SUBSCRIBED = "email", "issubscribed"
_ORDER_FIELDS = 6


def retail_rocket_file_operations() -> list[Operation]:
    """The uploads."""
    at = "/api/2.0/partner/{partnerId}"
    return [
        operation(
            id_,
            "POST",
            f"{at}/{name}",
            handler,
            summary,
            Done,
            query=PartnerQuery,
            body=str,
            media_types=("text/csv", "text/plain"),
        )
        for id_, name, handler, summary in (
            ("rrUploadSubscribers", "subscribers", _subscribers, "Take a list of subscribers"),
            ("rrUploadOrders", "transaction", _orders, "Take a list of orders made elsewhere"),
        )
    ]


async def _subscribers(call: AnyCall) -> Answer:
    key = await server_of(call, call.path["partnerId"], nested(call.query_string))
    people = list(_people(call, _rows(call.raw_body)))
    return done(await take_people(call, key, people))


async def _orders(call: AnyCall) -> Answer:
    key = await server_of(call, call.path["partnerId"], nested(call.query_string))
    lines = [_order(line, row) for line, row in _rows(call.raw_body)]
    return done(await take_orders(call, key, _whole(lines)))


def _whole(lines: Iterable[ToldOrder]) -> Iterator[ToldOrder]:
    """Lines that follow each other and tell of one order of one moment are one order."""
    for _, group in groupby(lines, lambda each: (each.who["email"], each.id, each.at)):
        first, *others = group
        items = [*first.items, *(item for each in others for item in each.items)]
        yield msgspec.structs.replace(first, items=items)


def _rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """Lines of the file with their numbers. Raises `InvalidInput` for what is no such file."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(1, "The file is not UTF-8 text") from None
    first = text.partition("\n")[0]
    reader = csv.reader(StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    count = 0
    try:
        for row in reader:
            if not any(each.strip() for each in row):
                continue
            count += 1
            if count > ENTRIES_MAX + 1:
                raise _wrong(reader.line_num, f"A file has at most {ENTRIES_MAX} lines")
            yield reader.line_num, [each.strip().replace("\0", "") for each in row]
    except csv.Error as error:
        raise _wrong(reader.line_num, str(error)) from None


def _people(call: AnyCall, rows: Iterator[tuple[int, list[str]]]) -> Iterator[ToldPerson]:
    line, header = next(rows, (1, []))
    names = [each.lower() for each in header]
    if _EMAIL not in names or len(set(names)) != len(names):
        raise _wrong(line, "The first line names the columns, each once, Email among them")
    for line, row in rows:
        if len(row) != len(header):
            raise _wrong(line, f"Expected {len(header)} fields")
        told = dict(zip(names, row, strict=True))
        fields: Fields = {
            name: value
            for name, value in zip(header, row, strict=True)
            if value and name.lower() not in (_EMAIL, _SUBSCRIBED)
        }
        flag = told.get(_SUBSCRIBED, "")
        try:
            agreed = read_flag(flag) if flag else None
        except Failed:
            raise _wrong(line, "IsSubscribed is true or false") from None
        who: Fields = {"email": told[_EMAIL], "custom": fields}
        if agreed:
            who["consent_email"] = True
        ended = ConsentEntry(EMAIL, MARKETING, "withdrawn", call.now, SOURCE)
        yield ToldPerson(str(line), who, consents=(ended,) if agreed is False else ())


def _order(line: int, row: list[str]) -> ToldOrder:
    if len(row) != _ORDER_FIELDS:
        raise _wrong(line, f"Expected {_ORDER_FIELDS} fields")
    date, transaction, product, price, email, quantity = row
    if not (transaction and product and email):
        raise _wrong(line, "An order has a transaction, a product and an e-mail address")
    item: Fields = {"id": product, "price": price, "quantity": quantity or 1}
    at = _moment(line, date)
    return ToldOrder(str(line), {"email": email}, at, transaction, [item], assumes=True)


def _moment(line: int, text: str) -> datetime:
    whole = f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text.replace(" ", "T", 1)
    found = parse_instant(whole) or parse_instant(f"{whole}Z")
    if found is None:
        raise _wrong(line, "The date is not one of ISO 8601")
    return found


def _wrong(line: int, details: str) -> InvalidInput:
    return InvalidInput(Fault(f"/{line}", "Invalid", f"Line {line}: {details}"))
