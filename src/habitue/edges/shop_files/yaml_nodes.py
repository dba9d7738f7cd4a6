"""YAML as exact values, each with the line it stands on.

The values of plain words follow the core schema of YAML 1.2: `true` and `false` are booleans, but
`yes`, `no` and `on` are texts; 012 is a text, so a code keeps its zeros; a moment is a text.
Numbers are exact decimals. Tags are refused, and so is a document that its aliases would blow up.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from habitue.model.errors import Fault, InvalidInput
from habitue.model.pointers import escape

NODES_MAX = 200_000
DEPTH_MAX = 100
_NUMBER_LENGTH_MAX = 50
_EXPONENT_MAX = 30

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


@dataclass(frozen=True)
class Document:
    """What a YAML text says; `lines` has the line, from 1, of every pointer in it."""

    value: Any
    lines: dict[str, int] = field(default_factory=dict)


def read_yaml(text: str) -> Document:
    """The one document of `text`. Raises `InvalidInput`, whose details name the line."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        raise _malformed(error.problem or "malformed", error.problem_mark) from None
    except yaml.YAMLError as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput(Fault("", "Not YAML", reason)) from None
    except RecursionError:
        raise InvalidInput(Fault("", "Not YAML", "it is nested too deeply")) from None
    if root is None:
        return Document(None)
    reader = _Reader()
    reader.measure(root, ())
    return Document(reader.value(root, ""), reader.lines)


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._sizes: dict[int, int] = {}

    def measure(self, node: yaml.Node, above: tuple[int, ...]) -> int:
        """How many nodes there are once aliases are written out."""
        if id(node) in above:
            raise _at(node, "an alias stands inside what it names")
        if len(above) > DEPTH_MAX:
            raise _at(node, f"it is nested deeper than {DEPTH_MAX} levels")
        size = self._sizes.get(id(node))
        if size is None:
            inside = (*above, id(node))
            size = 1 + sum(self.measure(child, inside) for child in _children(node))
            self._sizes[id(node)] = size
        if size > NODES_MAX:
            raise _at(node, f"it has more than {NODES_MAX} parts")
        return size

    def value(self, node: yaml.Node, pointer: str) -> Any:
        self.lines[pointer] = node.start_mark.line + 1
        if node.tag not in _TAGS:
            raise _at(node, f"the tag {node.tag[:80]} is not supported")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, f"{pointer}/{at}") for at, each in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, pointer: str) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _TAGS:
                raise _at(key, "a key is a plain word")
            if key.value in mapping:
                raise _at(key, f'the key "{key.value}" stands here twice')
            at = f"{pointer}/{escape(key.value)}"
            mapping[key.value] = self.value(value, at)
            self.lines[at] = key.start_mark.line + 1
        return mapping


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _at(node, "a text holds no NUL character and no half of a character")
    if getattr(node, "style", None):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and not _LEADING_ZERO.match(text):
        return _number(node)
    return text


def _number(node: yaml.Node) -> Decimal:
    text: str = node.value
    _, _, exponent = text.lower().partition("e")
    if len(text) > _NUMBER_LENGTH_MAX or abs(int(exponent or 0)) > _EXPONENT_MAX:
        raise _at(node, "the number is out of range")
    return Decimal(text)


def _at(node: yaml.Node, reason: str) -> InvalidInput:
    return _malformed(reason, node.start_mark)


def _malformed(reason: str, mark: yaml.Mark | None) -> InvalidInput:
    place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    return InvalidInput(Fault("", "Not YAML", f"{place}{reason}"))
