"""What is wrong with a body, all of it at once, in words that name the field.

Words: to *examine* a body is to decode it without types and to compare what comes out with the
declared type, place by place; a *place* is a JSON pointer with the name of the field. Titles are
those of the wire (contracts/talon_one/SEMANTICS.md section 1.3): "Invalid type", "enum", and the
JSON Schema word for every other rule ("required", "minimum", "maxItems", ...).

Invariants: a place is faulted only where the decoder would refuse it, because the decoder itself
is asked about every single value; whole numbers written with a fraction of zero are repaired in
what `examine` returns.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect as shapes

from habitue.edges.http.leaves import leaf_fault, shown, words_of
from habitue.edges.http.numbers import BEYOND, NUMBER_RULE, literal, rounded
from habitue.edges.http.shapes import shape_of
from habitue.model.errors import Fault
from habitue.model.pointers import escape

Faults: TypeAlias = list[Fault]

FAULTS_MAX = 100

_UNTYPED = msgspec.json.Decoder(float_hook=literal)
_POSITION = re.compile(r"(?:JSON is malformed: )?(.*?)(?: \(byte (\d+)\))?", re.DOTALL)
_WHERE = re.compile(r"(.*?) - at `(?:key` in `)?\$(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def examine(body: bytes, kind: Any, complaint: Exception) -> tuple[Faults, Any]:
    """Everything wrong with `body` as a `kind` (at most `FAULTS_MAX` faults), and the value that
    it holds, repaired, to be converted where nothing is wrong.

    `complaint` is what the decoder said; it is repeated where the body cannot be taken apart.
    """
    try:
        value = _UNTYPED.decode(body)
    except RecursionError:
        return [Fault("", "nesting", "The body is nested too deeply")], None
    except msgspec.ValidationError:
        return [first_fault(complaint)], None
    except ValueError as error:
        return [_malformed(body, str(error))], None
    return examine_value(value, kind)


def examine_value(value: Any, kind: Any) -> tuple[Faults, Any]:
    """The same for a value that is decoded already."""
    faults: Faults = []
    repaired = _Walk(faults).visit(value, shape_of(kind), "", "The body")
    return faults[:FAULTS_MAX], repaired


def first_fault(error: Exception) -> Fault:
    """The decoder's own complaint as a fault, for rules that only the decoder knows."""
    match = _WHERE.fullmatch(str(error))
    if match is None:
        return Fault("", "Invalid", str(error))
    steps = _STEP.findall(match[2].partition("[...]")[0])
    pointer = "".join("/" + escape(name or index) for name, index in steps)
    return Fault(pointer, "Invalid", match[1])


