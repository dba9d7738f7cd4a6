"""Checks that several kinds of configuration share; each gives the faults that it finds."""

import re
from collections.abc import Collection, Iterable, Iterator

from habitue.loyalty.card import is_identifier
from habitue.loyalty.program import CardCodes
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    CARD_IDENTIFIER_LENGTH_MIN,
    COUPON_PATTERN_LENGTH_MAX,
    COUPON_PATTERN_LENGTH_MIN,
    DESCRIPTION_LENGTH_MAX,
    NAME_LENGTH_MAX,
    VALID_CHARACTERS_MAX,
)
from habitue.model.pointers import escape
from habitue.promotions.campaign import CodeSettings
from habitue.promotions.configuration import Configuration

_API_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_TITLE = re.compile(r"[A-Za-z][A-Za-z0-9_.!~*'() -]*")
_PATTERN = re.compile(r"[A-Za-z0-9._%+@#-]+")


def refuse_if_any(faults: Iterable[Fault]) -> None:
    """Raises `InvalidInput` with all `faults`, if there are any."""
    found = tuple(faults)
    if found:
        raise InvalidInput(*found)


def name_faults(name: str, pointer: str = "/name") -> Iterator[Fault]:
    """What is wrong with a name that people read."""
    if not name.strip():
        yield Fault(pointer, "Missing", "a name has at least one visible character")
    yield from text_faults(name, pointer, NAME_LENGTH_MAX)


def api_name_faults(name: str, title: str) -> Iterator[Fault]:
    """What is wrong with a name that requests use, and with the title beside it."""
    if _API_NAME.fullmatch(name) is None:
        details = "a name is a letter followed by letters, digits and underscores"
        yield Fault("/name", "Invalid name", details)
    if _TITLE.fullmatch(title) is None:
        details = "a title is a letter followed by letters, digits, spaces and _.!~*'()-"
        yield Fault("/title", "Invalid title", details)
    yield from text_faults(name, "/name", NAME_LENGTH_MAX)
    yield from text_faults(title, "/title", NAME_LENGTH_MAX)


def description_faults(description: str) -> Iterator[Fault]:
    """What is wrong with a description."""
    yield from text_faults(description, "/description", DESCRIPTION_LENGTH_MAX)


def text_faults(text: str, pointer: str, most: int) -> Iterator[Fault]:
    """What is wrong with a text, which has at most that many characters."""
    if len(text) > most:
        yield Fault(pointer, "Too long", f"at most {most} characters are accepted")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        yield Fault(pointer, "Invalid text", "a text holds no NUL and no half of a character")


def application_faults(
    ids: Iterable[int], configuration: Configuration, pointer: str
) -> Iterator[Fault]:
    """A fault for each of `ids` that is no application."""
    for index, id_ in enumerate(ids):
        if id_ not in configuration.applications:
            yield Fault(f"{pointer}/{index}", "Unknown", f"Application {id_} does not exist")


def mandatory_faults(
    names: Iterable[str], attributes: Collection[str], pointer: str
) -> Iterator[Fault]:
    """A fault for each of `names` that `attributes` lack."""
    for name in names:
        if name not in attributes:
            details = f'Attribute "{name}" is mandatory in this Application'
            yield Fault(f"{pointer}/{escape(name)}", "Missing", details)


def code_settings_faults(settings: CodeSettings | None, pointer: str) -> Iterator[Fault]:
    """What is wrong with the way codes are generated."""
    if settings is not None:
        yield from pattern_faults(settings.coupon_pattern, f"{pointer}/couponPattern")
        characters = settings.valid_characters
        yield from characters_faults(characters, f"{pointer}/validCharacters")


def card_code_faults(codes: CardCodes) -> Iterator[Fault]:
    """What is wrong with the way in which a program makes the identifiers of its cards."""
    pointer = "/cardCodeSettings"
    yield from pattern_faults(codes.pattern, f"{pointer}/couponPattern")
    yield from characters_faults(codes.valid_characters, f"{pointer}/validCharacters")
    if len(codes.pattern) < CARD_IDENTIFIER_LENGTH_MIN:
        details = f"an identifier has at least {CARD_IDENTIFIER_LENGTH_MIN} characters"
        yield Fault(f"{pointer}/couponPattern", "Invalid length", details)
    for index, character in enumerate(codes.valid_characters):
        if len(character) == 1 and not is_identifier(character):
            details = "an identifier is made of letters, digits and ._%+@-"
            yield Fault(f"{pointer}/validCharacters/{index}", "Invalid character", details)


def pattern_faults(pattern: str, pointer: str) -> Iterator[Fault]:
    """What is wrong with the pattern of a code."""
    if not COUPON_PATTERN_LENGTH_MIN <= len(pattern) <= COUPON_PATTERN_LENGTH_MAX:
        bounds = f"{COUPON_PATTERN_LENGTH_MIN} to {COUPON_PATTERN_LENGTH_MAX}"
        yield Fault(pointer, "Invalid length", f"a pattern has {bounds} characters")
    if pattern and _PATTERN.fullmatch(pattern) is None:
        details = "a pattern is made of letters, digits and ._%+@-, with # for a random character"
        yield Fault(pointer, "Invalid pattern", details)


def characters_faults(characters: tuple[str, ...], pointer: str) -> Iterator[Fault]:
    """What is wrong with the characters that stand for each `#` of a pattern."""
    if not characters:
        yield Fault(pointer, "Missing", "at least one character is needed")
    if len(characters) > VALID_CHARACTERS_MAX:
        details = f"at most {VALID_CHARACTERS_MAX} characters are accepted"
        yield Fault(pointer, "Too many", details)
    for index, character in enumerate(characters):
        if len(character) != 1 or not character.isprintable() or character.isspace():
            details = "each entry is one visible character"
            yield Fault(f"{pointer}/{index}", "Invalid character", details)
