"""The members of an audience out of a file, in place of those that it had.

Who is in the file joins batch by batch; who was there before and is not in it leaves with the last
batch, and nobody leaves who joined meanwhile. A file without rows changes nothing: emptying an
audience is an operation of its own.
"""

from collections.abc import Sequence

import msgspec

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.model.documents import encode
from habitue.model.errors import Fault
from habitue.promotions.audiences import Audience
from habitue.store import audiences, customers
from habitue.store.customers import ProfileQuery, ProfileRow, ProfileWrite
from habitue.store.database import Connection
from habitue.usecases.run_import import BatchPlace


class MemberLine(msgspec.Struct, frozen=True):
    """A profile that is to be a member; unknown ones come to be."""

    line: int
    profile: str


class AudienceImporter:
    """Has profiles join an audience."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    async def check(self, connection: Connection, rows: Sequence[MemberLine]) -> Sequence[Fault]:
        """Nothing is wrong with an id that could be read."""
        return ()

    async def apply(
        self, connection: Connection, rows: Sequence[MemberLine], place: BatchPlace
    ) -> None:
        """Has the profiles of some lines join."""
        names = list(dict.fromkeys(row.profile for row in rows))
        keys = [profile_key(each, sandbox=self._audience.sandbox) for each in names]
        query = ProfileQuery(keys, None, place.started)
        await customers.lock(connection, query)
        known = await customers.load(connection, query)
        await customers.save(connection, self._writes(query, names, known, place))
        await audiences.replace_members(connection, self._audience.id, place.import_id)

    def _writes(
        self,
        query: ProfileQuery,
        names: Sequence[str],
        known: Sequence[ProfileRow],
        place: BatchPlace,
    ) -> list[ProfileWrite]:
        joins = {"joins": [self._audience.id], "leaves": [], "import_id": place.import_id}
        changes = encode({"audiences": joins})
        # two profile ids may be one customer's by now, who is written once
        once = {row.customer_id: index for index, row in enumerate(known)}
        return [
            ProfileWrite(
                customer_id=row.customer_id,
                customer_version=row.customer.version if row.customer else 0,
                attributes=b"{}",
                profile_key=key,
                profile_kind=STORE_SIDE_ID,
                profile_id=name,
                now=place.started,
                last_activity=None,
                changes=changes,
            )
            for row, key, name in (
                (known[index], query.profile_keys[index], names[index]) for index in once.values()
            )
        ]
