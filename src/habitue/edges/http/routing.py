"""From a raw path to an operation.

Words: the *raw* path is the one that was sent, still percent-encoded. It is cut at its slashes
first and each parameter is decoded once afterwards, so "%2F" and "%25" may be parts of an id
(contracts/talon_one/SEMANTICS.md section 1.7).

Further slashes at the beginning are ignored, because a client configured with "https://host/"
sends "//v2/..."; so is one slash at the end. A fixed segment is preferred to a parameter. The cost
of a search depends on the path's length, not on how many operations exist.
"""

import re
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from habitue.model.errors import Fault, InvalidInput

Target = TypeVar("Target")

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Node(Generic[Target]):
    """A place in the tree of paths: what may follow, and what is to be found here by method."""

    __slots__ = ("first", "fixed", "parameter", "targets")

    def __init__(self) -> None:
        self.fixed: dict[bytes, Node[Target]] = {}
        self.parameter: Node[Target] | None = None
        self.targets: dict[str, tuple[Target, tuple[str, ...]]] = {}
        self.first: Target | None = None


class Found(NamedTuple, Generic[Target]):
    """A path that exists: its targets with their parameter names, by method, and the raw values."""

    targets: dict[str, tuple[Target, tuple[str, ...]]]
    values: tuple[bytes, ...]


class Routes(Generic[Target]):
    """All paths of an application."""

    def __init__(self) -> None:
        self._root: Node[Target] = Node()

    def add(self, method: str, template: str, target: Target) -> None:
        """File `target`. Raises ValueError where the place is taken."""
        node, names = self._root, []
        for segment in _segments(template.encode()):
            if segment.startswith(b"{"):
                names.append(segment[1:-1].partition(b":")[0].decode())
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, Node())
            node.first = node.first or target
        if method in node.targets:
            raise ValueError(f"{method} {template} is declared twice")
        node.targets[method] = (target, tuple(names))

    def find(self, raw_path: bytes) -> Found[Target] | None:
        """What stands at `raw_path`, or None."""
        return _descend(self._root, _segments(raw_path), 0, ())

    def nearest(self, raw_path: bytes) -> Target | None:
        """A target that shares the longest beginning with `raw_path`, or None."""
        node = self._root
        for segment in _segments(raw_path):
            following = node.fixed.get(segment)
            if following is None:
                break
            node = following
        return node.first


def decode_parameters(names: Iterable[str], values: Iterable[bytes]) -> dict[str, str]:
    """The values of a path's parameters, percent-decoded once. Raises InvalidInput."""
    return {name: _decoded(name, raw) for name, raw in zip(names, values, strict=True)}


def _segments(path: bytes) -> list[bytes]:
    return path.lstrip(b"/").removesuffix(b"/").split(b"/")


def _descend(
    node: Node[Target], segments: list[bytes], at: int, values: tuple[bytes, ...]
) -> Found[Target] | None:
    if at == len(segments):
        return Found(node.targets, values) if node.targets else None
    segment = segments[at]
    following = node.fixed.get(segment)
    if following is not None:
        found = _descend(following, segments, at + 1, values)
        if found is not None:
            return found
    if node.parameter is None or not segment:
        return None
    return _descend(node.parameter, segments, at + 1, (*values, segment))


def _decoded(name: str, raw: bytes) -> str:
    try:
        if b"%" not in raw:
            return raw.decode("utf-8")
        if _BAD_ESCAPE.search(raw) is None and b"%00" not in raw:
            return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        pass
    details = f"{name} is not valid percent-encoded UTF-8 text without NUL"
    raise InvalidInput(Fault("", "encoding", details, parameter=name))
