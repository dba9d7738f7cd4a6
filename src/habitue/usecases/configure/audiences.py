"""Audiences: made, renamed and removed by the shop or by the platform that keeps them.

Names need not be unique: two platforms may each have a "VIP". What an audience is on its platform
is unique, and so nobody imports it twice.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX, NAME_LENGTH_MAX
from habitue.promotions.audiences import Audience
from habitue.promotions.configuration import Configuration
from habitue.store import audiences
from habitue.store.configuration import new_ids
from habitue.store.database import Connection
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    application_faults,
    description_faults,
    name_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class AudienceFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an audience."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    sandbox: bool | UnsetType | None = UNSET
    integration: str | UnsetType | None = UNSET
    integration_id: str | UnsetType | None = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_audience(
    shop: Shop, fields: AudienceFields, now: datetime, *, sandbox: bool
) -> Audience:
    """The new audience, of that environment unless `fields` say otherwise.

    Raises `InvalidInput`, or `Conflict` where its platform has it here already.
    """
    (id_,) = await new_ids(shop.database, "audience")

    async def decide(configuration: Configuration) -> Decision[Audience]:
        if fields.name is UNSET:
            refuse_if_any([Fault("/name", "Missing", "name is required")])
        blank = Audience(id_, "", created=now, sandbox=sandbox)
        changes = {name: value for name, value in sent(fields).items() if value is not None}
        audience = _checked(configuration, laid_over(blank, changes))
        return Decision(audience, (Change(audience),))

    return await settle(shop, decide)


async def update_audience(
    shop: Shop, audience_id: int, fields: AudienceFields, *, sandbox: bool
) -> Audience:
    """The audience as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[Audience]:
        old = configuration.audience(audience_id, sandbox=sandbox)
        audience = _checked(configuration, laid_over(old, sent(fields)))
        return Decision(audience, () if audience == old else (Change(audience),))

    return await settle(shop, decide)


async def delete_audience(shop: Shop, audience_id: int, *, sandbox: bool) -> None:
    """Removes the audience and everybody's membership. Raises `NotFound`."""

    async def beside(connection: Connection) -> None:
        await audiences.hold(connection, audience_id)
        await audiences.remove_members(connection, audience_id)

    async def decide(configuration: Configuration) -> Decision[None]:
        audience = configuration.audience(audience_id, sandbox=sandbox)
        return Decision(None, (Change(audience, deleted=True),), beside)

    await settle(shop, decide)


async def empty_audience(shop: Shop, audience_id: int, *, sandbox: bool) -> None:
    """Removes everybody from the audience. Raises `NotFound`."""
    (await shop.refresh()).audience(audience_id, sandbox=sandbox)
    await audiences.remove_members(shop.database, audience_id)


def _checked(configuration: Configuration, audience: Audience) -> Audience:
    refuse_if_any(_faults(configuration, audience))
    if audience.integration_id:
        mine = (audience.integration, audience.integration_id, audience.sandbox)
        for other in configuration.audiences.values():
            theirs = (other.integration, other.integration_id, other.sandbox)
            if other.id != audience.id and theirs == mine:
                raise Conflict("An Audience with this ID already exists for this integration")
    return audience


def _faults(configuration: Configuration, audience: Audience) -> Iterator[Fault]:
    yield from name_faults(audience.name)
    yield from description_faults(audience.description)
    yield from text_faults(audience.integration, "/integration", NAME_LENGTH_MAX)
    yield from text_faults(audience.integration_id, "/integrationId", INTEGRATION_ID_LENGTH_MAX)
    ids, pointer = audience.subscribed_application_ids, "/subscribedApplicationsIds"
    yield from application_faults(ids, configuration, pointer)
    for index, id_ in enumerate(ids):
        application = configuration.applications.get(id_)
        if application is not None and application.sandbox != audience.sandbox:
            details = f"Application {id_} is of the other environment"
            yield Fault(f"{pointer}/{index}", "Not allowed", details)
