"""Requests with a staging key: dry runs over running and staged campaigns.

Such a key opens the three operations that evaluate a customer's doings and no other; the door sees
to that. A request that picks campaigns itself evaluates these.
"""

from habitue.edges.http.operation import Call
from habitue.edges.talon_one.doors import Principal
from habitue.edges.talon_one.integration.requests import (
    ProfileQueryString,
    ProfileRequest,
    SessionQueryString,
    SessionRequest,
)
from habitue.usecases.staging import staged_campaigns


async def stage_session(call: Call[Principal, SessionQueryString, SessionRequest]) -> None:
    """Makes the request a dry run where it shows a staging key."""
    if not call.principal.staging:
        return
    session = call.body.customer_session
    call.query.dry = True
    if session.evaluable_campaign_ids is None:
        moment = call.query.now or call.now
        session.evaluable_campaign_ids = await staged_campaigns(
            call.services.shop,
            call.principal.application_id,
            session.store_integration_id,
            moment,
        )


async def stage_profile(call: Call[Principal, ProfileQueryString, ProfileRequest]) -> None:
    """Makes the request a dry run of the rules where it shows a staging key."""
    if not call.principal.staging:
        return
    call.query.dry = call.query.run_rule_engine = True
    if call.body.evaluable_campaign_ids is None:
        shop, application_id = call.services.shop, call.principal.application_id
        call.body.evaluable_campaign_ids = await staged_campaigns(
            shop, application_id, None, call.now
        )
