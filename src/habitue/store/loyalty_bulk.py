"""Reading and saving the points of many owners in one program at once: one round trip each."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection
from habitue.store.loyalty_loading import PointsRow, points_in
from habitue.store.loyalty_statements import BY_CLAIM, BY_IDENTIFIER, load_statement
from habitue.store.receipts import valid_since


class OwnerWrite(msgspec.Struct, frozen=True):
    """What was decided about one owner at a version; `ledgers` is a JSON list as in `save`."""

    owner_id: int
    version: int
    ledgers: msgspec.Raw


def _at_once(kind: str, owner: str) -> str:
    """The statement for the owners of a list, each looked up as if it were the only one."""
    each = load_statement(owner, "all", named=False).replace("$1", "wanted.name")
    return f"""
SELECT loaded.*, wanted.position
FROM unnest($1::{kind}[]) WITH ORDINALITY AS wanted (name, position)
CROSS JOIN LATERAL ({each}) AS loaded ORDER BY wanted.position
"""


_PROFILES_AT_ONCE = _at_once("uuid", BY_CLAIM)
_CARDS_AT_ONCE = _at_once("text", BY_IDENTIFIER)

_SAVE_PROFILES = """
SELECT save_points(owner_id, version, $2, ledgers)
FROM jsonb_to_recordset($1::jsonb) AS listed (owner_id bigint, version bigint, ledgers jsonb)
"""

_SAVE_CARDS = """
SELECT save_card_points(owner_id, version, $2, ledgers)
FROM jsonb_to_recordset($1::jsonb) AS listed (owner_id bigint, version bigint, ledgers jsonb)
"""


async def load_all(
    connection: Connection,
    program_id: int,
    keys: Sequence[UUID] | Sequence[str],
    now: datetime,
    *,
    of_cards: bool,
) -> list[PointsRow]:
    """The points of many owners in their order, by claims or by identifiers of cards, in one round
    trip: all ledgers with their lots."""
    rows = await connection.fetch(
        _CARDS_AT_ONCE if of_cards else _PROFILES_AT_ONCE,
        keys,
        None,
        program_id,
        None,
        (),
        now,
        None,
        None,
        valid_since(now),
    )
    by_owner = groupby(rows, key=itemgetter("position"))
    return [points_in(found, None) for _, found in by_owner]


async def save_all(
    connection: Connection, now: datetime, writes: Sequence[OwnerWrite], *, of_cards: bool
) -> None:
    """Appends what was decided about many owners, all or none, each guarded as by
    `store.loyalty.save`. Raises `GuardFailed`."""
    statement = _SAVE_CARDS if of_cards else _SAVE_PROFILES
    await connection.execute(statement, encode(writes), now)
