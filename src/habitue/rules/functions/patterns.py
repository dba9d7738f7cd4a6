"""Regular expressions that match in linear time, through RE2.

RE2 has neither look-around nor back-references, which is what makes the promise possible. Matching
is cheap and compiling is not, so compiled expressions are kept: the most recently used ones, each
of bounded memory. An expression that a rule makes at evaluation is charged as if it were compiled
each time; a literal is not, and the compiler sees to it that one rule has few of them. What an
evaluation costs therefore does not depend on what happens to be kept.
"""

from functools import lru_cache
from typing import Protocol

import re2

from habitue.rules.frame import Frame, RuleFailed

#: Memory of one compiled pattern, and how many are kept: at most 16 MiB in all.
PATTERN_BYTES_MAX = 64 * 1024
PATTERNS_KEPT = 256
PATTERN_LENGTH_MAX = 1_000
#: Literal expressions in one rule that are matched without being charged for compilation.
LITERALS_MAX = 16
#: What compiling is charged: so many steps, and so many for each character.
COMPILATION_STEPS = 1_000
COMPILATION_STEPS_PER_CHARACTER = 20
#: Characters times instructions of the pattern that one step of the budget pays for; RE2 may visit
#: every instruction for every character, though it seldom does.
VISITS_PER_STEP = 64


class Pattern(Protocol):
    """The part of a compiled expression that we use."""

    programsize: int

    def search(self, text: str) -> object | None:
        """The first match in `text`, or None."""


def compiled_pattern(expression: str) -> Pattern:
    """`expression`, compiled. Raises `RuleFailed` where RE2 does not accept it."""
    pattern = _compiled(expression)
    if isinstance(pattern, str):
        raise RuleFailed(f"the regular expression is not valid: {pattern}")
    return pattern


@lru_cache(maxsize=PATTERNS_KEPT)
def _compiled(expression: str) -> Pattern | str:
    """The compiled expression, or why there is none; refusals are kept like all else."""
    if len(expression) > PATTERN_LENGTH_MAX:
        return f"it is longer than {PATTERN_LENGTH_MAX} characters"
    options = re2.Options()
    options.max_mem = PATTERN_BYTES_MAX
    options.log_errors = False
    options.never_capture = True
    try:
        pattern: Pattern = re2.compile(expression, options)
    except re2.error as failure:
        reason = failure.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    except UnicodeError:
        return "it is not valid Unicode"
    return pattern


def matches(frame: Frame, expression: str, *texts: str) -> bool:
    """Whether `expression` is found somewhere in each of `texts`."""
    frame.charge(COMPILATION_STEPS + COMPILATION_STEPS_PER_CHARACTER * len(expression))
    return matches_literal(frame, expression, *texts)


def matches_literal(frame: Frame, expression: str, *texts: str) -> bool:
    """As `matches`, for one of few expressions that are the same in every evaluation."""
    pattern = compiled_pattern(expression)
    frame.charge(1 + sum(map(len, texts)) * pattern.programsize // VISITS_PER_STEP)
    try:
        return all(pattern.search(text) is not None for text in texts)
    except UnicodeError as failure:
        raise RuleFailed("the text is not valid Unicode") from failure
