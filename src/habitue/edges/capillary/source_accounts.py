"""Sources and source accounts on the wire (contracts/capillary/SPEC.md sections 2.1 and 9.1).

One deployment is one organisation, so whichever number a path has for it, it is this one. A source
account is named by a uuid that is made of its id, or by the id itself.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.organisation import SourceAccount
from habitue.customers.sources import SOURCES
from habitue.edges.capillary.administration import GROUP, Switch, date_of, refreshed, switched
from habitue.edges.capillary.attribution import TillPrincipal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item, Listing, listing
from habitue.edges.capillary.organisation_codes import OrganisationReason, OrganisationRefused
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.model.errors import InvalidInput, NotFound
from habitue.usecases.configure.entries import EntryExists
from habitue.usecases.configure.source_accounts import (
    SourceAccountFields,
    create_source_account,
    update_source_account,
)

#: Settings of an account that are part of it elsewhere on the wire.
_TO_MIRROR = "toMirror"
_SOURCE_FAULTS: Mapping[str, OrganisationReason] = {
    "/source": "source_type_invalid",
    "/accountId": "source_account_invalid",
    "/name": "source_name_invalid",
}


class SourceOut(msgspec.Struct, rename="camel"):
    """A source, and the channels that it reaches people by."""

    id: int
    name: str
    comm_channels: list[str]


class AccountAttributionOut(msgspec.Struct, rename="camel"):
    """When an account came to be."""

    create_date: str
    modified_date: str


class SourceAccountOut(msgspec.Struct, rename="camel"):
    """An account in a source."""

    id: int
    uuid: str
    name: str
    source_account_identifier: str
    to_mirror: bool
    source_type_id: int
    source_type_name: str
    is_active: bool
    comm_channels: list[str]
    attribution: AccountAttributionOut
    configs: dict[str, Any]
    warnings: list[Item] | UnsetType = UNSET


class SourceAccountIn(msgspec.Struct, rename="camel"):
    """An account, to be added or changed."""

    name: str | UnsetType | None = UNSET
    source_account_identifier: str | UnsetType | None = UNSET
    source_type_name: str | UnsetType | None = UNSET
    to_mirror: Switch | UnsetType = UNSET
    is_active: Switch | UnsetType = UNSET
    configs: dict[str, Any] | UnsetType | None = UNSET


async def list_sources(call: Call[TillPrincipal, None, None]) -> Answer:
    rows = [SourceOut(each.id, each.name, list(each.channels)) for each in SOURCES.values()]
    return listing(rows)


async def list_source_accounts(call: Call[TillPrincipal, None, None]) -> Answer:
    accounts = (await refreshed(call)).configuration.organisation.source_accounts.values()
    return listing([source_account_out(account) for account in accounts])


async def get_source_account(call: Call[TillPrincipal, None, None]) -> Answer:
    accounts = (await refreshed(call)).configuration.organisation.source_accounts.values()
    found = _named(accounts, call.path["uuid"])
    if found is None:
        raise OrganisationRefused("source_unknown", call.path["uuid"])
    return Answer(200, source_account_out(found, []))


async def add_source_account(call: Call[TillPrincipal, None, SourceAccountIn]) -> Answer:
    fields = _account_fields(call.body, {})
    try:
        account = await create_source_account(call.services.shop, fields, call.now)
    except InvalidInput as refusal:
        raise _said_of_source(refusal) from None
    except EntryExists:
        raise OrganisationRefused("source_exists") from None
    return Answer(200, source_account_out(account, []))


async def change_source_account(call: Call[TillPrincipal, None, SourceAccountIn]) -> Answer:
    shop = await refreshed(call)
    accounts = shop.configuration.organisation.source_accounts.values()
    old = _named(accounts, call.path["uuid"])
    if old is None:
        raise OrganisationRefused("source_update_unknown")
    fields = _account_fields(call.body, old.settings)
    try:
        account = await update_source_account(shop, old.id, fields)
    except InvalidInput as refusal:
        raise _said_of_source(refusal) from None
    except NotFound:
        raise OrganisationRefused("source_update_unknown") from None
    return Answer(200, source_account_out(account, []))


def source_account_out(
    account: SourceAccount, warnings: list[Item] | UnsetType = UNSET
) -> SourceAccountOut:
    """An account as it is answered; alone it has warnings of its own."""
    source = SOURCES[account.source]
    day = date_of(account.created)
    settings = dict(account.settings)
    return SourceAccountOut(
        id=account.id,
        uuid=uuid_of(account),
        name=account.name,
        source_account_identifier=account.account_id,
        to_mirror=bool(settings.pop(_TO_MIRROR, False)),
        source_type_id=source.id,
        source_type_name=account.source,
        is_active=account.active,
        comm_channels=list(source.channels),
        attribution=AccountAttributionOut(day, day),
        configs=settings,
        warnings=warnings,
    )


def uuid_of(account: SourceAccount) -> str:
    """The uuid of an account: always the same, for it is made of its id."""
    return uuid5(NAMESPACE_URL, f"habitue:source-account:{account.id}").hex


def _named(accounts: Iterable[SourceAccount], name: str) -> SourceAccount | None:
    wanted = name.strip().lower().replace("-", "")
    return next((each for each in accounts if wanted in (uuid_of(each), str(each.id))), None)


def _account_fields(body: SourceAccountIn, known: Mapping[str, Any]) -> SourceAccountFields:
    """What was sent; an empty text is not sent."""
    settings: dict[str, Any] | UnsetType = UNSET
    mirror = UNSET if body.to_mirror is UNSET else switched(body.to_mirror, "/toMirror")
    if body.configs is not UNSET or mirror is not UNSET:
        kept = {_TO_MIRROR: known[_TO_MIRROR]} if _TO_MIRROR in known else {}
        configs = known if body.configs is UNSET else body.configs or {}
        settings = {**configs, **kept} | ({} if mirror is UNSET else {_TO_MIRROR: mirror})
    active = UNSET if body.is_active is UNSET else switched(body.is_active, "/isActive")
    return SourceAccountFields(
        source=body.source_type_name or UNSET,
        account_id=body.source_account_identifier or UNSET,
        name=body.name or UNSET,
        active=UNSET if active is None else active,
        settings=settings,
    )


def _said_of_source(refusal: InvalidInput) -> InvalidInput:
    """The refusal in the protocol's codes, if its first fault has one."""
    reason = _SOURCE_FAULTS.get(refusal.faults[0].pointer)
    return refusal if reason is None else OrganisationRefused(reason)


