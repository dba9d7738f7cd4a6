"""What arrives at the tracker's addresses, whatever it is written in: JSON, forms, query strings.

Words: *fields* are a request's values by name, nested. Forms and query strings nest by brackets:
`items[0][id]=1`, `items[][id]=1`, `tags[]=a`. A value that is the JSON text of a list or an object
is that list or object, as mobile programs send it. Of a value that is in the query and in the body
the body's counts.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from habitue.edges.http.call import Call
from habitue.edges.http.decoding import BodyDecoder, check_media_type
from habitue.model.errors import Fault, InvalidInput

Fields = dict[str, Any]
JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
PAIRS_MAX = 5_000
NESTING_MAX = 6
_ANY = BodyDecoder[Any](Any)
_MEDIA_TYPES = (JSON, FORM, TEXT)


def fields_of(call: Call[Any, Any, Any]) -> Fields:
    """Everything that a request says. Raises `InvalidInput` and `MediaTypeUnsupported`."""
    fields = nested(call.query_string)
    if call.raw_body:
        body = body_of(call)
        if not isinstance(body, dict):
            raise InvalidInput(Fault("", "Invalid type", "Expected an object"))
        fields.update(body)
    return {name: opened(value) for name, value in fields.items()}


def body_of(call: Call[Any, Any, Any]) -> Any:
    """The body as JSON or as a form: forms say so, everything else is JSON."""
    return nested(call.raw_body) if is_form(call) else json_of(call.raw_body)


def is_form(call: Call[Any, Any, Any]) -> bool:
    """Whether the body is a form, and not JSON. Raises `MediaTypeUnsupported`."""
    raw = {b"content-type": call.headers.get("content-type", "").encode("latin-1")}
    raw[b"content-encoding"] = call.headers.get("content-encoding", "identity").encode("latin-1")
    check_media_type(raw, _MEDIA_TYPES)
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == FORM


def json_of(raw: bytes) -> Any:
    """A JSON text with exact numbers. Raises `InvalidInput`."""
    return _ANY.decode(raw)


def opened(value: Any) -> Any:
    """The structure itself, where its JSON text was sent."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json_of(value.encode())
    except (InvalidInput, UnicodeEncodeError):
        return value


def nested(encoded: bytes) -> Fields:
    """The values of a form or of a query string. Raises `InvalidInput`."""
    fields: Fields = {}
    for name, value in _pairs(encoded):
        steps = _steps(name)
        if steps:
            _put(fields, steps, value)
    return {name: _listed(value) for name, value in fields.items()}


def _pairs(encoded: bytes) -> Iterator[tuple[str, str]]:
    pairs = [each for each in encoded.split(b"&") if each]
    if len(pairs) > PAIRS_MAX:
        raise InvalidInput(Fault("", "Too many", f"at most {PAIRS_MAX} values are accepted"))
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        yield _text(name), _text(value)


def _text(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        details = "The values are not percent-encoded UTF-8 text"
        raise InvalidInput(Fault("", "encoding", details)) from None
    if "\0" in text:
        raise InvalidInput(Fault("", "encoding", "The values contain the character NUL"))
    return text


def _steps(name: str) -> list[str]:
    """`a[b][]` is a, b and an empty step. Brackets that do not fit are part of the name."""
    first, bracket, rest = name.partition("[")
    if not bracket or not first or not rest.endswith("]"):
        return [name] if name else []
    steps = [first, *rest[:-1].split("][")]
    if len(steps) > NESTING_MAX:
        details = f"The values are nested deeper than {NESTING_MAX} levels"
        raise InvalidInput(Fault("", "nesting", details))
    return steps


def _put(fields: Fields, steps: list[str], value: str) -> None:
    """Puts a value in its place; an empty step is the next place of a list, or the last one where
    that has no such entry yet (`items[][id]=1&items[][price]=2` is one item)."""
    place = fields
    for at, step in enumerate(steps[:-1]):
        following = steps[at + 1]
        key = step if step or at == 0 else _next(place, following, at + 2 < len(steps))
        inner = place.get(key)
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    last = steps[-1]
    if last or len(steps) == 1:
        place[last] = value
    else:
        place[str(len(place))] = value


def _next(place: Fields, following: str, deeper: bool) -> str:
    last = place.get(str(len(place) - 1)) if place else None
    if isinstance(last, dict) and (following not in last or deeper):
        return str(len(place) - 1)
    return str(len(place))


def _listed(value: Any) -> Any:
    """Places that are numbered from 0 on are a list."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and list(inner) == [str(each) for each in range(len(inner))]:
        return list(inner.values())
    return inner


def text_of(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these values that is a text or a number, without white space around it."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            if text := value.strip():
                return text
            continue
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
            return str(value)
    return ""
