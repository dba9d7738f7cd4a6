"""Reading customer cards without the intention to write: one round trip each, and no locks.

`read` finds cards by claims and by ids; `search` finds customers by how their names and identifiers
begin; `read_changes` reads what has happened to a card, `read_consent_changes` what has been said
about consents to any card. Documents are bytes here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast
from uuid import UUID

import msgspec

from habitue.model.documents import decoder_of
from habitue.store.cards import (
    CLAIMS_AND_CARDS,
    HEAD_COLUMNS,
    HELD,
    CardRow,
    ClaimRow,
    cards_in,
    claims_in,
    is_head,
)
from habitue.store.database import Connection, Row
from habitue.store.statements import Arguments, Joint


class CardsReading(msgspec.Struct, frozen=True):
    """Who holds the claims, and the cards that were found."""

    configuration_version: int
    claims: list[ClaimRow]
    cards: list[CardRow]


#: Claims and ids that somebody asks for.
_Question: TypeAlias = tuple[Sequence[UUID], Sequence[int]]


class SearchPage(msgspec.Struct, frozen=True):
    """Some of the customers who were found, and how many there are in all."""

    customer_ids: Sequence[int]
    total: int


class ChangeRow(msgspec.Struct, frozen=True):
    """A change of a card; who, and what changed, are JSON documents."""

    id: int
    root_id: int
    kind: str
    at: datetime
    actor: msgspec.Raw
    changes: msgspec.Raw


class ConsentChangeRow(msgspec.Struct, frozen=True):
    """A change of a card in which something was said about consent; what changed is JSON."""

    id: int
    customer_id: int
    at: datetime
    changes: bytes


class ChangesPage(msgspec.Struct, frozen=True):
    """Some of the changes of a card, and how many there are in all."""

    changes: list[ChangeRow]
    total: int


READ = f"""
WITH {HELD}
SELECT configuration.version AS id, NULL::bigint AS root_id, {HEAD_COLUMNS} FROM configuration
UNION ALL
{CLAIMS_AND_CARDS}
"""

# The bounds of a range say how a text begins and need no pattern, so that nothing in them has a
# meaning of its own and a prepared plan always uses the indexes.
_SEARCH = """
WITH matched AS (
    (
        SELECT customer_id FROM customer_name
        WHERE name ~>=~ $1 AND name ~<~ $2
        ORDER BY name USING ~<~, customer_id LIMIT $3
    ) UNION (
        SELECT customer_id FROM customer_identifier
        WHERE lower(value) ~>=~ $1 AND lower(value) ~<~ $2
        ORDER BY lower(value) USING ~<~, customer_id LIMIT $3
    )
)
SELECT
    ARRAY(SELECT customer_id FROM matched ORDER BY customer_id LIMIT $4 OFFSET $5) AS customer_ids,
    (SELECT count(*) FROM matched) AS total
"""

_CHANGES = """
SELECT
    (
        SELECT jsonb_agg(to_jsonb(page) - 'customer_id' ORDER BY id DESC) FROM (
            SELECT * FROM customer_change WHERE customer_id = $1
            ORDER BY id DESC LIMIT $2 OFFSET $3
        ) AS page
    ) AS changes,
    (SELECT count(*) FROM customer_change WHERE customer_id = $1) AS total
"""

_BOUND = """
SELECT at, id FROM customer_change WHERE (at, id) > ($1, $2) ORDER BY at, id OFFSET $3 LIMIT 1
"""

# A subquery with a limit is gone through in its order, no further than the limit outside asks for.
_CONSENT_CHANGES = """
SELECT id, customer_id, at, changes FROM (
    SELECT * FROM customer_change WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3
) AS looked_at
WHERE changes @? '$[*].path ? (@ like_regex "^(joined/[0-9]+/)?consents/")'
    AND (at, id) <= ($4, $5)
ORDER BY at, id LIMIT $6
"""
_CHANGES_LOOKED_AT_MAX = 20_000
_NEVER = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)

_LAST_CHARACTER = "\U0010ffff"
_CHANGE_ROWS: "msgspec.json.Decoder[Any]" = decoder_of(list[ChangeRow])


async def read(
    connection: Connection, claim_keys: Sequence[UUID], customer_ids: Sequence[int]
) -> CardsReading:
    """The holders of these claims, and their cards and those of these ids."""
    head, *rows = await connection.fetch_together(
        READ, claim_keys, customer_ids, begins=is_head, joint=FOR_SEVERAL
    )
    return CardsReading(head["id"], claims_in(rows), cards_in(rows))


def _join(asked: Sequence[Arguments]) -> Arguments:
    questions = cast("Sequence[_Question]", asked)
    claim_keys = [key for keys, _ in questions for key in keys]
    return claim_keys, [id_ for _, ids in questions for id_ in ids]


def _part(rows: list[Row], asked: Sequence[Arguments]) -> list[list[Row]]:
    """For everybody the head, the claims that they asked for, and the cards that these lead to or
    that they asked for."""
    head, *others = rows
    claims: dict[UUID, Row] = {}
    cards: dict[int, list[Row]] = {}
    for row in others:
        key = row["claim_key"]
        if key is None:
            cards.setdefault(row["id"], []).append(row)
        else:
            claims[key] = row
    answers = []
    for keys, ids in cast("Sequence[_Question]", asked):
        held = [claims[key] for key in dict.fromkeys(keys) if key in claims]
        wanted = dict.fromkeys((*(row["id"] for row in held), *ids))
        answers.append([head, *held, *(row for id_ in wanted for row in cards.get(id_, ()))])
    return answers


FOR_SEVERAL = Joint(_join, _part)


async def search(
    connection: Connection, beginning: str, matches_max: int, limit: int, offset: int
) -> SearchPage:
    """Customers by the lower-case beginning of a name or an identifier, by their ids.

    At most `matches_max` names and as many identifiers are looked at, in alphabetical order.
    """
    after = beginning + _LAST_CHARACTER
    row = await connection.fetchrow(_SEARCH, beginning, after, matches_max, limit, offset)
    assert row is not None, "there is one row in any case"
    return SearchPage(row["customer_ids"], row["total"])


async def read_changes(
    connection: Connection, customer_id: int, limit: int, offset: int
) -> ChangesPage:
    """What has happened to a card, the last first."""
    row = await connection.fetchrow(_CHANGES, customer_id, limit, offset)
    assert row is not None, "there is one row in any case"
    changes = _CHANGE_ROWS.decode(row["changes"]) if row["changes"] else []
    return ChangesPage(changes, row["total"])


async def read_consent_changes(
    connection: Connection, at: datetime, id_: int, limit: int
) -> tuple[list[ConsentChangeRow], tuple[datetime, int] | None]:
    """What has been said about consents after that moment, and that change of it, in order; and
    how far that was looked for, None where to the end."""
    bound = await connection.fetchrow(_BOUND, at, id_, _CHANGES_LOOKED_AT_MAX - 1)
    end = None if bound is None else (bound["at"], bound["id"])
    rows = await connection.fetch(
        _CONSENT_CHANGES, at, id_, _CHANGES_LOOKED_AT_MAX, *(end or _NEVER), limit
    )
    return [ConsentChangeRow(**row) for row in rows], end
