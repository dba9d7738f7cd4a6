"""Webhooks: requests to other systems that rules ask for.

Words: a webhook is a *template* of one HTTP request with *parameters*; `${name}` stands for the
value of a parameter in the URL, the headers and the payload. A *message* is one asking for it, with
values; it leaves later, through the outbox.

Invariant: a value cannot break out of its place. It is percent-encoded in a URL, escaped in JSON,
and has no line break in a header.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote, quote_plus, urlsplit
from uuid import UUID, uuid5

import msgspec

from habitue.model.numbers import shortest
from habitue.promotions.effects import Effect, TriggerWebhook
from habitue.promotions.resources import Message, ResourceChanges

Verb = Literal["POST", "PUT", "GET", "DELETE", "PATCH"]
ParameterType = Literal["string", "boolean", "number", "time", "(list string)", "(list number)"]
_PLACE = re.compile(r"\$\{([^{}]*)\}")
_MESSAGES = UUID("5b0f1c4e-6c1d-5d0a-8a53-0a1f4b1b0d51")
_SAMPLES: Mapping[ParameterType, Any] = {
    "string": "text",
    "boolean": True,
    "number": Decimal(1),
    "time": datetime(2026, 1, 1, tzinfo=UTC),
    "(list string)": ["text"],
    "(list number)": [Decimal(1)],
}


class Parameter(msgspec.Struct, frozen=True):
    """One value that a rule gives. `key` is its name in the templates, `ui` is for editors."""

    key: str
    title: str
    type: ParameterType
    description: str = ""
    ui: dict[str, Any] = {}


class Webhook(msgspec.Struct, frozen=True):
    """One template. `secret` signs what is sent; no application ids mean all applications.

    `headers` are name and value; a URL without a scheme is https.
    """

    id: int
    title: str
    verb: Verb
    url: str
    created: datetime
    modified: datetime
    secret: str
    description: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    payload: str = ""
    parameters: tuple[Parameter, ...] = ()
    draft: bool = False
    enabled: bool = True
    application_ids: tuple[int, ...] = ()

    def serves(self, application_id: int) -> bool:
        """Whether rules of that application may ask for it."""
        return not self.application_ids or application_id in self.application_ids

    @property
    def content_type(self) -> str:
        """The media type of the payload, without parameters and in lower case."""
        for name, value in self.headers:
            if name.lower() == "content-type":
                return value.split(";")[0].strip().lower()
        return "application/json"


class OutgoingRequest(msgspec.Struct, frozen=True):
    """One HTTP request, ready to be signed and sent."""

    verb: Verb
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def request_of(webhook: Webhook, values: Mapping[str, Any]) -> OutgoingRequest:
    """The request that the webhook makes of those values."""
    kind = webhook.content_type
    url = webhook.url if "://" in webhook.url else f"https://{webhook.url}"
    headers = [(name, _filled(value, values, _in_header)) for name, value in webhook.headers]
    if webhook.payload and all(name.lower() != "content-type" for name, _ in headers):
        headers.append(("Content-Type", kind))
    return OutgoingRequest(
        webhook.verb,
        _filled(url, values, lambda value: quote(_text(value), safe="")),
        tuple(headers),
        _filled(webhook.payload, values, _WAYS.get(kind, _text)).encode(),
    )


def template_faults(webhook: Webhook) -> Iterator[tuple[str, str]]:
    """What is wrong with the templates: the field and why."""
    known = {each.key for each in webhook.parameters}
    samples = {each.key: _SAMPLES[each.type] for each in webhook.parameters}
    places = [("url", webhook.url), ("payload", webhook.payload)]
    places += [(f"headers/{index}", value) for index, (_, value) in enumerate(webhook.headers)]
    unknown = [
        (field, f"${{{name}}} is no parameter of this webhook")
        for field, template in places
        for name in _PLACE.findall(template)
        if name not in known
    ]
    yield from unknown
    if unknown:
        return
    request = request_of(webhook, samples)
    if not is_web_address(request.url):
        yield "url", "the address is an http or https URL with a host"
    if request.body and webhook.content_type == "application/json" and not _is_json(request.body):
        yield "payload", "with its parameters filled in, the payload is no JSON"


def wrong_value(parameter: Parameter, value: Any) -> bool:
    """Whether `value` is not of the type of the parameter."""
    listed = parameter.type.startswith("(list")
    values = value if listed and isinstance(value, (list, tuple)) else [value]
    kind = _TYPES[parameter.type.removeprefix("(list ").removesuffix(")")]
    return listed != isinstance(value, (list, tuple)) or any(type(e) is not kind for e in values)


def with_messages(
    changes: ResourceChanges, effects: Sequence[Effect], application_id: int, event_id: int
) -> ResourceChanges:
    """The changes, with a message for each webhook that the effects of one request ask for."""
    wanted = [each for each in effects if isinstance(each.outcome, TriggerWebhook)]
    if not wanted:
        return changes
    messages = [
        _message(effect, application_id, f"{event_id} {index}")
        for index, effect in enumerate(wanted)
    ]
    return msgspec.structs.replace(changes, outbox=(*changes.outbox, *messages))


def _message(effect: Effect, application_id: int, name: str) -> Message:
    outcome = effect.outcome
    assert isinstance(outcome, TriggerWebhook), "nothing else asks for a webhook"
    return Message(
        message_id=uuid5(_MESSAGES, name),
        destination="webhook",
        destination_id=outcome.webhook_id,
        document=outcome.values,
        application_id=application_id,
        campaign_id=effect.campaign_id,
    )


def _filled(template: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    return _PLACE.sub(lambda place: write(values[place[1]]), template)


def _text(value: Any) -> str:
    """A value as people read it; several with commas between them."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{shortest(value):f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case list() | tuple():
            return ",".join(map(_text, value))
    return str(value)


def _in_header(value: Any) -> str:
    return " ".join(_text(value).split())


def _in_json(value: Any) -> str:
    """Inside quotes the text of the value, outside of them the value itself; a list brings its own
    brackets."""
    if isinstance(value, (list, tuple)):
        listed = [shortest(each) if isinstance(each, Decimal) else each for each in value]
        return _JSON.encode(listed).decode()
    return _JSON.encode(_text(value)).decode()[1:-1]


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    return True


def is_web_address(url: str) -> bool:
    """Whether requests can be sent there: an http or https URL with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


_JSON = msgspec.json.Encoder(decimal_format="number")
_TYPES: Mapping[str, type] = {
    "string": str,
    "boolean": bool,
    "number": Decimal,
    "time": datetime,
}
_WAYS: Mapping[str, Callable[[Any], str]] = {
    "application/json": _in_json,
    "application/x-www-form-urlencoded": lambda value: quote_plus(_text(value)),
}
