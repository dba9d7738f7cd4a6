"""The OpenAPI 3.1 document of an application, derived from its operations.

What it says of a request is what the decoders enforce: the same types, the same bounds, the same
names. Every error that a door can answer with is described by that door's own type.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from habitue.edges.http.door import Door
from habitue.edges.http.numbers import ENCODER, Number
from habitue.edges.http.operation import CSV_MEDIA_TYPE, CsvFile, Operation
from habitue.edges.http.uploads import FIELD, FORM
from habitue.model.limits import AMOUNT_MAX, BODY_NESTING_MAX, IDEMPOTENCY_KEY_LENGTH_MAX

Schema = dict[str, Any]

TITLE = "Habitue"
VERSION = "0.1.0"
_REFERENCE = "#/components/schemas/{name}"
_NUMBER: Schema = {"type": "number", "minimum": -int(AMOUNT_MAX), "maximum": int(AMOUNT_MAX)}
_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "Done; there is no body",
    400: "The request is wrong; every wrong field is named",
    401: "The key is unknown, expired or of the wrong kind",
    403: "The key does not allow this operation",
    404: "What the path names does not exist",
    408: "The file did not arrive in time",
    409: "The request contradicts what is stored, or too many requests are made at once",
    413: "The body is too long",
    415: "The body is of a kind that is not read here",
    429: "Too many requests in a minute; Retry-After says when to come again",
    503: "The database cannot be reached; nothing was changed",
}


def document(operations: Iterable[Operation]) -> Schema:
    """The document of all documented operations, in their order."""
    shown = [each for each in operations if each.documented]
    schemas = _Schemas(shown)
    paths: dict[str, Schema] = {}
    for each in shown:
        path = paths.setdefault(each.path.replace(":int}", "}"), {})
        path[each.method.lower()] = _operation(each, schemas)
    security: dict[str, Any] = {}
    for each in shown:
        security.update(each.door.security())
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": group} for group in dict.fromkeys(each.group for each in shown) if group],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": security},
    }


def encoded(operations: Iterable[Operation]) -> bytes:
    """The document as JSON."""
    return ENCODER.encode(document(operations))


_INTRODUCTION = f"""Every error names all that is wrong with a request at once. Numbers are exact
decimals; digits beyond the twelfth decimal are rounded. Unknown fields and parameters are ignored.
Bodies are JSON in UTF-8, nested at most {BODY_NESTING_MAX} levels deep."""


def error_statuses(operation: Operation) -> list[int]:
    """The statuses of refusals that this operation is documented with."""
    secured = bool(operation.door.security())
    body = operation.body is not None or operation.upload
    asked = body or operation.query is not None or bool(operation.parameters)
    by_status = {
        400: asked or operation.idempotent,
        401: secured,
        403: secured,
        404: bool(operation.parameters),
        409: operation.method != "GET",
        408: operation.upload,
        413: body,
        415: body,
        429: type(operation.door).admit is not Door.admit,
        503: secured,
    }
    return [status for status, possible in by_status.items() if possible]


class _Schemas:
    """The schemas of every type in use: components, and the schema to put where one is used."""

    def __init__(self, operations: list[Operation]) -> None:
        kinds = [kind for each in operations for kind in _kinds_of(each)]
        found, components = msgspec.json.schema_components(
            kinds, schema_hook=_special, ref_template=_REFERENCE
        )
        self.components: Mapping[str, Schema] = {
            name: _exact(each) for name, each in components.items()
        }
        self._pairs = [(kind, _exact(each)) for kind, each in zip(kinds, found, strict=True)]

    def of(self, kind: Any) -> Schema:
        """The schema of a type."""
        return next(schema for each, schema in self._pairs if each is kind or each == kind)

    def fields(self, kind: Any) -> Schema:
        """The schema of a Struct, in full."""
        schema = self.of(kind)
        reference = schema.get("$ref")
        return schema if reference is None else self.components[reference.rpartition("/")[2]]


def _kinds_of(operation: Operation) -> list[Any]:
    errors = [operation.door.error_type(each, operation) for each in error_statuses(operation)]
    errors.append(operation.door.error_type(500, operation))
    shown = [operation.shown_body, operation.shown_query]
    kinds = [operation.body, operation.query, *shown, *operation.responses.values(), *errors]
    return [each for each in kinds if each is not None and each is not CsvFile]


def _special(kind: type) -> Schema:
    if kind is Number:
        return dict(_NUMBER)
    raise TypeError(f"{kind} is not a type of the wire")


def _exact(schema: Any) -> Any:
    """Decimals of answers are numbers on the wire, not the strings that msgspec takes them for."""
    if isinstance(schema, list):
        return [_exact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        rest = {key: each for key, each in schema.items() if key not in ("type", "format")}
        return {"type": "number", **rest}
    return {key: _exact(each) for key, each in schema.items()}


def _operation(operation: Operation, schemas: _Schemas) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary or operation.id,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, schemas)],
        "responses": _responses(operation, schemas),
        "security": [{name: []} for name in operation.door.security()],
    }
    if operation.group:
        described["tags"] = [operation.group]
    if operation.description:
        described["description"] = operation.description
    if operation.idempotent:
        described["parameters"].append(_IDEMPOTENCY_KEY)
    if operation.body is not None or operation.shown_body is not None:
        described["requestBody"] = _body(operation, schemas)
    if operation.upload:
        described["requestBody"] = _UPLOAD
    return described


_UPLOAD: Schema = {
    "required": True,
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "properties": {FIELD: {"type": "string", "format": "binary"}},
            }
        }
    },
}
_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a repeated request harmless: it is given the first one's answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": IDEMPOTENCY_KEY_LENGTH_MAX,
        "pattern": "^[!-~]+$",
    },
}


def _path_parameters(operation: Operation) -> list[Schema]:
    whole = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    text = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": whole if is_whole else text}
        for name, is_whole in operation.parameters
    ]


def _query_parameters(operation: Operation, schemas: _Schemas) -> list[Schema]:
    query = operation.query or operation.shown_query
    if query is None:
        return []
    struct = schemas.fields(query)
    required = struct.get("required", [])
    return [
        _query_parameter(name, schema, name in required)
        for name, schema in struct["properties"].items()
    ]


def _query_parameter(name: str, schema: Schema, required: bool) -> Schema:
    schema = _without_null(schema)
    described = {"name": name, "in": "query", "required": required, "schema": schema}
    if "description" in schema:
        described["description"] = schema["description"]
    if schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    return described


def _without_null(schema: Schema) -> Schema:
    """A query has no null: what may be null in the Struct may be absent."""
    if schema.get("default", 0) is None:
        schema = {key: each for key, each in schema.items() if key != "default"}
    kinds = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(kinds) == 1:
        rest = {key: each for key, each in schema.items() if key != "anyOf"}
        return {**kinds[0], **rest}
    return schema


def _body(operation: Operation, schemas: _Schemas) -> Schema:
    content: Schema = {"schema": schemas.of(operation.body or operation.shown_body)}
    if operation.request_example:
        content["example"] = msgspec.Raw(operation.request_example)
    return {
        "required": not operation.body_optional,
        "content": dict.fromkeys(operation.media_types, content),
    }


def _responses(operation: Operation, schemas: _Schemas) -> Schema:
    refusals: dict[int, Any] = {
        status: operation.door.error_type(status, operation) for status in error_statuses(operation)
    }
    described = {
        str(status): _response(_REASONS.get(status, "Done"), kind, schemas)
        for status, kind in sorted({**refusals, **operation.responses}.items())
    }
    unexpected = operation.door.error_type(500, operation)
    described["default"] = _response("Any other error", unexpected, schemas)
    return described


def _response(reason: str, kind: Any, schemas: _Schemas) -> Schema:
    if kind is None:
        return {"description": reason}
    if kind is CsvFile:
        return {"description": reason, "content": {CSV_MEDIA_TYPE: {"schema": {"type": "string"}}}}
    content = {"application/json": {"schema": schemas.of(kind)}}
    return {"description": reason, "content": content}
