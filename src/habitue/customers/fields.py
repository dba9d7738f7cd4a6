"""The extended and custom fields that a source tells, checked against what the shop has defined.

Words: an *extended field* is one of a controlled name and type, a *custom field* one of free text
(`customers.organisation`). A value that a field does not take is left out with a notice, and the
rest is kept: a till that misspells a city still registers its customer
(contracts/capillary/SPEC.md sections 3.1, 3.4 and 9.1).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from habitue.customers.card import Told
from habitue.customers.field_patterns import whole_matches
from habitue.customers.field_values import as_text, is_text, read_value
from habitue.customers.notices import Notice
from habitue.customers.organisation import CustomField, Organisation
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import ATTRIBUTE_STRING_LENGTH_MAX, ATTRIBUTES_MAX, NAME_LENGTH_MAX
from habitue.model.pointers import escape

#: What clients write where they have nothing to say.
EMPTY_VALUES = (None, "", "null", "NULL")


def read_extended_fields(
    raw: Mapping[str, Any],
    organisation: Organisation,
    at: datetime,
    *,
    entity: str = "CUSTOMER",
    pointer: str = "/extendedFields",
) -> tuple[dict[str, Told], tuple[Notice, ...]]:
    """The fields of that entity that were told, each in the form in which it is kept.

    Where the shop refuses empty values they are left out silently; otherwise an empty value is told
    as None. Raises `InvalidInput` for more fields than anybody has.
    """
    _refuse_too_many(raw, pointer)
    told: dict[str, Told] = {}
    notices: list[Notice] = []
    for name, value in raw.items():
        field = organisation.extended_field_of.get((entity, name))
        if _is_empty(value):
            if field is not None and not organisation.settings.empty_extended_fields_refused:
                told[name] = Told(None, at)
            continue
        kept = None if field is None else read_value(field, value)
        if kept is None:
            notices.append(_notice("extended_field_invalid", name, pointer))
        else:
            told[name] = Told(kept, at)
    return told, tuple(notices)


def read_custom_fields(
    raw: Mapping[str, Any],
    scope: str,
    organisation: Organisation,
    at: datetime,
    *,
    pointer: str = "/fields",
) -> tuple[dict[str, Told], tuple[Notice, ...]]:
    """The custom fields that were told, as texts; those that the shop did not define are kept too.

    An empty value is an empty text. Raises `InvalidInput` for more fields than anybody has.
    """
    _refuse_too_many(raw, pointer)
    told: dict[str, Told] = {}
    notices: list[Notice] = []
    for name, value in raw.items():
        text = _custom_text(organisation.custom_field_of.get((scope, name)), name, value)
        if text is None:
            notices.append(_notice("custom_field_invalid", name, pointer))
        else:
            told[name] = Told(text, at)
    return told, tuple(notices)


def _custom_text(field: CustomField | None, name: str, value: Any) -> str | None:
    text = "" if value is None else as_text(value)
    if text is None or len(text) > ATTRIBUTE_STRING_LENGTH_MAX:
        return None
    if not name.strip() or len(name) > NAME_LENGTH_MAX or not is_text(name):
        return None
    if field is None:
        return text
    fits = not text or not field.regex or whole_matches(field.regex, text)
    return text if fits and not field.disabled else None


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in EMPTY_VALUES)


def _refuse_too_many(raw: Mapping[str, Any], pointer: str) -> None:
    if len(raw) > ATTRIBUTES_MAX:
        details = f"at most {ATTRIBUTES_MAX} fields are accepted"
        raise InvalidInput(Fault(pointer, "Too many", details))


def _notice(kind: Any, name: str, pointer: str) -> Notice:
    return Notice(kind, name[:NAME_LENGTH_MAX], f"{pointer}/{escape(name[:NAME_LENGTH_MAX])}")
