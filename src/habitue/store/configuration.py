"""The configuration in the database: read what changed, save changes as a whole or not at all.

Words: a *row* is one entity as a document, of one *kind*; what is in the document is the business
of `habitue.usecases.configuration`. All changes of one decision are saved in one statement, which
takes the next version and stamps every row with it; it does so only while the version is still the
one that the decision was made upon. So whatever was checked against a configuration (names, ids,
types of rules) still holds when it is saved.

Removal is soft, so that workers which hold an older version learn of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.statements import Joint

OrganisationKind = Literal[
    "source_account",
    "till",
    "extended_field",
    "custom_field",
    "status_label",
    "card_label",
    "card_series",
    "registration_settings",
]
NamedKind = Literal[
    OrganisationKind,
    "achievement",
    "webhook",
    "store",
    "collection",
    "value_map",
    "notification",
    "catalog",
    "price_type",
    "cart_item_filter",
    "experiment",
    "campaign_template",
    "revision",
    "user",
    "role",
]
Kind = Literal[
    "application",
    "attribute",
    "additional_cost",
    "campaign",
    "ruleset",
    "api_key",
    "loyalty_program",
    "audience",
    "giveaway_pool",
    NamedKind,
    "event_type",
    OrganisationKind,
]
#: The kinds that share one table: few entries, each told apart by a name.
SHARED_TABLE_KINDS: frozenset[str] = frozenset(get_args(NamedKind))


class ConfigurationRow(msgspec.Struct, frozen=True):
    """One entity as stored; only keys have a digest, and their document does not hold it."""

    kind: Kind
    id: int
    deleted: bool
    document: bytes
    key_hash: bytes | None = None


class ConfigurationWrite(msgspec.Struct, frozen=True):
    """One entity as it shall be stored: its document, and what of it stands in columns."""

    kind: Kind
    id: int
    document: msgspec.Raw
    deleted: bool = False
    name: str | None = None
    entity: str | None = None
    event_type: str | None = None
    application_id: int | None = None
    campaign_id: int | None = None
    active_ruleset_id: int | None = None
    key_hash: str | None = None


_VERSION = "SELECT version FROM configuration"

_LOAD = """
SELECT 'configuration' AS kind, version AS id, false AS deleted, NULL::jsonb AS document,
    NULL::bytea AS key_hash FROM configuration
