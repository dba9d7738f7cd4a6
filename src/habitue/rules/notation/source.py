"""The text of a rule as Python's syntax tree, with positions that people count in.

Words: a *place* is a line and a column, both from 1, in the text as it was given.

The text is put between parentheses on lines of their own, so that it may run over several lines. A
text that closes that parenthesis itself shows in its root starting before its own first line.
Invariant: no text makes this module raise anything but `InvalidInput`.
"""

import ast
import warnings
from dataclasses import dataclass

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import TEXT_LENGTH_MAX
from habitue.rules.parse import string_fault

_NEVER_CLOSED = "a parenthesis, bracket or quote is opened and never closed, or the other way round"
_TOO_NESTED = "the text is nested too deeply"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed text: its lines as Python saw them, and the root of its syntax tree."""

    lines: tuple[bytes, ...]
    root: ast.expr

    def place(self, node: ast.expr) -> str:
        """Where `node` starts, in words."""
        column = len(self.lines[node.lineno - 1][: node.col_offset].decode(errors="replace"))
        return f"line {node.lineno - 1}, column {column + 1}"

    def text(self, node: ast.expr) -> str:
        """The text of a `node` that stands on one line."""
        return self.lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode()


def parse_source(text: str, at: str) -> Source:
    """The syntax tree of `text`. Raises `InvalidInput` at `at`, saying line and column."""
    if len(text) > TEXT_LENGTH_MAX:
        raise _refused(at, f"a rule has at most {TEXT_LENGTH_MAX} characters")
    if string_fault(text, at):
        raise _refused(at, "the text holds U+0000 or half a surrogate pair")
    if not text.strip():
        raise _refused(at, "the text is empty")
    wrapped = f"(\n{text}\n)"
    root = _parsed(wrapped, at)
    if root.lineno == 1 and not isinstance(root, ast.Tuple | ast.GeneratorExp):
        raise _refused(at, _NEVER_CLOSED)
    lines = wrapped.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Source(tuple(line.encode() for line in lines), root)


def _parsed(wrapped: str, at: str) -> ast.expr:
    try:
        # A backslash that escapes nothing is a warning in Python; here it is refused.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(wrapped, mode="eval").body
    except SyntaxError as error:
        raise _refused(at, _in_words(error)) from None
    except (RecursionError, MemoryError):
        raise _refused(at, _TOO_NESTED) from None


def _in_words(error: SyntaxError) -> str:
    if "too many nested" in error.msg:
        return _TOO_NESTED
    if "escape sequence" in error.msg:
        return f'{_place(error)}a backslash escapes nothing; write "\\\\" for one, or r"..."'
    if "integer string conversion" in error.msg:
        return f"{_place(error)}a number of thousands of digits"
    if error.lineno is None or error.lineno < 2 or "unmatched" in error.msg:
        return _NEVER_CLOSED
    if "does not match" in error.msg:
        return f"{_place(error)}{_NEVER_CLOSED}"
    return f"{_place(error)}{error.msg}"


def _place(error: SyntaxError) -> str:
    if error.lineno is None or error.lineno < 2:
        return ""
    return f"line {error.lineno - 1}, column {max(error.offset or 1, 1)}: "


def _refused(at: str, details: str) -> InvalidInput:
    return InvalidInput(Fault(at, "Not a rule", details))
