"""The operations of the Integration API that exist so far."""

from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.effects import EffectOut
from habitue.edges.talon_one.integration.answers import CustomerSessionOut, session_out
from habitue.edges.talon_one.integration.eligibility import check_eligibility
from habitue.edges.talon_one.integration.requests import (
    ProfileItem,
    ProfileQueryString,
    ProfileRequest,
    ProfilesQueryString,
    ProfilesRequest,
    ReturnQueryString,
    ReturnRequest,
    SessionQueryString,
    SessionRequest,
    check_evaluable,
    command_of,
    is_traced,
    told_resources,
)
from habitue.edges.talon_one.integration.selected_prices import session_effects
from habitue.edges.talon_one.integration.staging import stage_profile, stage_session
from habitue.edges.talon_one.integration.state import (
    IntegrationStateOut,
    ReopenedOut,
    render_profile,
    render_profiles,
    render_reopened,
    render_return,
    render_session,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.evaluate import Purpose
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.read_session import read_session
from habitue.usecases.reopen_session import reopen_session
from habitue.usecases.return_items import return_items
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.update_session import update_session
from habitue.usecases.writing import Reply


class StoredSessionOut(msgspec.Struct, rename="camel"):
    """A session with the effects that stand."""

    customer_session: CustomerSessionOut
    effects: list[EffectOut]


async def update_customer_session(
    call: Call[Principal, SessionQueryString, SessionRequest],
) -> Answer:
    session_id = _integration_id(call, "customerSessionId")
    await stage_session(call)
    command = command_of(call.body, call.query, call.principal.application_id, session_id)
    now = call.query.now or call.now
    render = render_session(call.body.response_content or ())
    shop = call.services.shop
    return _sent(await update_session(shop, command, now, render, call.idempotency))


async def get_customer_session(call: Call[Principal, None, None]) -> Answer:
    session_id = _integration_id(call, "customerSessionId")
    application_id = call.principal.application_id
    session = await read_session(call.services.shop, application_id, session_id, call.now)
    effects = session_effects(session.effects, session.cart_items)
    return Answer(200, StoredSessionOut(session_out(session), effects))


async def reopen_customer_session(call: Call[Principal, None, None]) -> Answer:
    session_id = _integration_id(call, "customerSessionId")
    shop, application_id = call.services.shop, call.principal.application_id
    reply = await reopen_session(
        shop, application_id, session_id, call.now, render_reopened, call.idempotency
    )
    return _sent(reply)


async def return_cart_items(call: Call[Principal, ReturnQueryString, ReturnRequest]) -> Answer:
    session_id = _integration_id(call, "customerSessionId")
    command = call.body.command(call.query, call.principal.application_id, session_id)
    render = render_return(call.body.response_content or ())
    reply = await return_items(
        call.services.shop,
        command,
        call.now,
        render,
        dry=call.query.dry,
        idempotency=call.idempotency,
    )
    return _sent(reply)


async def update_customer_profile(
    call: Call[Principal, ProfileQueryString, ProfileRequest],
) -> Answer:
    await stage_profile(call)
    command = _profile_command(call)
    content = call.body.response_content or ()
    shop, application_id = call.services.shop, call.principal.application_id
    render = render_profile(content)
    reply = await update_profiles(
        shop, application_id, [command], call.now, render, call.idempotency
    )
    return _sent(reply)


async def update_customer_profiles(
    call: Call[Principal, ProfilesQueryString, ProfilesRequest],
) -> Answer:
    commands = [
        _item_command(index, item) for index, item in enumerate(call.body.customer_profiles)
    ]
    shop, application_id = call.services.shop, call.principal.application_id
    render = render_profiles(silent=call.query.silent != "no")
    reply = await update_profiles(
        shop, application_id, commands, call.now, render, call.idempotency
    )
    return _sent(reply)


async def delete_customer_data(call: Call[Principal, None, None]) -> Answer:
    profile_id = _integration_id(call, "integrationId")
    application_id = call.principal.application_id
    await erase_customer(call.services.shop, application_id, profile_id, call.now)
    return Answer(204)


def _integration_id(call: Call[Any, Any, Any], name: str) -> str:
    integration_id = call.path[name]
    if 0 < len(integration_id) <= INTEGRATION_ID_LENGTH_MAX and "\0" not in integration_id:
        return integration_id
    details = f"an id has 1 to {INTEGRATION_ID_LENGTH_MAX} characters, none of them zero"
    raise InvalidInput(Fault("", "Invalid id", details, parameter=name))


def _profile_command(
    call: Call[Principal, ProfileQueryString, ProfileRequest],
) -> ProfileCommand:
    body, query = call.body, call.query
    if query.dry and not query.run_rule_engine:
        details = "dry can only be given with runRuleEngine=true"
        raise InvalidInput(Fault("", "Not allowed", details, parameter="dry"))
    changes = body.audiences_changes
    check_evaluable(body.evaluable_campaign_ids, query.dry, "")
    check_eligibility(body.response_content, dry=query.dry)
    return ProfileCommand(
        integration_id=_integration_id(call, "integrationId"),
        attributes=body.attributes or {},
        purpose=_purpose(body, query) if query.run_rule_engine else None,
        audiences=tuple(changes.wishes()) if changes else (),
        tells=told_resources(body.response_content),
    )


def _purpose(body: ProfileRequest, query: ProfileQueryString) -> Purpose:
    content, ids = body.response_content or (), body.evaluable_campaign_ids
    return Purpose(
        dry=query.dry,
        campaign_ids=None if ids is None else frozenset(ids),
        failures="ruleFailureReasons" in content,
        trace=is_traced(content),
    )


def _item_command(index: int, item: ProfileItem) -> ProfileCommand:
    pointer = f"/customerProfiles/{index}"
    return ProfileCommand(item.integration_id, item.attributes or {}, pointer=pointer)


def _sent(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body or None)


def integration_operations() -> list[Operation]:
    """What is served with an integration key."""
    return [*_session_operations(), *_profile_operations()]


def _session_operations() -> list[Operation]:
    session = "/v2/customer_sessions/{customerSessionId}"
    return [
        Operation(
            id="updateCustomerSessionV2",
            method="PUT",
            path=session,
            handler=update_customer_session,
            door=INTEGRATION,
            group="Customer sessions",
            summary="Update a customer session and get the effects",
            description="Lays the request over the stored session, evaluates the running campaigns"
            " and answers with effects. With dry=true nothing is stored.",
            body=SessionRequest,
            query=SessionQueryString,
            responses={200: IntegrationStateOut},
            idempotent=True,
            request_example=_SESSION_EXAMPLE,
        ),
        Operation(
            id="getCustomerSession",
            method="GET",
            path=session,
            handler=get_customer_session,
            door=INTEGRATION,
            group="Customer sessions",
            summary="Read a customer session and the effects that stand",
            responses={200: StoredSessionOut},
        ),
        Operation(
            id="reopenCustomerSession",
            method="PUT",
            path=f"{session}/reopen",
            handler=reopen_customer_session,
            door=INTEGRATION,
            group="Customer sessions",
            summary="Reopen a closed customer session",
            responses={200: ReopenedOut},
            idempotent=True,
        ),
        Operation(
            id="returnCartItems",
            method="POST",
            path=f"{session}/returns",
            handler=return_cart_items,
            door=INTEGRATION,
            group="Customer sessions",
            summary="Return items of a closed customer session",
            body=ReturnRequest,
            query=ReturnQueryString,
            responses={200: IntegrationStateOut},
            idempotent=True,
        ),
    ]


def _profile_operations() -> list[Operation]:
    return [
        Operation(
            id="updateCustomerProfileV2",
            method="PUT",
            path="/v2/customer_profiles/{integrationId}",
            handler=update_customer_profile,
            door=INTEGRATION,
            group="Customer profiles",
            summary="Update a customer profile",
            body=ProfileRequest,
            query=ProfileQueryString,
            responses={200: IntegrationStateOut},
            idempotent=True,
        ),
        Operation(
            id="updateCustomerProfilesV2",
            method="PUT",
            path="/v2/customer_profiles",
            handler=update_customer_profiles,
            door=INTEGRATION,
            group="Customer profiles",
            summary="Update many customer profiles, all or none",
            body=ProfilesRequest,
            query=ProfilesQueryString,
            responses={200: dict[str, Any], 204: None},
            idempotent=True,
        ),
        Operation(
            id="deleteCustomerData",
            method="DELETE",
            path="/v1/customer_data/{integrationId}",
            handler=delete_customer_data,
            door=INTEGRATION,
            group="Customer profiles",
            summary="Remove a customer's personal data",
            responses={204: None},
        ),
    ]


_SESSION_EXAMPLE = b"""{
  "customerSession": {
    "profileId": "maria",
    "state": "open",
    "couponCodes": ["WELCOME10"],
    "cartItems": [{"sku": "TEA-1", "name": "Green tea", "quantity": 2, "price": 12.5}]
  },
  "responseContent": ["customerSession", "triggeredCampaigns", "ruleFailureReasons"]
}"""
