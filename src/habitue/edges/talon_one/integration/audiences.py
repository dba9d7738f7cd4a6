"""Audiences in the Integration API (contracts/talon_one/SEMANTICS.md section 14).

None of these operations runs rules. An integration key sees the audiences of its application's
environment.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.audiences import AudienceOut, audience_out
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.model.limits import AUDIENCE_CHANGES_MAX, INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.audiences import MembershipChange
from habitue.usecases.change_memberships import MembershipWish, change_memberships
from habitue.usecases.configure.audiences import (
    AudienceFields,
    create_audience,
    delete_audience,
    empty_audience,
    update_audience,
)
from habitue.usecases.describe_members import describe_members

AudienceName = Annotated[str, Meta(min_length=1)]
PlatformId = Annotated[str, Meta(min_length=1, max_length=INTEGRATION_ID_LENGTH_MAX)]


class NewAudienceIn(msgspec.Struct, rename="camel"):
    """An audience to be made; what only the server knows (`lastUpdate`) is ignored."""

    name: AudienceName
    integration: str | None = None
    integration_id: PlatformId | None = None
    sandbox: bool | None = None
    description: str | None = None
    subscribed_applications_ids: tuple[Integer, ...] | None = None


class AudienceIn(msgspec.Struct, rename="camel"):
    """What may be changed of an audience."""

    name: AudienceName
    subscribed_applications_ids: tuple[Integer, ...] | UnsetType | None = UNSET


class MembershipIn(msgspec.Struct, rename="camel"):
    """One change of who is in which audience."""

    action: Literal["add", "delete"]
    profile_integration_id: PlatformId
    audience_id: Integer


class MembershipsIn(msgspec.Struct):
    """Changes that happen all together or not at all."""

    data: Annotated[list[MembershipIn], Meta(max_length=AUDIENCE_CHANGES_MAX)] | None = None


async def post_audience(call: Call[Principal, None, NewAudienceIn]) -> Answer:
    body, shop = call.body, call.services.shop
    fields = AudienceFields(
        name=body.name,
        description=body.description,
        sandbox=body.sandbox,
        integration=body.integration,
        integration_id=body.integration_id,
        subscribed_application_ids=body.subscribed_applications_ids,
    )
    audience = await create_audience(shop, fields, call.now, sandbox=_sandbox(call))
    return Answer(201, audience_out(audience))


async def put_audience(call: Call[Principal, None, AudienceIn]) -> Answer:
    body = call.body
    fields = AudienceFields(
        name=body.name, subscribed_application_ids=body.subscribed_applications_ids
    )
    id_, shop = call.integer("audienceId"), call.services.shop
    audience = await update_audience(shop, id_, fields, sandbox=_sandbox(call))
    return Answer(200, audience_out(audience))


async def remove_audience(call: Call[Principal, None, None]) -> Answer:
    id_ = call.integer("audienceId")
    await delete_audience(call.services.shop, id_, sandbox=_sandbox(call))
    return Answer(204)


async def remove_memberships(call: Call[Principal, None, None]) -> Answer:
    id_ = call.integer("audienceId")
    await empty_audience(call.services.shop, id_, sandbox=_sandbox(call))
    return Answer(204)


async def post_memberships(call: Call[Principal, None, MembershipsIn]) -> Answer:
    wishes = [
        MembershipWish(
            item.profile_integration_id,
            MembershipChange(item.audience_id, item.action == "add", f"/data/{index}/audienceId"),
        )
        for index, item in enumerate(call.body.data or ())
    ]
    application_id = call.principal.application_id
    await change_memberships(call.services.shop, application_id, wishes, call.now)
    return Answer(204)


async def put_attributes(call: Call[Principal, None, dict[str, Any]]) -> Answer:
    id_, application_id = call.integer("audienceId"), call.principal.application_id
    await describe_members(call.services.shop, application_id, id_, call.body, call.now)
    return Answer(204)


def _sandbox(call: Call[Principal, Any, Any]) -> bool:
    application = call.services.shop.program(call.principal.application_id).application
    return bool(application.sandbox)


def _operation(id_: str, method: str, path: str, handler: Any, **more: Any) -> Operation:
    return Operation(
        id=id_,
        method=method,
        path=path,
        handler=handler,
        door=INTEGRATION,
        group="Audiences",
        **more,
    )


def audience_operations() -> list[Operation]:
    """What integrations do with audiences."""
    one = "/v2/audiences/{audienceId:int}"
    return [
        _operation(
            "createAudienceV2",
            "POST",
            "/v2/audiences",
            post_audience,
            summary="Create an audience",
            body=NewAudienceIn,
            responses={201: AudienceOut},
        ),
        _operation(
            "updateAudienceV2",
            "PUT",
            one,
            put_audience,
            summary="Rename an audience",
            body=AudienceIn,
            responses={200: AudienceOut},
        ),
        _operation(
            "deleteAudienceV2",
            "DELETE",
            one,
            remove_audience,
            summary="Delete an audience and its memberships",
            responses={204: None},
        ),
        _operation(
            "deleteAudienceMembershipsV2",
            "DELETE",
            f"{one}/memberships",
            remove_memberships,
            summary="Remove everybody from an audience",
            responses={204: None},
        ),
        _operation(
            "updateCustomerProfileAudiences",
            "POST",
            "/v2/customer_audiences",
            post_memberships,
            summary="Add profiles to audiences and remove them, all or none",
            body=MembershipsIn,
            responses={204: None},
        ),
        _operation(
            "updateAudienceCustomersAttributes",
            "PUT",
            "/v2/audience_customers/{audienceId:int}/attributes",
            put_attributes,
            summary="Set attributes of everybody in an audience",
            body=dict[str, Any],
            responses={204: None},
        ),
    ]
