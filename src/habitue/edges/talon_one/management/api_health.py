"""The health of an application's connection, on the wire."""

from datetime import datetime

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import ManagementCall, managed
from habitue.usecases.read_api_health import Health, read_api_health


class ApiHealthOut(msgspec.Struct, rename="camel"):
    """One word, and when the last request came; of an application that had none, when that came to
    be, for the clients need a moment."""

    summary: Health
    last_used: datetime


async def get_health(call: ManagementCall[None, None]) -> Answer:
    shop, application_id = call.services.shop, call.integer("applicationId")
    health = await read_api_health(shop, application_id, call.now)
    created = shop.configuration.application(application_id).created
    return Answer(200, ApiHealthOut(health.summary, health.last_used or created))


def operations() -> list[Operation]:
    """The health of an application's connection."""
    return [
        managed(
            "getApplicationApiHealth",
            "GET",
            "/v1/applications/{applicationId:int}/health_report",
            get_health,
            "Tell how requests to the Integration API fared in the last five minutes",
            {200: ApiHealthOut},
            group="Logs",
            description="`WARNING` where any failed, `ERROR` where more than half did, `CRITICAL`"
            " where all did. Where the operator has not all requests noted, those that stored"
            " something stand for those that succeeded.",
        )
    ]
