"""The patterns that a shop binds its custom fields to, matched in linear time through RE2.

A pattern must match the whole value, as patterns of form fields do. RE2 has neither look-around nor
back-references: a pattern with either is refused when the field is defined. Compiled patterns are
kept, the most recently used ones, each of bounded memory.
"""

from functools import lru_cache
from typing import Any

import re2

PATTERN_LENGTH_MAX = 1_000
PATTERN_BYTES_MAX = 64 * 1024
PATTERNS_KEPT = 128


def pattern_flaw(expression: str) -> str:
    """Why `expression` is not accepted as a pattern; empty where it is."""
    compiled = _compiled(expression)
    return compiled if isinstance(compiled, str) else ""


def whole_matches(expression: str, text: str) -> bool:
    """Whether all of `text` matches; nothing matches a pattern that is not accepted."""
    compiled = _compiled(expression)
    try:
        return not isinstance(compiled, str) and compiled.fullmatch(text) is not None
    except UnicodeError:
        return False


@lru_cache(maxsize=PATTERNS_KEPT)
def _compiled(expression: str) -> Any:
    """The compiled pattern, or a text that says why there is none."""
    if len(expression) > PATTERN_LENGTH_MAX:
        return f"it is longer than {PATTERN_LENGTH_MAX} characters"
    options = re2.Options()
    options.max_mem = PATTERN_BYTES_MAX
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(expression, options)
    except re2.error as failure:
        reason = failure.args[0]
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    except UnicodeError:
        return "it is not valid Unicode"
