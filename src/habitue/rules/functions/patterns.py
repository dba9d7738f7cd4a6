"""Regular expressions that match in linear time, through RE2.

RE2 has neither look-around nor back-references, which is what makes the promise possible. The cache
holds the most recently used patterns; the memory of each is bounded, and so is that of the cache.
"""

from functools import lru_cache
from typing import Protocol

import re2

from habitue.rules.frame import Frame, RuleFailed

#: Memory of one compiled pattern, and how many are kept: at most 64 MiB in all.
PATTERN_BYTES_MAX = 256 * 1024
PATTERNS_KEPT = 256
PATTERN_LENGTH_MAX = 1_000
#: Characters times instructions of the pattern that one step of the budget pays for; RE2 may visit
#: every instruction for every character, though it seldom does.
VISITS_PER_STEP = 128


class Pattern(Protocol):
    """The part of a compiled expression that we use."""

    programsize: int

    def search(self, text: str) -> object | None:
        """The first match in `text`, or None."""


@lru_cache(maxsize=PATTERNS_KEPT)
def compiled_pattern(expression: str) -> Pattern:
    """`expression`, compiled. Raises `RuleFailed` where RE2 does not accept it."""
    if len(expression) > PATTERN_LENGTH_MAX:
        raise RuleFailed(f"a regular expression may have {PATTERN_LENGTH_MAX} characters")
    options = re2.Options()
    options.max_mem = PATTERN_BYTES_MAX
    options.log_errors = False
    options.never_capture = True
    try:
        pattern: Pattern = re2.compile(expression, options)
    except (re2.error, UnicodeError) as failure:
        raise RuleFailed(f"the regular expression is not valid: {failure}") from failure
    return pattern


def matches(frame: Frame, expression: str, *texts: str) -> bool:
    """Whether `expression` is found somewhere in each of `texts`."""
    pattern = compiled_pattern(expression)
    frame.charge(1 + sum(map(len, texts)) * pattern.programsize // VISITS_PER_STEP)
    try:
        return all(pattern.search(text) is not None for text in texts)
    except UnicodeError as failure:
        raise RuleFailed("the text is not valid Unicode") from failure
