"""Words that host functions share: parameters, and values in the form in which JSON holds them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.rules.frame import RuleFailed
from habitue.rules.types import BOOLEAN, STRING, Type, list_of, record

NAME: tuple[str, Type] = ("name", STRING)
SCOPE: tuple[str, Type] = ("scope", STRING)
PARTIAL: tuple[str, Type] = ("partial", BOOLEAN)
ITEMS = list_of(record("Item"))


def plain(value: Any) -> Any:
    """A value of the rule language as JSON holds it: times become RFC 3339 text in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if value is None or isinstance(value, (str, bool, Decimal)):
        return value
    raise RuleFailed("this value has no JSON form")
