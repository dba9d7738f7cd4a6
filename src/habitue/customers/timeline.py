"""Events of a timeline: what a visitor did, in one plain form whichever tracker told it.

Words: an event has a *name* (`view`, `category`, `cart`, `remove_from_cart`, `wish`, `remove_wish`,
`purchase`, `search`, or one of the shop's own) and a *document*: `items` with their ids, `full`
where a list stands for all that there is, `category`, `query`, `order`, `order_price`, and whatever
simple values the shop adds under `custom`.

Invariants: an event never fails for what is in it: a bad item is left out, a quantity is brought
within its bounds, a bad price is dropped (contracts/tracker/SPEC.md sections 2.3, 2.4 and 5). The
document is JSON that a database takes, without contacts of anybody.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from habitue.customers.readings import Failed, read_number, read_text
from habitue.model.limits import (
    EVENT_FIELDS_MAX,
    EVENT_TEXT_LENGTH_MAX,
    ITEM_ID_LENGTH_MAX,
    ITEM_QUANTITY_MAX,
    ITEMS_PER_EVENT_MAX,
    NAME_LENGTH_MAX,
)

Document = dict[str, Any]
#: What stands for the whole of something where it comes as a list.
_FULL = {"cart": "full_cart", "wish": "full_wish"}
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
#: Read by themselves, or not for timelines: people are told apart elsewhere.
_TAKEN = frozenset(
    {
        *("items", "products", "item", "id", "uniqid", "product_id", "item_id"),
        *("full", "full_cart", "full_wish", "category", "category_id", "label", "value"),
        *("query", "search_query", "search_phrase", "order", "order_id", "order_price"),
        *("transaction", "custom", "email", "phone", "external_id", "amount", "quantity", "qnt"),
        *("price", "stock", "stock_id", "line_id", "fashion_size", "size"),
    }
)
_ITEM_IDS = ("id", "uniqid", "product_id", "item_id")
_TRUE = frozenset({"true", "1", "yes", "on"})


def is_event_name(name: Any) -> bool:
    """Whether events can be called so."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def read_event(name: str, raw: Any) -> Document:
    """The document of an event, whatever form its values were sent in."""
    if isinstance(raw, list):
        raw = {"items": raw, _FULL.get(name, "full"): True}
    elif not isinstance(raw, dict):
        raw = {_SINGLE.get(name, "id"): raw}
    document: Document = {}
    if (items := _items_of(name, raw)) is not None:
        document["items"] = items
    if len(raw) == 1 and "items" in raw:
        return document
    if _is_full(name, raw):
        document["full"] = True
        document.setdefault("items", [])
    for field, names, length in _TEXTS:
        text = _first_text(raw, names, length)
        if text:
            document[field] = text
    if (price := _number(raw.get("order_price"))) is not None:
        document["order_price"] = price
    if custom := _custom(raw):
        document["custom"] = custom
    return document


_SINGLE = {"category": "category_id", "search": "query", "purchase": "order"}
_TEXTS = (
    ("category", ("category_id", "category"), EVENT_TEXT_LENGTH_MAX),
    ("query", ("query", "search_query", "search_phrase"), EVENT_TEXT_LENGTH_MAX),
    ("order", ("order", "order_id", "transaction"), ITEM_ID_LENGTH_MAX),
    ("label", ("label",), ITEM_ID_LENGTH_MAX),
)


def united_items(documents: list[Document]) -> list[Document]:
    """The items of an order that was told in several events, each by its id once, as told first."""
    united: dict[str, Document] = {}
    for document in documents:
        for item in document.get("items", ()):
            united.setdefault(item["id"], item)
    return list(united.values())


def _items_of(name: str, raw: Mapping[str, Any]) -> list[Document] | None:
    for field in ("items", "products", "item"):
        if field in raw:
            return list(_items(raw[field]))
    if name in ("category", "search"):
        return None
    item = _item(raw)
    return None if item is None else [item]


