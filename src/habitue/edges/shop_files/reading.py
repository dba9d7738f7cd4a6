"""From files to what is wanted, and from faults back to files and lines.

Words: the *place* of something is the number of its file followed by its pointer in the file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from habitue.edges.http.explain import examine_value, first_fault
from habitue.edges.http.numbers import decode_special
from habitue.edges.shop_files.entries import (
    AdditionalCostEntry,
    ApplicationEntry,
    AttributeEntry,
    CampaignEntry,
    CouponEntry,
    CustomerEntry,
    FileEntry,
    LoyaltyProgramEntry,
)
from habitue.edges.shop_files.organisation import wanted_organisation
from habitue.edges.shop_files.rules import collected, ruleset_of
from habitue.edges.shop_files.yaml_nodes import Document, read_yaml
from habitue.edges.talon_one.management.additional_costs import additional_cost_fields
from habitue.edges.talon_one.management.applications import application_fields
from habitue.edges.talon_one.management.attributes import attribute_fields
from habitue.edges.talon_one.management.campaigns import campaign_fields
from habitue.edges.talon_one.management.coupon_wire import coupon_fields
from habitue.edges.talon_one.management.loyalty_programs import loyalty_program_fields
from habitue.edges.talon_one.management.shared import refuse_unsupported
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import BODY_BYTES_MAX
from habitue.usecases.apply import (
    WantedApplication,
    WantedAttribute,
    WantedCampaign,
    WantedCost,
    WantedCoupon,
    WantedCustomer,
    WantedLoyaltyProgram,
    WantedShop,
)

Made = TypeVar("Made")
_PLACE = re.compile(r"/(\d+)(.*)", re.DOTALL)
# Where the text notation stands in a file, by where its Talang stands in a ruleset.
_AS_TEXT = (("/condition", "/when"), ("/effects", "/then"))


@dataclass(frozen=True)
class ShopFiles:
    """The files of one run: what they want, and where everything in them stands."""

    wanted: WantedShop
    names: tuple[str, ...]
    documents: tuple[Document, ...]

    def told(self, fault: Fault) -> str:
        """A fault as a line of text: file, line, place and reason."""
        return told(fault, self.names, self.documents)


class FilesRefused(Exception):
    """The files cannot be read; `lines` say file, line, place and reason."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read_files(paths: Sequence[Path]) -> ShopFiles:
    """What the files want. Raises `FilesRefused` with everything that is wrong with them."""
    names, documents, faults = tuple(map(str, paths)), list[Document](), list[Fault]()
    wanted = WantedShop()
    for index, path in enumerate(paths):
        documents.append(Document(None))
        try:
            documents[index] = read_yaml(_text(path))
            wanted = _with(wanted, _decoded(documents[index].value), f"/{index}", faults)
        except InvalidInput as refusal:
            faults += (fault.under(f"/{index}") for fault in refusal.faults)
    if faults:
        raise FilesRefused([told(fault, names, documents) for fault in faults])
    return ShopFiles(wanted, names, tuple(documents))


def told(fault: Fault, names: Sequence[str], documents: Sequence[Document]) -> str:
    """A fault as a line of text: file, line, place and reason."""
    match = _PLACE.fullmatch(fault.pointer)
    if match is None:
        return fault.details
    file = int(match[1])
    pointer, line = _written(match[2], documents[file].lines)
    if not pointer:
        return f"{names[file]}: {fault.details}"
    return f"{names[file]}:{line}: {pointer}: {fault.details}"


def _written(pointer: str, lines: dict[str, int]) -> tuple[str, int]:
    """The place in the file that is nearest to `pointer`, and its line."""
    for talang, text in _AS_TEXT:
        if pointer not in lines and _is_text(pointer, text, talang, lines):
            pointer = pointer.replace(talang, text, 1)
    known = pointer
    while known and known not in lines:
        known = known.rpartition("/")[0]
    return (pointer if known == pointer.rpartition("/")[0] else known), lines.get(known, 1)


