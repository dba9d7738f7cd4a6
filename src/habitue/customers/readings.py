"""How single values of a person's fields are read: texts, names, flags, numbers, languages, zones.

Words: a reading *fails* for a reason, which the caller tells to whoever sent the value; it never
guesses. Texts are trimmed, and their runs of white space are one blank.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from habitue.model.instants import zone_of
from habitue.model.numbers import is_amount, shortest

Reason = Literal[
    "unknown",  # no such field
    "wrong_type",
    "bad_format",
    "bad_characters",
    "too_long",
    "too_many",
    "in_the_future",
    "too_long_ago",
    "out_of_range",
    "nothing_in_it",
]

#: contracts/capillary/SPEC.md section 2.3: what is longer is cut there.
NAME_LENGTH_MAX = 100
_BLANKS = re.compile(r"\s+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_TRUE = frozenset({"true", "1", "yes", "y", "on"})
_FALSE = frozenset({"false", "0", "no", "n", "off"})


class Failed(Exception):
    """A value cannot be read; `path` says which part of a structure it is."""

    def __init__(self, reason: Reason, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def under(self, step: str) -> "Failed":
        """The same failure, for a value that stands at `step` of a structure."""
        return Failed(self.reason, f"{step}/{self.path}" if self.path else step)


def read_text(raw: Any, length_max: int) -> str:
    """A text of at most `length_max` characters; numbers, which templates print, become texts."""
    text = _plain_text(raw)
    if len(text) > length_max:
        raise Failed("too_long")
    return text


def read_name(raw: Any) -> tuple[str, bool]:
    """A person's name, and whether it had to be cut.

    People are called what they are called: every printable character is taken.
    """
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    text = _plain_text(raw)
    return text[:NAME_LENGTH_MAX].rstrip(), len(text) > NAME_LENGTH_MAX


def read_flag(raw: Any) -> bool:
    """A yes or no, also as a text or as 1 and 0. Raises `Failed` for anything else."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | Decimal) and raw in (0, 1):
        return raw == 1
    if isinstance(raw, str):
        word = raw.strip().casefold()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise Failed("wrong_type")


def read_number(raw: Any) -> Decimal:
    """An exact number within the bounds of amounts, also from a text with a decimal point."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise Failed("wrong_type")
    try:
        number = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise Failed("bad_format") from None
    if not number.is_finite() or abs(number.adjusted()) > 30 or not is_amount(number):
        raise Failed("out_of_range")
    return shortest(number)


def read_language(raw: Any) -> str:
    """A language tag in its usual letters: `en_us` is `en-US`, `zh-hant` is `zh-Hant`."""
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    text = raw.strip()
    if _LANGUAGE.fullmatch(text) is None:
        raise Failed("bad_format")
    language, *rest = text.replace("_", "-").split("-")
    return "-".join([language.lower(), *map(_subtag, rest)])


def read_zone(raw: Any) -> str:
    """The name of an IANA time zone, as it is written there."""
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    text = raw.strip()
    if len(text) > 64 or zone_of(text) is None:
        raise Failed("bad_format")
    return text


def _plain_text(raw: Any) -> str:
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        raw = _digits(Decimal(raw))
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    text = _BLANKS.sub(" ", raw).strip()
    if _UNPRINTABLE.search(text) or _SURROGATE.search(text):
        raise Failed("bad_characters")
    return text


def _digits(number: Decimal) -> str:
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise Failed("out_of_range")
    return f"{number:f}"


def _subtag(text: str) -> str:
    if len(text) == 2:
        return text.upper()
    return text.title() if len(text) == 4 and text.isalpha() else text.lower()
