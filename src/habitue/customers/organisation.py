"""What the shop says of itself to the customer card: sources, fields, labels, card series.

Words: a *source* is one of a fixed list (contracts/capillary/SPEC.md section 2.1); a *source
account* is one of several accounts that the shop has in a source. An *extended field* has a name
and a type that are controlled, a *custom field* is free text that the shop may bind to a pattern. A
*label* is the shop's own word for a status. All of it is configuration: values of one version.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from habitue.customers.card import CustomerStatus
from habitue.customers.settings import RegistrationSettings

FieldType = Literal[
    "STRING",
    "INTEGER",
    "DOUBLE",
    "DATETIME",
    "STANDARD_ENUM",
    "CUSTOM_ENUM",
    "COUNTRY",
    "CURRENCY",
    "LANGUAGE",
    "ORG_ENTITY",
    "ASSOCIATE_USER",
    "LIST",
]
CardMethod = Literal["DEFAULT", "LUHNALGO", "MOD7_ALGO", "RANDOM", "RANDOM_LUHN", "RANDOM_MOD7"]
CardTrigger = Literal["REGISTRATION", "SERIES_ID", "OU_ID"]
CardStatus = Literal["NOT_ISSUED", "ISSUED", "ACTIVE", "SUSPENDED", "EXPIRED", "DELETED"]

#: What a customer's label may stop (contracts/capillary/SPEC.md section 2).
BLOCKS = (
    "communications",
    "coupon_issue",
    "coupon_redemption",
    "loyalty_promotion_issue",
    "identifier_change_and_merge",
    "points_allocation",
    "points_redemption",
    "tier_upgrade",
    "transactions",
    "outlier_transactions",
)
#: The id of the one entry of settings.
SETTINGS_ID = 1


class SourceAccount(msgspec.Struct, frozen=True):
    """An account of the shop in a source that has several."""

    id: int
    source: str
    account_id: str
    name: str
    created: datetime
    active: bool = True
    settings: dict[str, Any] = {}


class Till(msgspec.Struct, frozen=True):
    """A till or a store: what registrations are attributed to. `code` is unique."""

    id: int
    code: str
    name: str
    created: datetime
    store_code: str = ""
    external_id: str = ""
    description: str = ""


class ExtendedField(msgspec.Struct, frozen=True):
    """A field with a controlled name and type.

    `options` are the values of an enumeration, or those that the elements of a list may have. The
    counts are how many elements a list has; zero is no bound, and so is a `length_max` of zero.
    """

    id: int
    name: str
    label: str
    type: FieldType
    created: datetime
    entity: str = "CUSTOMER"
    options: tuple[str, ...] = ()
    length_max: int = 0
    parent_id: int = 0
    element_type: Literal["TEXT", "INTEGER", "DECIMAL"] = "TEXT"
    count_min: int = 0
    count_max: int = 0


class CustomField(msgspec.Struct, frozen=True):
    """A free field of the shop; a value must match `regex` where there is one."""

    id: int
    name: str
    label: str
    created: datetime
    scope: str = "loyalty_registration"
    type: str = "text"
    regex: str = ""
    error: str = ""
    options: tuple[str, ...] = ()
    default_value: str = ""
    compulsory: bool = False
    disabled: bool = False
    updatable: bool = True
    personal: bool = False


class StatusLabel(msgspec.Struct, frozen=True):
    """The shop's own word for a status of a customer; `blocks` says which of `BLOCKS` it stops."""

    id: int
    label: str
    status: CustomerStatus
    created: datetime
    is_default: bool = False
    blocks: tuple[str, ...] = ()


class CardLabel(msgspec.Struct, frozen=True):
    """The shop's own word for a status of a loyalty card."""

    id: int
    label: str
    status: CardStatus
    created: datetime
    is_default: bool = False


class CardSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A series of loyalty cards: how numbers are made, when they expire, who gets one."""

    id: int
    code: str
    name: str
    type: Literal["PHYSICAL", "DIGITAL"]
    created: datetime
    active: bool = True
    expires: bool = False
    expiry_days: int = 0
    generates: bool = False
    prefix: str = ""
    suffix: str = ""
    offset: int = 0
    length: int = 16
    method: CardMethod = "DEFAULT"
    trigger: CardTrigger = "SERIES_ID"
    concept_code: str = ""
    active_cards_max: int = 1


class SettingsEntry(msgspec.Struct, frozen=True):
    """The rules of registration as an entry beside the others; there is one."""

    id: int = SETTINGS_ID
    settings: RegistrationSettings = RegistrationSettings()


class Organisation(msgspec.Struct, frozen=True, dict=True):
    """All of it, by id, and the rules of registration; and by name what requests name."""

    source_accounts: Mapping[int, SourceAccount] = MappingProxyType({})
    tills: Mapping[int, Till] = MappingProxyType({})
    extended_fields: Mapping[int, ExtendedField] = MappingProxyType({})
    custom_fields: Mapping[int, CustomField] = MappingProxyType({})
    status_labels: Mapping[int, StatusLabel] = MappingProxyType({})
    card_labels: Mapping[int, CardLabel] = MappingProxyType({})
    card_series: Mapping[int, CardSeries] = MappingProxyType({})
    settings: RegistrationSettings = RegistrationSettings()

    @cached_property
    def source_account_at(self) -> Mapping[tuple[str, str], SourceAccount]:
        """Source accounts by source and account id."""
        return {(each.source, each.account_id): each for each in self.source_accounts.values()}

    @cached_property
    def till_of(self) -> Mapping[str, Till]:
        """Tills by code."""
        return {each.code: each for each in self.tills.values()}

    @cached_property
    def extended_field_of(self) -> Mapping[tuple[str, str], ExtendedField]:
        """Extended fields by entity and name."""
        return {(each.entity, each.name): each for each in self.extended_fields.values()}

    @cached_property
    def custom_field_of(self) -> Mapping[tuple[str, str], CustomField]:
        """Custom fields by scope and name."""
        return {(each.scope, each.name): each for each in self.custom_fields.values()}

    @cached_property
    def status_label_of(self) -> Mapping[str, StatusLabel]:
        """Labels of customers by themselves, in whatever case (`folded`)."""
        return {folded(each.label): each for each in self.status_labels.values()}

    @cached_property
    def card_label_of(self) -> Mapping[str, CardLabel]:
        """Labels of cards by themselves, in whatever case (`folded`)."""
        return {folded(each.label): each for each in self.card_labels.values()}

    @cached_property
    def card_series_of(self) -> Mapping[str, CardSeries]:
        """Card series by code."""
        return {each.code: each for each in self.card_series.values()}

    def default_status_label(self, status: CustomerStatus) -> StatusLabel | None:
        """The label that stands for a customer's status where none is named."""
        labels = self.status_labels.values()
        return next((each for each in labels if each.is_default and each.status == status), None)

    def default_card_label(self, status: CardStatus) -> CardLabel | None:
        """The label that stands for a card's status where none is named."""
        labels = self.card_labels.values()
        return next((each for each in labels if each.is_default and each.status == status), None)


def folded(label: str) -> str:
    """The form in which labels are compared: without case, and without spaces around them."""
    return label.strip().casefold()
