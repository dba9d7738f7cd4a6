"""Integration keys of an application on the wire; a key is shown once, when it is made."""

from datetime import datetime
from functools import partial
from typing import Literal

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
from habitue.model.errors import NotFound
from habitue.model.keys import ApiKey
from habitue.usecases.configure.keys import create_key, list_keys, revoke_key

Platform = Literal[
    "none",
    "segment",
    "braze",
    "mparticle",
    "shopify",
    "iterable",
    "customer_engagement",
    "customer_data",
    "salesforce",
    "emarsys",
]


class ApiKeyIn(msgspec.Struct, rename="camel"):
    """A key as it is asked for."""

    title: str
    expires: Instant
    platform: Platform = "none"
    type: Literal["staging"] | UnsetType | None = UNSET
    time_offset: Id | UnsetType | None = UNSET


class ApiKeyOut(
    msgspec.Struct,
    rename={
        "created_by": "createdBy",
        "account_id": "accountID",
        "application_id": "applicationID",
        "time_offset": "timeOffset",
    },
):
    """A key as it is answered; `key` only when it is made."""

    id: int
    title: str
    expires: datetime
    platform: str
    created_by: int
    account_id: int
    application_id: int
    created: datetime
    type: Literal["staging"] | UnsetType = UNSET
    time_offset: int | UnsetType = UNSET
    key: str | UnsetType = UNSET


_SORTS = {"id": "id", "title": "name", "created": "created", "expires": "expires"}


async def get_apikeys(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration, application_id = call.services.shop.configuration, call.integer("applicationId")
    configuration.application(application_id)
    keys = list_keys(configuration, application_id)
    found = [key for key in keys if key.kind == "integration"]
    return Answer(200, page_of(found, call.query, _SORTS, apikey_out))


async def post_apikey(call: ManagementCall[None, ApiKeyIn]) -> Answer:
    body, application_id = call.body, call.integer("applicationId")
    secret = new_secret("integration", body.title)
    key = await create_key(
        call.services.shop,
        secret.kept,
        "integration",
        body.title,
        application_id,
        body.expires,
        call.now,
        body.platform,
        staging=body.type == "staging",
        time_offset_ns=body.time_offset or 0,
    )
    return Answer(201, msgspec.structs.replace(apikey_out(key), key=secret.shown))


async def remove_apikey(call: ManagementCall[None, None]) -> Answer:
    application_id, key_id = call.integer("applicationId"), call.integer("keyId")
    keys = list_keys(call.services.shop.configuration, application_id)
    if key_id not in {key.id for key in keys if key.kind == "integration"}:
        raise NotFound("API key", key_id)
    await revoke_key(call.services.shop, key_id, application_id)
    return Answer(204)


def apikey_out(key: ApiKey) -> ApiKeyOut:
    """The key in the protocol's words, without the key itself."""
    return ApiKeyOut(
        id=key.id,
        title=key.name,
        expires=key.expires,
        platform=key.platform,
        created_by=USER_ID,
        account_id=ACCOUNT_ID,
        application_id=key.application_id or 0,
        created=key.created,
        type="staging" if key.staging else UNSET,
        time_offset=key.time_offset_ns or UNSET,
    )


def operations() -> list[Operation]:
    """The operations on integration keys."""
    many = "/v1/applications/{applicationId:int}/apikeys"
    operation = partial(managed, group="API keys")
    return [
        operation(
            "listApplicationAPIKeys",
            "GET",
            many,
            get_apikeys,
            "List the integration keys of an Application",
            {200: Page[ApiKeyOut]},
            query=PageQuery,
        ),
        operation(
            "createApplicationAPIKey",
            "POST",
            many,
            post_apikey,
            "Create an integration key; it is shown once",
            {201: ApiKeyOut},
            body=ApiKeyIn,
        ),
        operation(
            "deleteApplicationAPIKey",
            "DELETE",
            f"{many}/{{keyId:int}}",
            remove_apikey,
            "Revoke an integration key",
            {204: None},
        ),
    ]
