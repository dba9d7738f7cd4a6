"""Open sessions and their customers, copied into the tables as `update_session` would leave them.

Documents are those of real decisions, with other ids. The first indexes are for the
servers; the others are for pgbench, whose claims stand under keys that SQL can compute: the md5
of "s" or "c" and the index.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from bench import carts
from bench.shop import NOW, Shopfront
from habitue.customers.claims import STORE_SIDE_ID, profile_key, session_key
from habitue.customers.customer import Customer
from habitue.edges.http.decoding import BodyDecoder
from habitue.edges.talon_one.integration.requests import (
    SessionQueryString,
    SessionRequest,
    command_of,
)
from habitue.model.documents import encode
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide import State, decide_update
from habitue.store.database import Database

#: Ids of seeded rows are their index and this, so that they have a fixed width too.
FIRST_ID = 10_000_000
#: The tables that have rows when the benchmark begins.
TABLES = ("claim", "customer", "customer_identifier", "session", "session_event", "coupon")
_ID_MARK = 77_777_777
_CHUNK = 2_000


class Documents(NamedTuple):
    """The stored documents of one variant, with marks in place of ids."""

    open: bytes
    closed: bytes
    effects: int


class Share(NamedTuple):
    """The sessions of one run: `size` indexes from `first`."""

    first: int
    size: int


def documents_of(front: Shopfront, variant: int) -> Documents:
    """What is stored of a session of that variant."""
    states = ("open", "closed")
    sessions = [_decided(front, variant, state) for state in states]
    return Documents(sessions[0][0], sessions[1][0], sessions[0][1])


async def copy_sessions(
    front: Shopfront, documents: Sequence[Documents], served: int, peer: int
) -> None:
    """Puts open sessions into the tables: as many for the servers, then as many for pgbench."""
    database = front.shop.database
    for first in range(0, served + peer, _CHUNK):
        indexes = range(first, min(first + _CHUNK, served + peer))
        rows = [_Rows(front, index, index < served, documents) for index in indexes]
        await _copy(database, rows)
    last = FIRST_ID + served + peer
    for sequence in ("customer_id", "session_id", "event_id"):
        await database.fetchval(f"SELECT setval('{sequence}', {last})")


class _Rows:
    """The rows of one session and its customer."""

    def __init__(
        self, front: Shopfront, index: int, served: bool, documents: Sequence[Documents]
    ) -> None:
        self.id = FIRST_ID + index
        self.application_id = front.application_id
        self.session, self.profile, self.code = carts.ids_of(index)
        self.attributes = encode(carts.profile(index))
        marked = documents[index % len(documents)].open.replace(b"%d" % _ID_MARK, b"%d" % self.id)
        self.document = carts.filled(marked, index)
        if served:
            self.session_key = session_key(front.application_id, self.session)
            self.profile_key = profile_key(self.profile, sandbox=False)
        else:
            self.session_key, self.profile_key = _peer_key("s", index), _peer_key("c", index)

    def stored(self) -> tuple[object, ...]:
        """The row of the session itself."""
        ids = (self.id, self.id, self.application_id, self.session)
        return (*ids, "open", [self.code], self.document, NOW, NOW)


def _peer_key(kind: str, index: int) -> UUID:
    return UUID(hashlib.md5(f"{kind}{index}".encode(), usedforsecurity=False).hexdigest())


def _decided(front: Shopfront, variant: int, state: str) -> tuple[bytes, int]:
    request = BodyDecoder[SessionRequest](SessionRequest).decode(carts.body(variant, state))
    mark, application_id = carts.SESSION_MARK, front.application_id
    command = command_of(request, SessionQueryString(), application_id, mark)
    owner = Customer(_ID_MARK, NOW, NOW, 1, attributes=carts.profile(variant))
    coupon = Coupon(
        1, application_id, front.coupon_campaign_ids[0], carts.CODE_MARK, NOW, usage_limit=0
    )
    before = State(_ID_MARK, owner, coupons={carts.CODE_MARK: coupon})
    decision = decide_update(before, command, front.shop.program(application_id), NOW)
    return encode(decision.session), len(decision.effects)


async def _copy(database: Database, rows: Sequence[_Rows]) -> None:
    for table, columns, records in _tables(rows):
        await database.copy_records_to_table(table, records=records, columns=columns.split())


def _tables(rows: Sequence[_Rows]) -> Iterator[tuple[str, str, list[tuple[object, ...]]]]:
    claims = [(each.session_key, each.id, each.id) for each in rows]
    named = [(each.profile_key, each.id, None) for each in rows]
    yield "claim", "claim_key customer_id session_id", [*claims, *named]
    yield (
        "customer",
        "id anonymous created last_activity session_count attributes",
        [(each.id, False, NOW, NOW, 1, each.attributes) for each in rows],
    )
    yield (
        "customer_identifier",
        "customer_id claim_key kind value created",
        [(each.id, each.profile_key, STORE_SIDE_ID, each.profile, NOW) for each in rows],
    )
    yield (
        "session",
        "customer_id id application_id integration_id state coupon_codes document created updated",
        [each.stored() for each in rows],
    )
    yield (
        "session_event",
        "customer_id id application_id session_id type created",
        [
            (each.id, each.id, each.application_id, each.id, "talon_session_created", NOW)
            for each in rows
        ],
    )