def _is_text(pointer: str, text: str, talang: str, lines: dict[str, int]) -> bool:
    rule, found, _ = pointer.partition(talang)
    return bool(found) and f"{rule}{text}" in lines


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(BODY_BYTES_MAX + 1)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise InvalidInput(Fault("", "Not readable", reason)) from None
    if len(content) > BODY_BYTES_MAX:
        raise InvalidInput(Fault("", "Too long", f"it is longer than {BODY_BYTES_MAX} bytes"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 text: byte {error.start} is wrong"
        raise InvalidInput(Fault("", "Not text", reason)) from None


def _decoded(value: Any) -> FileEntry:
    if value is None:
        return FileEntry()
    faults, repaired = examine_value(value, FileEntry)
    if faults:
        raise InvalidInput(*faults)
    try:
        return msgspec.convert(repaired, FileEntry, dec_hook=decode_special)
    except ValueError as error:
        raise InvalidInput(first_fault(error)) from None


def _with(before: WantedShop, file: FileEntry, at: str, faults: list[Fault]) -> WantedShop:
    def made(entries: Sequence[Any], make: Callable[[Any, str], Made], name: str) -> list[Made]:
        parts = [
            partial(_placed, make, entry, f"{at}/{name}/{index}")
            for index, entry in enumerate(entries)
        ]
        return collected(parts, faults)

    return WantedShop(
        (*before.attributes, *made(file.attributes, _attribute, "attributes")),
        (*before.additional_costs, *made(file.additional_costs, _cost, "additionalCosts")),
        (*before.applications, *made(file.applications, _application, "applications")),
        (*before.customers, *made(file.customers, _customer, "customers")),
        before.organisation.and_then(wanted_organisation(file, at)),
        (*before.loyalty_programs, *made(file.loyalty_programs, _program, "loyaltyPrograms")),
    )


def _placed(make: Callable[[Any, str], Made], entry: Any, at: str) -> Made:
    """What `make` makes of `entry`; pointers of faults that are not absolute yet become so."""
    try:
        return make(entry, at)
    except InvalidInput as refusal:
        raise InvalidInput(
            *(
                fault if fault.pointer.startswith(f"{at}/") else fault.under(at)
                for fault in refusal.faults
            )
        ) from None


def _attribute(entry: AttributeEntry, at: str) -> WantedAttribute:
    fields = attribute_fields(entry)
    names = None if entry.applications is None else tuple(entry.applications)
    return WantedAttribute(at, str(entry.entity), entry.name, fields, names)


def _cost(entry: AdditionalCostEntry, at: str) -> WantedCost:
    names = None if entry.applications is None else tuple(entry.applications)
    return WantedCost(at, entry.name, additional_cost_fields(entry), names)


def _program(entry: LoyaltyProgramEntry, at: str) -> WantedLoyaltyProgram:
    names = None if entry.applications is None else tuple(entry.applications)
    return WantedLoyaltyProgram(at, entry.name, loyalty_program_fields(entry), names)


def _application(entry: ApplicationEntry, at: str) -> WantedApplication:
    fields, faults = application_fields(entry), list[Fault]()
    parts = [
        partial(_placed, _campaign, campaign, f"{at}/campaigns/{index}")
        for index, campaign in enumerate(entry.campaigns)
    ]
    campaigns = collected(parts, faults)
    if faults:
        raise InvalidInput(*faults)
    return WantedApplication(at, entry.name, fields, tuple(campaigns))


def _campaign(entry: CampaignEntry, at: str) -> WantedCampaign:
    refuse_unsupported(entry, {"active_ruleset_id": ()})
    fields, rules = campaign_fields(entry), ruleset_of(entry)
    coupons = [
        _placed(_coupon, coupon, f"{at}/coupons/{index}")
        for index, coupon in enumerate(entry.coupons)
    ]
    return WantedCampaign(at, entry.name, fields, rules, tuple(coupons))


def _coupon(entry: CouponEntry, at: str) -> WantedCoupon:
    fields = coupon_fields(entry)
    if entry.recipient is not UNSET:
        fields = msgspec.structs.replace(fields, recipient_integration_id=entry.recipient)
    return WantedCoupon(at, entry.code, fields)


def _customer(entry: CustomerEntry, at: str) -> WantedCustomer:
    return WantedCustomer(at, entry.id, entry.attributes)
