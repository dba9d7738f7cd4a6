"""From a query string to the Struct that an operation declares for it.

Choices (contracts/talon_one/SEMANTICS.md section 1.7): booleans are read whatever their case;
lists may repeat their name, or be separated by commas, encoded or not; of a repeated single value
the first counts; an empty value other than a text is an absent one; unknown parameters are
ignored. A time whose "+" arrived as a space is understood.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect as shapes

from habitue.edges.http.explain import examine_value, first_fault
from habitue.edges.http.moments import in_utc, moment_fields
from habitue.edges.http.numbers import decode_special, exact
from habitue.edges.http.shapes import shape_of
from habitue.model.errors import Fault, InvalidInput

Decoded = TypeVar("Decoded", bound=msgspec.Struct)
Reader = Callable[[str], Any]

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LOST_PLUS = re.compile(r"(\d) (\d\d:\d\d)$", re.ASCII)


class QueryDecoder(Generic[Decoded]):
    """Decodes query strings to one Struct; build it once."""

    def __init__(self, kind: type[Decoded]) -> None:
        self.kind = kind
        self._readers = dict(_readers_of(kind))
        self._moments = moment_fields(kind)

    def decode(self, query: bytes) -> Decoded:
        """The value of the declared type. Raises InvalidInput with everything that is wrong."""
        values = self._values(query) if query else {}
        try:
            decoded = msgspec.convert(values, self.kind, dec_hook=decode_special)
        except ValueError as error:
            faults, _ = examine_value(values, self.kind)
            found = faults or [first_fault(error)]
            raise InvalidInput(*map(_of_parameter, found)) from None
        try:
            return in_utc(decoded, self._moments) if self._moments else decoded
        except InvalidInput as refusal:
            raise InvalidInput(*map(_of_parameter, refusal.faults)) from None

    def _values(self, query: bytes) -> dict[str, Any]:
        values: dict[str, Any] = {}
        readers = self._readers
        for name, text in _plain_pairs(query) or _pairs(query):
            if name not in readers:
                continue
            reader, is_list = readers[name]
            if is_list:
                found = values.setdefault(name, [])
                found.extend(reader(each) for each in text.split(",") if each)
            elif name not in values and (text or reader is _text):
                values[name] = reader(text)
        return values


def _plain_pairs(query: bytes) -> list[tuple[str, str]] | None:
    """The names and values of a query in which nothing is encoded; None for any other."""
    if b"%" in query or b"+" in query or b"\0" in query or not query.isascii():
        return None
    pairs = (pair.partition("=") for pair in query.decode("ascii").split("&"))
    return [(name, value) for name, _, value in pairs]


def _pairs(query: bytes) -> Iterator[tuple[str, str]]:
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        try:
            name, value = _decoded(raw_name), _decoded(raw_value)
        except UnicodeDecodeError:
            value = "\0"
        if "\0" in value:
            shown = raw_name.decode("ascii", "replace")[:80]
            details = f"{shown} is not valid percent-encoded UTF-8 text without NUL"
            raise InvalidInput(Fault("", "encoding", details, parameter=shown))
        yield name, value


def _decoded(raw: bytes) -> str:
    if b"%" in raw or b"+" in raw:
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    return raw.decode("utf-8")


def _of_parameter(fault: Fault) -> Fault:
    name = fault.pointer.removeprefix("/").partition("/")[0]
    return Fault("", fault.title, fault.details, parameter=name)


@cache
def _readers_of(kind: Any) -> tuple[tuple[str, tuple[Reader, bool]], ...]:
    struct = shape_of(kind)
    if not isinstance(struct, shapes.StructType):
        raise TypeError(f"{kind} is not a Struct")
    return tuple((each.encode_name, _reader_of(each.type)) for each in struct.fields)


def _reader_of(shape: shapes.Type) -> tuple[Reader, bool]:
    if isinstance(shape, shapes.UnionType):
        shape = next(each for each in shape.types if not isinstance(each, shapes.NoneType))
    if isinstance(shape, shapes.ListType):
        return _reader_of(shape.item_type)[0], True
    return _READERS.get(type(shape), _as_sent), False


def _text(text: str) -> str:
    return text


def _as_sent(text: str) -> str:
    return text


def _boolean(text: str) -> bool | str:
    lower = text.lower()
    if lower in _TRUE:
        return True
    return False if lower in _FALSE else text


def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def _number(text: str) -> Any:
    if _NUMBER.fullmatch(text) is None:
        return text
    try:
        return exact(text)
    except ValueError:
        return text


def _time(text: str) -> str:
    return _LOST_PLUS.sub(r"\1+\2", text) if text.count(":") == 3 else text


_READERS: dict[type[shapes.Type], Reader] = {
    shapes.BoolType: _boolean,
    shapes.IntType: _integer,
    shapes.CustomType: _number,
    shapes.DateTimeType: _time,
    shapes.StrType: _text,
}
