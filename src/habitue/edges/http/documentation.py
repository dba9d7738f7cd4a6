"""The documentation that an application serves of itself: /openapi.json, and /docs to read it.

The page is rendered once, from the same document, when the application is built. It loads nothing
from other hosts.
"""

from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from habitue.edges.http.application import PLAIN
from habitue.edges.http.examples import example_of
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.openapi import Schema, document
from habitue.edges.http.operation import Answer, Call, Handler, Operation

_HTML = "text/html; charset=utf-8"
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'"
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "minItems": "at least {} elements",
    "maxItems": "at most {} elements",
    "default": "default {}",
}


def documentation_operations(operations: list[Operation]) -> list[Operation]:
    """The operations that describe `operations`."""
    described = document(operations)
    assets = files("habitue.edges.http") / "assets"
    policy = {"content-security-policy": _POLICY}
    return [
        _page("openapi", "/openapi.json", ENCODER.encode(described), "application/json"),
        _page("docs", "/docs", page(described).encode(), _HTML, policy),
        _page("docsStyle", "/docs/docs.css", (assets / "docs.css").read_bytes(), "text/css"),
        _page("docsScript", "/docs/docs.js", (assets / "docs.js").read_bytes(), "text/javascript"),
    ]


def page(described: Schema) -> str:
    """An OpenAPI document as a page."""
    # Examples were given as JSON text; here they are wanted as values.
    described = msgspec.json.decode(ENCODER.encode(described))
    schemas = described["components"]["schemas"]
    groups = _groups(described)
    sections = "".join(
        f"<h2>{escape(group)}</h2>" + "".join(_operation(*each, schemas) for each in entries)
        for group, entries in groups.items()
    )
    types = "".join(_type(name, schemas[name]) for name in sorted(schemas))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(described["info"]["title"])} API</title>
<link rel="stylesheet" href="/docs/docs.css">
<script type="module" src="/docs/docs.js"></script>
</head>
<body>
<nav>
<h1>{escape(described["info"]["title"])} API</h1>
<input type="search" placeholder="Find an operation" aria-label="Find an operation">
{"".join(_contents(group, entries) for group, entries in groups.items())}
</nav>
<main>
<p>{escape(described["info"]["description"])}</p>
<p>The same as data: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
{sections}
<h2>Types</h2>
{types}
</main>
</body>
</html>
"""


def _groups(described: Schema) -> dict[str, list[tuple[str, str, Schema]]]:
    groups: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            group = operation.get("tags", ["Other"])[0]
            groups.setdefault(group, []).append((method, path, operation))
    return groups


def _contents(group: str, entries: list[tuple[str, str, Schema]]) -> str:
    items = ""
    for method, path, each in entries:
        name, summary = each["operationId"], each["summary"]
        words = escape(f"{method} {path} {name} {summary}")
        items += f'<li data-words="{words}"><a href="#{name}">{escape(summary)}</a></li>'
    return f"<div><h2>{escape(group)}</h2><ul>{items}</ul></div>"


def _operation(method: str, path: str, operation: Schema, schemas: Schema) -> str:
    name = escape(operation["operationId"])
    description = operation.get("description", "")
    security = ", ".join(key for each in operation["security"] for key in each)
    return f"""<section id="{name}">
<h3><span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>
<span>{escape(operation["summary"])}</span></h3>
<p class="faint">{name}{" · " + escape(security) if security else ""}</p>
{f"<p>{escape(description)}</p>" if description else ""}
{_parameters(operation["parameters"])}{_body(operation, schemas)}{_responses(operation)}
</section>"""


def _parameters(parameters: list[Schema]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code> {_needed(each.get('required', False))}</td>"
        f"<td>{each['in']}</td><td>{_words(each['schema'])}</td></tr>"
        for each in parameters
    )
    return f"<h4>Parameters</h4><table>{rows}</table>"


def _body(operation: Schema, schemas: Schema) -> str:
    if "requestBody" not in operation:
        return ""
    content = next(iter(operation["requestBody"]["content"].values()))
    schema = content["schema"]
    value = content.get("example", example_of(schema, schemas))
    text = msgspec.json.format(ENCODER.encode(value), indent=2).decode()
    return f"<h4>Body: {_words(schema)}</h4><pre>{escape(text)}</pre>"


def _responses(operation: Schema) -> str:
    rows = ""
    for status, each in operation["responses"].items():
        content = each.get("content", {})
        kind = _words(next(iter(content.values()))["schema"]) if content else ""
        rows += f"<tr><td>{status}</td><td>{escape(each['description'])}</td><td>{kind}</td></tr>"
    return f"<h4>Answers</h4><table>{rows}</table>"


def _type(name: str, schema: Schema) -> str:
    description = schema.get("description", "")
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code> {_needed(field in required)}</td>"
        f"<td>{_words(each)}</td></tr>"
        for field, each in schema.get("properties", {}).items()
    )
    inside = f"<table>{rows}</table>" if rows else f"<p>{_words(schema)}</p>"
    return f"""<section id="type-{escape(name)}">
<h3>{escape(name)}</h3>
{f'<p class="faint">{escape(description)}</p>' if description else ""}
{inside}
</section>"""


def _needed(required: bool) -> str:
    return '<span class="needed">required</span>' if required else ""


def _words(schema: Schema) -> str:
    """A schema in a few words of HTML, with links to the types it names."""
    limits = [
        words.format(f"<code>{escape(_shown(schema[word]))}</code>")
        for word, words in _LIMITS.items()
        if word in schema and schema[word] not in ({}, [], None)
    ]
    kind = _kind(schema)
    return kind + (f' <span class="faint">{", ".join(limits)}</span>' if limits else "")


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "enum" in schema:
        return " | ".join(f"<code>{escape(_shown(each))}</code>" for each in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_words(each) for each in schema[word])
    if schema.get("type") == "array":
        return "list of " + _words(schema.get("items", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        return "object of " + _words(schema["additionalProperties"])
    kind = schema.get("format") or schema.get("type", "anything")
    return escape(str(kind))


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _page(
    name: str, path: str, body: bytes, kind: str, headers: dict[str, str] | None = None
) -> Operation:
    answer = Answer(
        200, body, {"content-type": kind, "cache-control": "no-cache"} | (headers or {})
    )
    return Operation(
        id=name,
        method="GET",
        path=path,
        handler=_always(answer),
        door=PLAIN,
        documented=False,
        quiet=True,
    )


def _always(answer: Answer) -> Handler:
    async def handler(call: Call[None, None, None]) -> Answer:
        return answer

    return handler
