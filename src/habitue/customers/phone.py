"""Phone numbers: how they are read, and what they are compared by.

A number's *normal form* is "+", the country code and the rest, digits only. It is found by a rule
of text (contracts/tracker/SPEC.md section 4), never by a numbering plan: a plan misreads bare
foreign numbers, and the form would move with every release of it. What a plan thinks of the number
is the *opinion*, kept beside the form for reports. A *region* says how people of that country leave
out or spell the country code; numbers of other regions hold it already.

Invariants: reading a normal form gives that normal form again, in every region that gave it; no
value makes reading fail.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

import msgspec
import phonenumbers

from habitue.model.limits import PHONE_DIGITS_MAX, PHONE_DIGITS_MIN, PHONE_LENGTH_MAX

Opinion = Literal["valid", "possible", "unknown"]
PhoneReason = Literal["empty", "not_text", "bad_characters", "country_code", "length", "filler"]

#: One plus in front, digits, separators, and one pair of brackets at most.
_WRITTEN = re.compile(r"(?:tel: *)?(\+?[0-9 .\-/]*(?:\([0-9 .\-/]*\)[0-9 .\-/]*)?)", re.I)
_SEPARATORS = str.maketrans("", "", " .-/()")


class Phone(msgspec.Struct, frozen=True):
    """A number that could be read."""

    normal_form: str

    @property
    def opinion(self) -> Opinion:
        """What the numbering plans say: assigned, of a possible length, or neither. About 25
        microseconds; it never changes what the number is compared by."""
        try:
            number = phonenumbers.parse(self.normal_form, None)
        except phonenumbers.NumberParseException:
            return "unknown"
        if phonenumbers.is_valid_number(number):
            return "valid"
        return "possible" if phonenumbers.is_possible_number(number) else "unknown"


class NoPhone(msgspec.Struct, frozen=True):
    """Why a value is no phone number.

    `bad_characters`: letters, extensions, two numbers, masks, or more than `PHONE_LENGTH_MAX`
    characters. `country_code`: it begins with a zero. `filler`: one digit over and over.
    """

    reason: PhoneReason


class _Region(NamedTuple):
    """The habits of a region, each for numbers without a plus; 0 and "" stand for no such habit.

    `exit_code` before at least `exit_digits_min` digits in all leads to a number with a country
    code. A number of `trunk_digits` beginning with `trunk` has it instead of the country code. A
    number of `bare_digits` beginning with one of `bare_first` lacks the country code.
    `unassigned` is what people write who put a plus before the trunk; no country has that code.
    """

    country_code: str
    exit_code: str = ""
    exit_digits_min: int = 0
    trunk: str = ""
    trunk_digits: int = 0
    unassigned: str = ""
    bare_digits: int = 0
    bare_first: str = ""


_KAZAKHSTAN = _Region(
    country_code="7",
    exit_code="810",
    exit_digits_min=13,
    trunk="8",
    trunk_digits=11,
    unassigned="89",
)
#: Russia and Kazakhstan: contracts/tracker/SPEC.md section 4; India: contracts/capillary/SPEC.md
#: section 2.3.
_REGIONS = {
    "RU": _KAZAKHSTAN._replace(bare_digits=10, bare_first="9"),
    "KZ": _KAZAKHSTAN,
    "IN": _Region(country_code="91", bare_digits=10, bare_first="6789"),
}
_ANY_REGION = _Region(country_code="")


def read_phone(value: object, region: str) -> Phone | NoPhone:
    """Read a number as people of `region` write it ("" or an unknown region: with the country
    code). Text and whole numbers can be read."""
    text = _text(value)
    if isinstance(text, NoPhone):
        return text
    written = _WRITTEN.fullmatch(_unified(text))
    if written is None:
        return NoPhone("bad_characters")
    number = written[1].translate(_SEPARATORS)
    digits = _with_country_code(number, _REGIONS.get(region.upper(), _ANY_REGION))
    reason = _fault(digits)
    return Phone("+" + digits) if reason is None else NoPhone(reason)


def _text(value: object) -> str | NoPhone:
    if isinstance(value, int) and not isinstance(value, bool):
        # A very large number cannot be spelled at all.
        return str(value) if 0 <= value < 10**PHONE_LENGTH_MAX else NoPhone("bad_characters")
    if not isinstance(value, str):
        return NoPhone("not_text")
    text = value.strip()
    if not text:
        return NoPhone("empty")
    return text if len(text) <= PHONE_LENGTH_MAX else NoPhone("bad_characters")


def _unified(text: str) -> str:
    """Digits of any script as ASCII digits, dashes and spaces as one, invisible marks left out."""
    if text.isascii():
        return text.replace("\t", " ")
    return "".join(map(_unified_character, unicodedata.normalize("NFKC", text))).strip()


def _unified_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Zs" or character == "\t":
        return " "
    # The minus sign is mathematics to Unicode, and a dash to who types it.
    return "-" if category == "Pd" or character == "\N{MINUS SIGN}" else character


def _with_country_code(number: str, region: _Region) -> str:
    digits = number[1:] if number.startswith("+") else _as_dialled(number, region)
    # Whatever way it came here: the normal form is read again with its plus.
    is_misspelled = region.unassigned and digits.startswith(region.unassigned)
    if is_misspelled and len(digits) == region.trunk_digits:
        return region.country_code + digits.removeprefix(region.trunk)
    return digits


def _as_dialled(digits: str, region: _Region) -> str:
    """The digits with their country code, where none were marked with a plus."""
    if digits.startswith("00"):
        return digits[2:]
    leaves = region.exit_code and digits.startswith(region.exit_code)
    if leaves and len(digits) >= region.exit_digits_min:
        return digits.removeprefix(region.exit_code)
    if len(digits) == region.trunk_digits and digits.startswith(region.trunk):
        return region.country_code + digits.removeprefix(region.trunk)
    if len(digits) == region.bare_digits and digits.startswith(tuple(region.bare_first)):
        return region.country_code + digits
    return digits


def _fault(digits: str) -> PhoneReason | None:
    if not PHONE_DIGITS_MIN <= len(digits) <= PHONE_DIGITS_MAX:
        return "length"
    if digits.startswith("0"):
        return "country_code"
    # Country code 7 has numbers of one length only.
    if digits.startswith("7") and len(digits) != 11:
        return "length"
    return "filler" if len(set(digits[1:])) == 1 else None
