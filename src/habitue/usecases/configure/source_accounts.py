"""Source accounts: the accounts that the shop has in a source, such as two apps.

Which source and which account stay as they are: registrations refer to them
(contracts/capillary/SPEC.md sections 2.1 and 9.1).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import Organisation, SourceAccount
from habitue.customers.sources import INSTORE, SOURCES
from habitue.model.errors import Fault
from habitue.model.limits import ATTRIBUTES_MAX, NAME_LENGTH_MAX
from habitue.usecases.configure.checks import refuse_if_any, text_faults
from habitue.usecases.configure.entries import (
    change_entry,
    create_entry,
    fixed_faults,
    found,
    refuse_taken,
    required_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.shop import Shop

_FIXED = {"source": "/source", "account_id": "/accountId"}


class SourceAccountFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a source account; without a name it is called by its id."""

    source: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType | None = UNSET


async def create_source_account(
    shop: Shop, fields: SourceAccountFields, now: datetime
) -> SourceAccount:
    """The new account. Raises `InvalidInput`, or `EntryExists`."""

    def make(organisation: Organisation, id_: int) -> SourceAccount:
        return new_source_account(organisation, id_, fields, now)

    return await create_entry(shop, "source_account", make)


async def update_source_account(
    shop: Shop, account_id: int, fields: SourceAccountFields
) -> SourceAccount:
    """The account as changed. Raises `NotFound` or `InvalidInput`."""

    def find(organisation: Organisation) -> SourceAccount:
        return found("Source account", account_id, organisation.source_accounts)

    def change(organisation: Organisation, old: SourceAccount) -> SourceAccount:
        return changed_source_account(organisation, old, fields)

    return await change_entry(shop, find, change)


def new_source_account(
    organisation: Organisation, id_: int, fields: SourceAccountFields, now: datetime
) -> SourceAccount:
    """The account that `fields` describe. Raises `InvalidInput`, or `EntryExists`."""
    account = _laid_over(SourceAccount(id_, "", "", "", now), fields)
    refuse_if_any(_faults(account))
    taken = (account.source, account.account_id) in organisation.source_account_at
    refuse_taken("Source account", f"{account.source}:{account.account_id}", taken)
    return account


def changed_source_account(
    organisation: Organisation, old: SourceAccount, fields: SourceAccountFields
) -> SourceAccount:
    """`old` with `fields` laid over it. Raises `InvalidInput`."""
    account = _laid_over(old, fields)
    refuse_if_any([*_faults(account), *fixed_faults(old, account, _FIXED)])
    return account


def _laid_over(old: SourceAccount, fields: SourceAccountFields) -> SourceAccount:
    account = laid_over(old, sent(fields))
    account_id = account.account_id.strip()
    return msgspec.structs.replace(
        account,
        source=account.source.strip().upper(),
        account_id=account_id,
        name=account.name or account_id,
    )


def _faults(account: SourceAccount) -> Iterator[Fault]:
    if account.source not in SOURCES:
        yield Fault("/source", "Unknown", f'there is no source "{account.source[:80]}"')
    if account.source == INSTORE:
        yield Fault("/source", "Invalid", f"{INSTORE} is one account and needs no entry")
    yield from required_faults(account.account_id, "/accountId")
    yield from text_faults(account.name, "/name", NAME_LENGTH_MAX)
    if len(account.settings) > ATTRIBUTES_MAX:
        yield Fault("/settings", "Too many", f"at most {ATTRIBUTES_MAX} settings are accepted")
