"""The same attributes for everybody in an audience.

Members are described some at a time: each step is whole, and doing all of it again changes nothing
more. Whoever joins meanwhile may be left out.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from habitue.model.attributes import normalised, validate
from habitue.model.documents import encode
from habitue.model.errors import InvalidInput, ProfileBusy
from habitue.store import audiences
from habitue.store.database import Connection
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

MEMBERS_PER_STEP = 500


async def count_members(shop: Shop, audience_ids: Iterable[int]) -> dict[int, int]:
    """How many members each of those audiences has that there are."""
    known = [each for each in dict.fromkeys(audience_ids) if each in shop.configuration.audiences]
    counts = await audiences.count_members(shop.database, known)
    return {each: counts.get(each, 0) for each in known}


async def describe_members(
    shop: Shop, application_id: int, audience_id: int, attributes: Mapping[str, Any], now: datetime
) -> None:
    """Sets the attributes of every member. Raises `NotFound`, `InvalidInput` or `ProfileBusy`."""
    configuration = await shop.refresh()
    program = shop.program(application_id)
    configuration.audience(audience_id, sandbox=program.application.sandbox)
    faults = validate(attributes, program.profile_definitions, "CustomerProfile", "")
    if faults:
        raise InvalidInput(*faults)
    document = encode(normalised(attributes))
    actor = encode({"kind": "AUDIENCE", "id": audience_id})
    last: int | None = 0

    async def step(connection: Connection, locked: bool) -> int | None:
        assert last is not None, "there is another step"
        return await audiences.describe_members(
            connection, audience_id, last, MEMBERS_PER_STEP, document, now, actor
        )

    while last is not None and attributes:
        last = await settled(shop, step, ProfileBusy)
