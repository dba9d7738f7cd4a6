"""Noting in the outbox what time has brought about, and reading what notices name.

How far it has been looked is kept for each notification. Whoever moves it on holds it meanwhile, so
that each thing is noted once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from habitue.model.documents import encode
from habitue.store.database import Connection, Transaction

_WATCH = """
INSERT INTO notification_watch (notification_id, through) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_THROUGH = """
SELECT through FROM notification_watch WHERE notification_id = $1 AND through < $2
FOR UPDATE SKIP LOCKED
"""
_MOVE = "UPDATE notification_watch SET through = $2 WHERE notification_id = $1"

_MESSAGE = """
INSERT INTO outbox (customer_id, root_id, message_id, destination, destination_id, document,
    application_id, campaign_id, created, due)
"""

_PENDING = f"""
{_MESSAGE}
SELECT customer_id, nullif(root_id, customer_id), gen_random_uuid(), 'notification', $1,
    jsonb_build_object('type', 'pending_to_active_points', 'program_id', program_id,
        'subledger', subledger, 'profile_id', profile_name(customer_id, root_id),
        'points', remaining, 'start', start, 'expiry', expiry, 'session_key', coalesce((
            SELECT integration_id FROM session
            WHERE session.customer_id = lot.customer_id AND session.id = lot.session_id), '')),
    NULL, NULL, $4, $4
FROM loyalty_lot AS lot
WHERE program_id = $2 AND start > created AND start > $3 AND start <= $4 AND remaining > 0
ORDER BY start, key
"""

_EXPIRING = f"""
{_MESSAGE}
SELECT 0, NULL, gen_random_uuid(), 'notification', $1,
    jsonb_build_object('type', 'expiring_coupons', 'coupon_ids', jsonb_agg(id ORDER BY id)),
    $2, NULL, $5, $5
FROM (
    SELECT id, (row_number() OVER (ORDER BY expiry_date, id) - 1) / 500 AS part FROM coupon
    WHERE application_id = $2 AND expiry_date > $3 AND expiry_date <= $4
        AND (usage_limit = 0 OR usage_counter < usage_limit)
) AS listed
GROUP BY part ORDER BY part
"""

# What ends for one customer at one moment in one subledger is told together.
_EXPIRING_POINTS = f"""
{_MESSAGE}
SELECT customer_id, nullif(root_id, customer_id), gen_random_uuid(), 'notification', $1,
    jsonb_build_object('type', 'expiring_points', 'program_id', $2::bigint,
        'subledger', subledger, 'profile_id', profile_name(customer_id, root_id),
        'points', sum(remaining), 'expiry', expiry, 'timezone', $6::text),
    NULL, NULL, $5, $5
FROM loyalty_lot
WHERE program_id = $2 AND expiry > $3 AND expiry <= $4 AND remaining > 0
GROUP BY customer_id, root_id, subledger, expiry ORDER BY expiry, customer_id
"""

# Whose the card is by then is read when it is told.
_EXPIRING_CARD_POINTS = f"""
{_MESSAGE}
SELECT owner_id, NULL, gen_random_uuid(), 'notification', $1,
    jsonb_build_object('type', 'card_expiring_points', 'program_id', $2::bigint,
        'subledger', subledger, 'card_owner_id', owner_id, 'users_per_card', $7::integer,
        'points', sum(remaining), 'expiry', expiry, 'timezone', $6::text),
    NULL, NULL, $5, $5
FROM loyalty_lot AS lot JOIN program_card ON owner_id = customer_id
WHERE lot.program_id = $2 AND expiry > $3 AND expiry <= $4 AND remaining > 0
    AND program_card.deleted IS NULL
GROUP BY owner_id, subledger, expiry ORDER BY expiry, owner_id
"""

_CARD = """
SELECT identifier, ARRAY(
    SELECT link ->> 'integration_id'
    FROM jsonb_array_elements(program_card_document(card) -> 'links') AS link
) AS profile_ids
FROM program_card AS card WHERE owner_id = $1 AND deleted IS NULL
"""

_COUPONS = """
SELECT to_jsonb(coupon) AS document FROM coupon
WHERE application_id = $1 AND id = ANY ($2::bigint[]) ORDER BY id
"""


async def take_over(
    transaction: Transaction, notification_id: int, until: datetime
) -> datetime | None:
    """Up to which moment it has been looked for the notification, which this transaction looks on
    for; None where that is far enough, or somebody else does."""
    await transaction.execute(_WATCH, notification_id, until)
    through: datetime | None = await transaction.fetchval(_THROUGH, notification_id, until)
    return through


async def move_on(connection: Connection, notification_id: int, until: datetime) -> None:
    """It has been looked up to that moment."""
    await connection.execute(_MOVE, notification_id, until)


async def note_active_points(
    connection: Connection,
    notification_id: int,
    program_id: int,
    since: datetime,
    until: datetime,
) -> None:
    """Notes the points that waited and became active after `since`, until `until`."""
    await connection.execute(_PENDING, notification_id, program_id, since, until)


async def note_expiring_points(
    connection: Connection,
    notification_id: int,
    program: tuple[int, str],
    since: datetime,
    until: datetime,
    before: timedelta,
) -> None:
    """Notes the points whose end came as near as `before` in that time, in the program of that id
    and time zone."""
    program_id, timezone = program
    await connection.execute(
        _EXPIRING_POINTS,
        notification_id,
        program_id,
        since + before,
        until + before,
        until,
        timezone,
    )


async def note_expiring_card_points(
    connection: Connection,
    notification_id: int,
    program: tuple[int, str, int],
    since: datetime,
    until: datetime,
    before: timedelta,
) -> None:
    """Notes the points of cards whose end came as near as `before` in that time, in the program of
    that id and time zone, where so many may share a card."""
    program_id, timezone, users_per_card = program
    await connection.execute(
        _EXPIRING_CARD_POINTS,
        notification_id,
        program_id,
        since + before,
        until + before,
        until,
        timezone,
        users_per_card,
    )


async def note_expiring_coupons(
    connection: Connection,
    notification_id: int,
    application_id: int,
    since: datetime,
    until: datetime,
    before: timedelta,
) -> None:
    """Notes the coupons that can be used and whose end came as near as `before` in that time."""
    await connection.execute(
        _EXPIRING, notification_id, application_id, since + before, until + before, until
    )


async def note(
    connection: Connection,
    notification_id: int,
    application_id: int,
    campaign_id: int,
    document: object,
    now: datetime,
) -> None:
    """Notes something about nobody in particular."""
    await connection.execute(
        f"{_MESSAGE} VALUES (0, NULL, gen_random_uuid(), 'notification', $1, $2, $3, $4, $5, $5)",
        notification_id,
        encode(document),
        application_id,
        campaign_id,
        now,
    )


async def card_of(connection: Connection, owner_id: int) -> tuple[str, tuple[str, ...]] | None:
    """The identifier of the card that owns points under that id, and the profiles that are linked
    to it; None where it was deleted."""
    row = await connection.fetchrow(_CARD, owner_id)
    return None if row is None else (row["identifier"], tuple(row["profile_ids"]))


async def keep_quiet(connection: Connection) -> None:
    """Nothing that this transaction does is notified of."""
    await connection.execute("SET LOCAL habitue.notifications = 'off'")


async def coupons_of(
    connection: Connection, application_id: int, ids: Sequence[int]
) -> list[bytes]:
    """The documents of those coupons that are still there."""
    return [row["document"] for row in await connection.fetch(_COUPONS, application_id, ids)]