def _malformed(body: bytes, message: str) -> Fault:
    if not body.strip():
        return Fault("", "required", "The body is empty; it must be a JSON document")
    match = _POSITION.fullmatch(message)
    if match is None or match[2] is None:
        details = "The body is not JSON: it ends too early, or has an invalid escape"
        return Fault("", "JSON", details)
    before = body[: int(match[2])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    details = f"The body is not JSON: {match[1]} at line {line}, column {column}"
    return Fault("", "JSON", details)


class _Walk:
    """One comparison of a value with its declared shape; `visit` returns the value, repaired."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def visit(self, value: Any, shape: shapes.Type, pointer: str, name: str) -> Any:
        if len(self._faults) >= FAULTS_MAX:
            return value
        if isinstance(value, str) and "\0" in value:
            self._add(pointer, "encoding", f"{name} contains the character NUL (U+0000)")
            return value
        match shape:
            case shapes.AnyType() | shapes.RawType():
                return self._untyped(value, pointer, name)
            case shapes.UnionType():
                return self._union(value, shape, pointer, name)
            case shapes.StructType():
                return self._struct(value, shape, pointer, name)
            case shapes.ListType() | shapes.SetType() | shapes.FrozenSetType():
                return self._list(value, shape, pointer, name)
            case shapes.VarTupleType():
                return self._list(value, shape, pointer, name)
            case shapes.DictType():
                return self._dict(value, shape, pointer, name)
        return self._leaf(value, shape, pointer, name)

    def _add(self, pointer: str, title: str, details: str) -> None:
        self._faults.append(Fault(pointer, title, details))

    def _untyped(self, value: Any, pointer: str, name: str) -> Any:
        if isinstance(value, dict):
            for key, each in value.items():
                self._key(key, pointer)
                at = f"{pointer}/{escape(key)}"
                value[key] = self.visit(each, shapes.AnyType(), at, key)
        elif isinstance(value, list):
            for index, each in enumerate(value):
                label = f"{name}[{index}]"
                value[index] = self.visit(each, shapes.AnyType(), f"{pointer}/{index}", label)
        elif value is BEYOND:
            self._add(pointer, "maximum", f"{name} is not {NUMBER_RULE}")
        elif isinstance(value, Decimal):
            return rounded(value)
        return value

    def _union(self, value: Any, shape: shapes.UnionType, pointer: str, name: str) -> Any:
        if value is None and any(isinstance(each, shapes.NoneType) for each in shape.types):
            return None
        kinds = [each for each in shape.types if not isinstance(each, shapes.NoneType)]
        fitting = kinds if len(kinds) == 1 else [each for each in kinds if _alike(value, each)]
        if not fitting:
            wanted = " or ".join(dict.fromkeys(map(words_of, kinds)))
            self._add(pointer, "Invalid type", f"{shown(name, value)} is not {wanted}")
            return value
        structs = [each for each in fitting if isinstance(each, shapes.StructType)]
        if len(structs) > 1:
            return self._tagged(value, structs, pointer, name)
        return self.visit(value, fitting[0], pointer, name)

    def _tagged(
        self, value: dict[str, Any], kinds: list[shapes.StructType], pointer: str, name: str
    ) -> Any:
        field = kinds[0].tag_field or "type"
        by_tag = {each.tag: each for each in kinds}
        tag = value.get(field)
        found = by_tag.get(tag) if isinstance(tag, (str, int)) else None
        if found is not None:
            return self._struct(value, found, pointer, name)
        if field not in value:
            self._add(f"{pointer}/{escape(field)}", "required", f"{field} is required")
        else:
            options = ", ".join(f'"{each}"' for each in by_tag)
            details = f"{field} must be one of the following: {options}"
            self._add(f"{pointer}/{escape(field)}", "enum", details)
        return value

    def _struct(self, value: Any, shape: shapes.StructType, pointer: str, name: str) -> Any:
        if not isinstance(value, dict):
            self._add(pointer, "Invalid type", f"{shown(name, value)} is not an object")
            return value
        if shape.tag is not None and value.get(shape.tag_field or "type", shape.tag) != shape.tag:
            field = shape.tag_field or "type"
            details = f'{field} must be one of the following: "{shape.tag}"'
            self._add(f"{pointer}/{escape(field)}", "enum", details)
        names = {each.encode_name for each in shape.fields}
        for field_shape in shape.fields:
            wire = field_shape.encode_name
            at = f"{pointer}/{escape(wire)}"
            if wire in value:
                value[wire] = self.visit(value[wire], field_shape.type, at, wire)
            elif field_shape.required:
                self._add(at, "required", f"{wire} is required{_meant(wire, value, names)}")
        if shape.forbid_unknown_fields:
            self._strangers(value, names | {shape.tag_field or ""}, pointer)
        return value

    def _strangers(self, value: Mapping[str, Any], names: set[str], pointer: str) -> None:
        for key in value:
            if key not in names:
                close = difflib.get_close_matches(key, names, 1)
                hint = f'; did you mean "{close[0]}"?' if close else ""
                self._add(f"{pointer}/{escape(key)}", "Unknown", f"{key} is not defined{hint}")

    def _list(
        self,
        value: Any,
        shape: shapes.ListType | shapes.SetType | shapes.FrozenSetType | shapes.VarTupleType,
        pointer: str,
        name: str,
    ) -> Any:
        if not isinstance(value, list):
            self._add(pointer, "Invalid type", f"{shown(name, value)} is not an array")
            return value
        self._count(len(value), shape, pointer, name, ("Items", "elements"))
        for index, each in enumerate(value):
            label = f"{name}[{index}]"
            value[index] = self.visit(each, shape.item_type, f"{pointer}/{index}", label)
        return value

    def _dict(self, value: Any, shape: shapes.DictType, pointer: str, name: str) -> Any:
        if not isinstance(value, dict):
            self._add(pointer, "Invalid type", f"{shown(name, value)} is not an object")
            return value
        self._count(len(value), shape, pointer, name, ("Properties", "fields"))
        for key, each in value.items():
            at = f"{pointer}/{escape(key)}"
            self._key(key, pointer)
            fault = leaf_fault(key, shape.key_type, at, f"The name {key[:80]}")
            if fault is not None:
                self._faults.append(fault)
            value[key] = self.visit(each, shape.value_type, at, key)
        return value

    def _key(self, key: str, pointer: str) -> None:
        if "\0" in key:
            self._add(pointer, "encoding", "A name contains the character NUL (U+0000)")

    def _count(
        self, count: int, shape: Any, pointer: str, name: str, noun: tuple[str, str]
    ) -> None:
        if shape.min_length is not None and count < shape.min_length:
            details = f"{name} must have at least {shape.min_length} {noun[1]}, not {count}"
            self._add(pointer, f"min{noun[0]}", details)
        if shape.max_length is not None and count > shape.max_length:
            details = f"{name} may have at most {shape.max_length} {noun[1]}, not {count}"
            self._add(pointer, f"max{noun[0]}", details)

    def _leaf(self, value: Any, shape: shapes.Type, pointer: str, name: str) -> Any:
        if isinstance(value, Decimal):
            value = _repaired(value, shape)
        fault = leaf_fault(value, shape, pointer, name)
        if fault is not None:
            self._faults.append(fault)
        return value


def _repaired(value: Decimal, shape: shapes.Type) -> Decimal | int:
    if value is BEYOND:
        return value
    if isinstance(shape, shapes.IntType) and value == value.to_integral_value():
        return int(value)
    return rounded(value) if isinstance(shape, shapes.CustomType) else value


def _alike(value: Any, shape: shapes.Type) -> bool:
    if isinstance(shape, shapes.AnyType):
        return True
    if isinstance(shape, (shapes.StructType, shapes.DictType)):
        return isinstance(value, dict)
    if isinstance(shape, (shapes.ListType, shapes.SetType, shapes.VarTupleType)):
        return isinstance(value, list)
    if isinstance(shape, shapes.BoolType):
        return isinstance(value, bool)
    if isinstance(shape, (shapes.IntType, shapes.CustomType, shapes.FloatType)):
        return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return isinstance(value, str)


def _meant(name: str, value: Iterable[str], known: set[str]) -> str:
    strangers = [each for each in value if each not in known]
    close = difflib.get_close_matches(name, strangers, 1)
    return f'; "{close[0]}" is not defined' if close else ""
