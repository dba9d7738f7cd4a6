"""When a person was born: birthdays, ages, and how old that makes somebody on a day.

Words: an *estimate* is the span of days on which somebody must have been born who told an age and
no birthday. An age is always derived for a given day and never kept.
"""

import re
from datetime import date, timedelta
from typing import Any

import msgspec

from habitue.customers.readings import Failed, read_number

YEAR_MIN = 1900
AGE_YEARS_MAX = 120
_TIME = r"(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|[+-]\d\d:?\d\d)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-./])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII | re.I)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([-.])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII | re.I)
#: What databases print for a date that is not known.
_NO_DATE = re.compile(r"0{4}-0{1,2}-0{1,2}.*", re.ASCII | re.S)


class BirthEstimate(msgspec.Struct, frozen=True):
    """Born on one of these days, both included."""

    earliest: date
    latest: date

    @property
    def middle(self) -> date:
        """The day in the middle of the span, the later one of two."""
        return self.latest - (self.latest - self.earliest) // 2


def read_birthday(raw: Any, today: date) -> date:
    """A day of birth, as YYYY-MM-DD, DD.MM.YYYY or DD-MM-YYYY, a time of day behind it or not.

    Numbers with slashes are read with the year in front only: elsewhere nobody can say which of
    them is the month. Raises `Failed`.
    """
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    text = raw.strip()
    if _NO_DATE.fullmatch(text):
        raise Failed("nothing_in_it")
    born = _date_in(text)
    if born > today:
        raise Failed("in_the_future")
    if born.year < YEAR_MIN:
        raise Failed("too_long_ago")
    return born


def estimate_of_age(raw: Any, today: date) -> BirthEstimate:
    """When somebody was born who is `raw` full years old on `today`.

    An estimate that was made before is taken as it is.
    """
    if isinstance(raw, dict):
        return _estimate_again(raw, today)
    years = read_number(raw)
    if years != years.to_integral_value() or not 0 <= years <= AGE_YEARS_MAX:
        raise Failed("out_of_range")
    count = int(years)
    if today.year - count - 1 < YEAR_MIN:
        raise Failed("too_long_ago")
    return BirthEstimate(
        _years_before(today, count + 1) + timedelta(days=1), _years_before(today, count)
    )


def age_years(birth: date | BirthEstimate, today: date) -> int:
    """Full years of age on `today`; of an estimate the likeliest. 0 before the day of birth.

    Whoever was born on 29 February has another year on 1 March of a year without that day.
    """
    born = birth.middle if isinstance(birth, BirthEstimate) else birth
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return max(0, today.year - born.year - (0 if had_birthday else 1))


def _date_in(text: str) -> date:
    if match := _YEAR_FIRST.fullmatch(text):
        year, _, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, _, month, year = match.groups()
    else:
        raise Failed("bad_format")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Failed("bad_format") from None


def _estimate_again(raw: dict[str, Any], today: date) -> BirthEstimate:
    try:
        estimate = msgspec.convert(raw, BirthEstimate)
    except msgspec.ValidationError:
        raise Failed("wrong_type") from None
    if not date(YEAR_MIN, 1, 1) <= estimate.earliest <= estimate.latest <= today:
        raise Failed("out_of_range")
    return estimate


def _years_before(day: date, years: int) -> date:
    """The last day on which somebody can be born who is `years` full years old on `day`."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)
