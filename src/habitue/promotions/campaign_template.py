"""Campaign templates: what campaigns that are made alike begin with, and what differs in each.

Words: a *parameter* is a value that whoever makes a campaign gives; rules read it by its name, as
a binding of the type `templateParameter` (contracts/talon_one/TALANG.md section 2). A *draft* makes
no campaigns, nor does a disabled template.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.errors import Fault
from habitue.model.instants import parse_instant
from habitue.model.numbers import is_amount
from habitue.promotions.campaign import CampaignType, CodeSettings, Feature, Limit

TemplateState = Literal["draft", "enabled", "disabled"]
ParameterType = Literal[
    "string", "number", "boolean", "percent", "(list string)", "(list number)", "time"
]
PARAMETER_BINDING = "templateParameter"
_PERCENT_MAX = 100
_NAME = re.compile(r"[A-Za-z][\w ]*", re.ASCII)


class Parameter(msgspec.Struct, frozen=True):
    """A value that is still to be given."""

    name: str
    type: ParameterType
    description: str
    attribute_id: int | None = None


class TemplateCollection(msgspec.Struct, frozen=True):
    """A collection that each campaign gets for itself, empty."""

    name: str
    description: str = ""


class CampaignTemplate(msgspec.Struct, frozen=True):
    """A template for campaigns of some applications. `document` are its rules as JSON."""

    id: int
    name: str
    created: datetime
    updated: datetime
    ruleset_id: int
    document: dict[str, Any]
    state: TemplateState = "draft"
    description: str = ""
    instructions: str = ""
    campaign_attributes: Attributes = {}
    coupon_attributes: Attributes = {}
    tags: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    coupon_settings: CodeSettings | None = None
    referral_settings: CodeSettings | None = None
    limits: tuple[Limit, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    application_ids: tuple[int, ...] = ()
    collections: tuple[TemplateCollection, ...] = ()
    campaign_type: CampaignType = "advanced"
    reevaluate_on_return: bool = False

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return self.name


def parameter_faults(parameters: Iterable[Parameter]) -> Iterator[Fault]:
    """What is wrong with the parameters of a template."""
    seen: set[str] = set()
    for index, each in enumerate(parameters):
        if _NAME.fullmatch(each.name) is None:
            details = "a name is a letter followed by letters, digits, spaces and underscores"
            yield Fault(f"/templateParams/{index}/name", "Invalid name", details)
        if each.name in seen:
            yield Fault(f"/templateParams/{index}/name", "Duplicate", "a parameter is named twice")
        seen.add(each.name)


def value_faults(
    parameters: Iterable[Parameter], given: Sequence[tuple[str, list[Any]]]
) -> Iterator[Fault]:
    """What is wrong with the values that are given for all parameters, by their names, each as a
    list: of the one value, or of the elements of a list."""
    known = {each.name: each for each in parameters}
    seen: set[str] = set()
    for index, (name, value) in enumerate(given):
        if name in seen:
            details = f"parameter {name[:80]} has two values"
            yield Fault(f"/templateParamValues/{index}/name", "Duplicate", details)
        elif name not in known:
            details = f"the template has no parameter {name[:80]!r}"
            yield Fault(f"/templateParamValues/{index}/name", "Unknown", details)
        elif not _fits(known[name].type, value):
            details = f"{name} is of type {known[name].type}"
            yield Fault(f"/templateParamValues/{index}/expression", "Wrong type", details)
        seen.add(name)
    for name in sorted(known.keys() - seen):
        yield Fault("/templateParamValues", "Missing", f"parameter {name} has no value")


def filled_in(
    document: Mapping[str, Any], parameters: Iterable[Parameter], values: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """The rules with the values, as bindings that come before all others."""
    given = [
        {
            "name": each.name,
            "type": PARAMETER_BINDING,
            "expression": _expression(each.type, values[each.name]),
            "description": each.description,
        }
        for each in parameters
    ]
    names = {each["name"] for each in given}
    kept = [each for each in document.get("bindings", ()) if each["name"] not in names]
    return {**document, "bindings": [*given, *kept]}


def placeholders(parameters: Iterable[Parameter]) -> dict[str, list[Any]]:
    """A value of the right type for each parameter, by which rules are checked before there are
    values."""
    return {each.name: _PLACEHOLDERS[each.type] for each in parameters}


_PLACEHOLDERS: Mapping[str, list[Any]] = {
    "string": ["a"],
    "number": [Decimal(1)],
    "percent": [Decimal(1)],
    "boolean": [True],
    "(list string)": ["a"],
    "(list number)": [Decimal(1)],
    "time": ["2026-01-01T00:00:00Z"],
}


def _expression(kind: ParameterType, value: list[Any]) -> Any:
    if kind in ("(list string)", "(list number)"):
        return ["list", *value]
    if kind == "time":
        return ["parseTime", value[0]]
    return value[0]


def _fits(kind: ParameterType, value: list[Any]) -> bool:
    if kind == "(list string)":
        return all(isinstance(each, str) for each in value)
    if kind == "(list number)":
        return all(map(_is_number, value))
    if len(value) != 1:
        return False
    (only,) = value
    match kind:
        case "string":
            return isinstance(only, str)
        case "boolean":
            return isinstance(only, bool)
        case "number":
            return _is_number(only)
        case "percent":
            return _is_number(only) and 0 <= only <= _PERCENT_MAX
        case _:
            return isinstance(only, str) and parse_instant(only) is not None


def _is_number(value: object) -> bool:
    return type(value) in (int, Decimal) and is_amount(Decimal(str(value)))
