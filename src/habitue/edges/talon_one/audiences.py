"""Audiences on the wire, as both APIs of the protocol tell them."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.talon_one.integration.answers import ACCOUNT_ID
from habitue.promotions.audiences import Audience


class AudienceOut(msgspec.Struct, rename="camel"):
    """An audience; one that comes from no other platform names none."""

    id: int
    created: datetime
    account_id: int
    name: str
    sandbox: bool
    description: str
    subscribed_applications_ids: list[int]
    created_in_third_party: bool = msgspec.field(name="createdIn3rdParty")
    integration: str | UnsetType = UNSET
    integration_id: str | UnsetType = UNSET


def audience_out(audience: Audience) -> AudienceOut:
    """The audience in the protocol's words."""
    return AudienceOut(
        id=audience.id,
        created=audience.created,
        account_id=ACCOUNT_ID,
        name=audience.name,
        sandbox=audience.sandbox,
        description=audience.description,
        subscribed_applications_ids=list(audience.subscribed_application_ids),
        created_in_third_party=bool(audience.integration or audience.integration_id),
        integration=audience.integration or UNSET,
        integration_id=audience.integration_id or UNSET,
    )
