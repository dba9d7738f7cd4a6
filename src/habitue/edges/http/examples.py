"""An example of a value, made from its schema, for documentation."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DEPTH_MAX = 6
_FORMATS = {
    "date-time": "2026-03-01T12:00:00Z",
    "date": "2026-03-01",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
}


def example_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:
    """A value of the schema, with every field down to `DEPTH_MAX` levels.

    Patterns are not looked at; an operation whose body has one brings its own example.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example_of(components[name], components, depth)
    for word in ("example", "const"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return example_of(_first_of(schema[word]), components, depth)
    return _plain(schema, components, depth)


def _first_of(schemas: list[Schema]) -> Schema:
    return next((each for each in schemas if each.get("type") != "null"), schemas[0])


def _plain(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            if depth >= DEPTH_MAX or "items" not in schema:
                return []
            return [example_of(schema["items"], components, depth + 1)]
        case "string":
            text = _FORMATS.get(schema.get("format", ""), "text")
            return text[: schema.get("maxLength")]
        case "integer" | "number":
            return max(schema.get("minimum", 1), schema.get("multipleOf", 1))
        case "boolean":
            return schema.get("default", False)
    return None


def _object(schema: Schema, components: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    names = schema.get("required", []) if depth >= DEPTH_MAX else schema.get("properties", {})
    if depth >= 2 * DEPTH_MAX:
        return {}
    return {name: example_of(schema["properties"][name], components, depth + 1) for name in names}