UNION ALL
SELECT 'application', id, deleted, document, NULL FROM application WHERE changed_version > $1
UNION ALL
SELECT 'attribute', id, deleted, document, NULL FROM attribute WHERE changed_version > $1
UNION ALL
SELECT 'additional_cost', id, deleted, document, NULL FROM additional_cost
WHERE changed_version > $1
UNION ALL
SELECT 'campaign', id, deleted, document, NULL FROM campaign WHERE changed_version > $1
UNION ALL
SELECT 'ruleset', ruleset.id, false, ruleset.document, NULL
FROM campaign JOIN ruleset ON ruleset.id = campaign.active_ruleset_id
WHERE campaign.changed_version > $1 AND NOT campaign.deleted
UNION ALL
SELECT 'api_key', id, deleted, document, key_hash FROM api_key WHERE changed_version > $1
UNION ALL
SELECT kind, id, deleted, document, NULL FROM organisation_entry WHERE changed_version > $1
UNION ALL
SELECT 'loyalty_program', id, deleted, document, NULL FROM loyalty_program
WHERE changed_version > $1
UNION ALL
SELECT 'audience', id, deleted, document, NULL FROM audience WHERE changed_version > $1
UNION ALL
SELECT 'giveaway_pool', id, deleted, document, NULL FROM giveaway_pool WHERE changed_version > $1
UNION ALL
SELECT 'event_type', id, deleted, document, NULL FROM event_type WHERE changed_version > $1
"""

_NEW_IDS = """
SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2::integer)
"""

_LOAD_RULESET = """
SELECT document FROM ruleset WHERE campaign_id = $1 AND id = $2 AND NOT deleted
"""

_COUNT_RULESETS = "SELECT count(*) FROM ruleset WHERE campaign_id = $1 AND NOT deleted"

_LIST_RULESETS = """
SELECT document FROM ruleset WHERE campaign_id = $1 AND NOT deleted
ORDER BY id {direction} OFFSET $2 LIMIT $3
"""

_SAVE = """
WITH next AS (
    UPDATE configuration SET version = version + 1 WHERE version = $1 RETURNING version
), change AS (
    SELECT next.version, listed.* FROM next, jsonb_to_recordset($2::jsonb) AS listed (
        kind text, id bigint, deleted boolean, document jsonb, name text, entity text,
        event_type text, application_id bigint, campaign_id bigint, active_ruleset_id bigint,
        key_hash text
    )
), applications AS (
    INSERT INTO application (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'application'
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), attributes AS (
    INSERT INTO attribute (id, entity, name, event_type, document, deleted, changed_version)
    SELECT id, entity, name, event_type, document, deleted, version
    FROM change WHERE kind = 'attribute'
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, deleted = excluded.deleted,
        changed_version = excluded.changed_version
), additional_costs AS (
    INSERT INTO additional_cost (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'additional_cost'
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, deleted = excluded.deleted,
        changed_version = excluded.changed_version
), campaigns AS (
    INSERT INTO campaign
        (id, application_id, name, active_ruleset_id, document, deleted, changed_version)
    SELECT id, application_id, name, active_ruleset_id, document, deleted, version
    FROM change WHERE kind = 'campaign'
    ON CONFLICT (id) DO UPDATE SET name = excluded.name,
        active_ruleset_id = excluded.active_ruleset_id, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), rulesets AS (
    INSERT INTO ruleset (id, campaign_id, document, deleted, changed_version)
    SELECT id, campaign_id, document, deleted, version FROM change WHERE kind = 'ruleset'
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, deleted = excluded.deleted,
        changed_version = excluded.changed_version
), api_keys AS (
    INSERT INTO api_key (id, key_hash, document, deleted, changed_version)
    SELECT id, decode(key_hash, 'hex'), document, deleted, version
    FROM change WHERE kind = 'api_key'
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, deleted = excluded.deleted,
        changed_version = excluded.changed_version
), loyalty_programs AS (
    INSERT INTO loyalty_program (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'loyalty_program'
    ON CONFLICT (id) DO UPDATE SET document = excluded.document, deleted = excluded.deleted,
        changed_version = excluded.changed_version
), giveaway_pools AS (
    INSERT INTO giveaway_pool (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'giveaway_pool'
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), audiences AS (
    INSERT INTO audience (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'audience'
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), event_types AS (
    INSERT INTO event_type (id, name, document, deleted, changed_version)
    SELECT id, name, document, deleted, version FROM change WHERE kind = 'event_type'
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), organisation_entries AS (
    INSERT INTO organisation_entry (id, kind, name, document, deleted, changed_version)
    SELECT id, kind, name, document, deleted, version FROM change WHERE kind = ANY ($3::text[])
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, document = excluded.document,
        deleted = excluded.deleted, changed_version = excluded.changed_version
), logged AS (
    INSERT INTO configuration_change
        (at, version, kind, entity_id, application_id, campaign_id, key_id, actor, old, new)
    SELECT coalesce($4, now()), version, kind, id,
        CASE WHEN kind = 'application' THEN id ELSE application_id END, campaign_id, $5, $6,
        without_secrets(configuration_document(kind,
            CASE WHEN kind = ANY ($3) THEN 'organisation_entry' ELSE kind END, id)),
        CASE WHEN NOT deleted THEN without_secrets(document) END
    FROM change
)
SELECT version FROM next
"""


_FOR_ALL = Joint(lambda asked: (), lambda rows, asked: [rows] * len(asked))


async def load_changes(connection: Connection, since: int) -> tuple[int, list[ConfigurationRow]]:
    """The newest version, and every row that changed after the version `since`.

    Of rulesets only those that are active in a changed campaign are read. That nothing has changed,
    which is usual, is told to all who ask at a time by one look.
    """
    (newest,) = await connection.fetch_together(_VERSION, joint=_FOR_ALL)
    if newest["version"] == since:
        return since, []
    rows = await connection.fetch(_LOAD, since)
    version = next(row["id"] for row in rows if row["kind"] == "configuration")
    changed = [ConfigurationRow(**row) for row in rows if row["kind"] != "configuration"]
    return version, changed


async def new_ids(connection: Connection, kind: Kind, count: int = 1) -> list[int]:
    """Ids that no other entity of that kind has, or will be given."""
    table = "organisation_entry" if kind in SHARED_TABLE_KINDS else kind
    return [row["id"] for row in await connection.fetch(_NEW_IDS, table, count)]


async def save_changes(
    connection: Connection,
    version: int,
    writes: Sequence[ConfigurationWrite],
    *,
    at: datetime | None = None,
    key_id: int | None = None,
    actor: str = "",
) -> None:
    """Saves all `writes`, which were decided upon that version, and logs who did it and when.

    Raises `GuardFailed`, with nothing saved, when the version has moved.
    """
    shared = sorted(SHARED_TABLE_KINDS)
    logged = (at, key_id, actor)
    if await connection.fetchval(_SAVE, version, encode(writes), shared, *logged) is None:
        raise GuardFailed("configuration")


async def load_ruleset(connection: Connection, campaign_id: int, ruleset_id: int) -> bytes | None:
    """The document of one ruleset, active or not."""
    document: bytes | None = await connection.fetchval(_LOAD_RULESET, campaign_id, ruleset_id)
    return document


async def list_rulesets(
    connection: Connection, campaign_id: int, skip: int, limit: int, newest_first: bool
) -> tuple[int, list[bytes]]:
    """How many rulesets the campaign has, and the documents of one page of them."""
    statement = _LIST_RULESETS.format(direction="DESC" if newest_first else "ASC")
    total = await connection.fetchval(_COUNT_RULESETS, campaign_id)
    rows = await connection.fetch(statement, campaign_id, skip, limit)
    return total, [row["document"] for row in rows]