def source_operations() -> list[Operation]:
    """Reading sources, and reading and setting the shop's accounts in them."""
    operation = partial(Operation, door=CAPILLARY, group=GROUP)
    path = "/v2/org/{orgId:int}/sources"
    one = {200: SourceAccountOut}
    example = (
        b'{"name": "The app", "sourceAccountIdentifier": "app-1",'
        b' "sourceTypeName": "MOBILE_APP", "toMirror": 0, "configs": {"android": "1"}}'
    )
    return [
        operation(
            "listSources",
            "GET",
            "/v2/meta/sources",
            list_sources,
            summary="The sources that customers come from",
            responses={200: Listing},
        ),
        operation(
            "listSourceAccounts",
            "GET",
            path,
            list_source_accounts,
            summary="The shop's accounts in sources",
            responses={200: Listing},
        ),
        operation(
            "getSourceAccount",
            "GET",
            f"{path}/{{uuid}}",
            get_source_account,
            summary="One account in a source",
            responses=one,
        ),
        operation(
            "addSourceAccount",
            "POST",
            path,
            add_source_account,
            summary="Add an account in a source",
            body=SourceAccountIn,
            responses=one,
            request_example=example,
        ),
        operation(
            "updateSourceAccount",
            "PUT",
            f"{path}/{{uuid}}",
            change_source_account,
            summary="Change an account in a source",
            body=SourceAccountIn,
            responses=one,
        ),
    ]