def _items(raw: Any) -> Iterator[Document]:
    if isinstance(raw, dict):
        # Forms number their entries: {"0": {...}, "1": {...}}.
        numbered = all(key.isdecimal() for key in raw)
        raw = list(raw.values()) if raw and numbered else [raw]
    for each in raw[:ITEMS_PER_EVENT_MAX] if isinstance(raw, list) else [raw]:
        item = _item(each if isinstance(each, dict) else {"id": each})
        if item is not None:
            yield item


def _item(raw: Mapping[str, Any]) -> Document | None:
    id_ = _item_id(raw["id"]) if "id" in raw else ""
    if not id_:
        id_ = next((text for each in _ITEM_IDS[1:] if (text := _item_id(raw.get(each)))), "")
    if not id_:
        return None
    item: Document = {"id": id_}
    if len(raw) == 1:
        return item
    for field in ("amount", "quantity", "qnt"):
        if field in raw:
            item["quantity"] = _quantity(raw[field])
            break
    if (price := _number(raw.get("price"))) is not None and price >= 0:
        item["price"] = price
    for field, names in _ITEM_TEXTS:
        if text := _first_text(raw, names, ITEM_ID_LENGTH_MAX):
            item[field] = text
    return item


_ITEM_TEXTS = (
    ("stock", ("stock", "stock_id")),
    ("line_id", ("line_id",)),
    ("size", ("fashion_size", "size")),
)


def _item_id(raw: Any) -> str:
    """An id; empty where it is none, or longer than any."""
    if type(raw) is str and raw.isalnum() and len(raw) <= ITEM_ID_LENGTH_MAX:
        return raw
    if type(raw) is int:
        return str(raw) if 0 <= raw < 10**30 else ""
    return _text(raw, ITEM_ID_LENGTH_MAX)


def _quantity(raw: Any) -> int:
    number = _number(raw)
    if number is None or number < 1:
        return 1
    return min(int(number), ITEM_QUANTITY_MAX)


def _number(raw: Any) -> Decimal | int | None:
    if type(raw) is int and abs(raw) < 10**15:
        return raw
    if raw is None or raw == "":
        return None
    try:
        return read_number(raw)
    except Failed:
        return None


def _is_full(name: str, raw: Mapping[str, Any]) -> bool:
    flags = [raw[each] for each in ("full", _FULL.get(name, "full")) if each in raw]
    return any(each is True or str(each).strip().lower() in _TRUE for each in flags)


def _first_text(raw: Mapping[str, Any], names: tuple[str, ...], length: int) -> str:
    for name in names:
        if name in raw and (text := _text(raw[name], length)):
            return text
    return ""


def _text(raw: Any, length: int) -> str:
    """The text, or nothing where it is none or too long."""
    try:
        return read_text(raw, length)
    except Failed:
        return ""


def _custom(raw: Mapping[str, Any]) -> Document:
    """The shop's own values: those beside the known ones, and those under `custom`."""
    inner = raw.get("custom")
    own = {**raw, **inner} if isinstance(inner, dict) else raw
    found: Document = {}
    for name, value in own.items():
        if name in _TAKEN and not (name == "value" and type(value) is int):
            continue
        if len(found) >= EVENT_FIELDS_MAX:
            break
        if len(name) <= NAME_LENGTH_MAX and _UNFIT.search(name) is None:
            kept = _simple(value)
            if kept is not None and kept != "":
                found[name] = kept
    return found


def _simple(value: Any) -> Any:
    """A text that is not too long, a number, a yes or no, or a list of these; None for the rest."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return _number(value)
    if isinstance(value, str):
        return value if len(value) <= EVENT_TEXT_LENGTH_MAX and not _UNFIT.search(value) else None
    if isinstance(value, list):
        kept = [_simple(each) for each in value[:EVENT_FIELDS_MAX] if not isinstance(each, list)]
        return [each for each in kept if each is not None] or None
    return None


def cart_after(cart: Document, name: str, document: Document) -> Document:
    """The cart, items by id, after one event more: a full list takes its place, an item comes to
    it, one goes, an order empties it."""
    items = {item["id"]: item for item in document.get("items", ())}
    if name == "purchase":
        return {}
    if name == "remove_from_cart":
        return {key: item for key, item in cart.items() if key not in items}
    if name != "cart":
        return cart
    return items if document.get("full") else {**cart, **items}
