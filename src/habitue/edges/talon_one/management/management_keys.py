"""Management keys on the wire: made with what they are limited to, listed, revoked.

The paths are those of the vendor's early clients, the shapes those of its present ones
(contracts/talon_one/MANAGEMENT.md section B). A key is shown once, when it is made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.key_secrets import new_secret
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    USER_ID,
    Id,
    Instant,
    ManagementCall,
    managed,
)
from habitue.model.errors import Conflict, Fault, InvalidInput, NotFound
from habitue.model.keys import ApiKey, Endpoint
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.keys import KeyLimits, create_key, list_keys, revoke_key


class EndpointIn(msgspec.Struct):
    """An operation by its method and its path, such as /v1/applications/{applicationId}."""

    method: str
    path: str


class ManagementKeyIn(msgspec.Struct, rename="camel"):
    """A key as it is asked for. Without endpoints it may use all; without Applications, or with an
    empty list of them, it may use them in all."""

    name: str
    expiry_date: Instant
    endpoints: tuple[EndpointIn, ...] | UnsetType | None = UNSET
    allowed_application_ids: tuple[Id, ...] | UnsetType | None = UNSET


class ManagementKeyOut(
    msgspec.Struct,
    rename={
        "expiry_date": "expiryDate",
        "allowed_application_ids": "allowedApplicationIds",
        "created_by": "createdBy",
        "account_id": "accountID",
    },
):
    """A key as it is answered; `key` only when it is made."""

    id: int
    name: str
    created: datetime
    expiry_date: datetime
    endpoints: list[EndpointIn]
    allowed_application_ids: list[int]
    created_by: int
    account_id: int
    disabled: bool
    key: str | UnsetType = UNSET


_SORTS = {"id": "id", "name": "name", "created": "created", "expiryDate": "expires"}


async def get_keys(call: ManagementCall[PageQuery, None]) -> Answer:
    keys = _management_keys(call.services.shop.configuration)
    return Answer(200, page_of(keys, call.query, _SORTS, partial(_out, now=call.now)))


async def post_key(
    served: frozenset[tuple[str, str]], call: ManagementCall[None, ManagementKeyIn]
) -> Answer:
    body = call.body
    refuse_if_any(_endpoint_faults(body.endpoints, served))
    limits = KeyLimits(
        tuple(Endpoint(each.method.upper(), each.path) for each in body.endpoints or ()),
        tuple(dict.fromkeys(body.allowed_application_ids or ())),
    )
    secret = new_secret("management", body.name)
    try:
        key = await create_key(
            call.services.shop,
            secret.kept,
            "management",
            body.name,
            None,
            body.expiry_date,
            call.now,
            limits=limits,
            user_id=call.principal.key.user_id,
        )
    except InvalidInput as refused:
        raise InvalidInput(*map(_renamed, refused.faults)) from None
    return Answer(201, msgspec.structs.replace(_out(key, call.now), key=secret.shown))


async def remove_key(call: ManagementCall[None, None]) -> Answer:
    key_id, shop = call.integer("keyId"), call.services.shop
    if key_id not in {key.id for key in _management_keys(shop.configuration)}:
        raise NotFound("Management key", key_id)
    if key_id == call.principal.key_id:
        raise Conflict("A key does not revoke itself: use another one")
    await revoke_key(shop, key_id)
    return Answer(204)


def _renamed(fault: Fault) -> Fault:
    """The fault with the name that the field has here."""
    pointer = _POINTERS.get(fault.pointer, fault.pointer)
    return replace(fault, pointer=pointer)


_POINTERS = {"/title": "/name", "/expires": "/expiryDate"}


def _management_keys(configuration: Configuration) -> list[ApiKey]:
    return [key for key in list_keys(configuration) if key.kind == "management"]


def _endpoint_faults(
    endpoints: tuple[EndpointIn, ...] | UnsetType | None, served: frozenset[tuple[str, str]]
) -> Iterator[Fault]:
    if endpoints is UNSET or endpoints is None:
        return
    if not endpoints:
        yield Fault("/endpoints", "Missing", "a key without any endpoint could do nothing")
    for index, each in enumerate(endpoints):
        if Endpoint(each.method, each.path).shape not in served:
            details = f"{each.method[:20]} {each.path[:200]} is no endpoint of the Management API"
            yield Fault(f"/endpoints/{index}", "Unknown", details)


def _out(key: ApiKey, now: datetime) -> ManagementKeyOut:
    return ManagementKeyOut(
        id=key.id,
        name=key.name,
        created=key.created,
        expiry_date=key.expires,
        endpoints=[EndpointIn(each.method, each.path) for each in key.endpoints],
        allowed_application_ids=list(key.application_ids),
        created_by=USER_ID,
        account_id=ACCOUNT_ID,
        disabled=not key.opens("management", now),
    )


def operations(others: Sequence[Operation]) -> list[Operation]:
    """The operations on management keys, which may be limited to some of `others`."""
    served = frozenset(Endpoint(each.method, each.path).shape for each in others)
    operation = partial(managed, group="API keys")
    return [
        operation(
            "getManagementKeys",
            "GET",
            "/v1/api_keys",
            get_keys,
            "List management keys",
            {200: Page[ManagementKeyOut]},
            query=PageQuery,
        ),
        operation(
            "createManagementKey",
            "POST",
            "/v1/api_keys",
            partial(post_key, served),
            "Create a management key, with what it is limited to; it is shown once",
            {201: ManagementKeyOut},
            body=ManagementKeyIn,
            description="Only a key without limits or an administrator may do so.",
        ),
        operation(
            "deleteManagementKey",
            "DELETE",
            "/v1/api_keys/{keyId:int}",
            remove_key,
            "Revoke a management key",
            {204: None},
            description="Only a key without limits or an administrator may do so.",
        ),
    ]
