"""Everything that is held on one person: reading it as one document, and removing it.

What is erased is described in the schema (`erase_customer`): the person goes, the books stay.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection


class HoldingsRow(msgspec.Struct, frozen=True):
    """Everything held on one person; `document` is JSON, with a list per kind of row."""

    customer_id: int
    erased: datetime | None
    document: bytes


_ERASE = "SELECT erase_customer($1, $2, $3, $4)"

# Receipts are told by when they were stored: their answers repeat what stands elsewhere.
_READ = """
WITH person AS (
    SELECT holder.* FROM customer AS named
    JOIN customer AS holder ON holder.id = coalesce(named.merged_into, named.id)
    WHERE named.id = $1
)
SELECT person.id AS customer_id, person.erased, jsonb_build_object(
    'customer', to_jsonb(person),
    'joined_customers', (
        SELECT coalesce(jsonb_agg(to_jsonb(victim) ORDER BY victim.id), '[]')
        FROM customer AS victim WHERE victim.merged_into = person.id),
    'roots', (
        SELECT coalesce(jsonb_agg(to_jsonb(card_root) ORDER BY root_id), '[]')
        FROM card_root WHERE customer_id = person.id),
    'parts', (
        SELECT coalesce(jsonb_agg(document ORDER BY root_id), '[]')
        FROM card_part WHERE customer_id = person.id),
    'consents', (
        SELECT coalesce(jsonb_agg(entry || jsonb_build_object('root_id', root_id)
            ORDER BY root_id, position), '[]')
        FROM card_part CROSS JOIN jsonb_array_elements(document -> 'consents')
            WITH ORDINALITY AS entries (entry, position)
        WHERE customer_id = person.id),
    'identifiers', (
        SELECT coalesce(jsonb_agg(to_jsonb(identifier) ORDER BY created, kind, value), '[]')
        FROM customer_identifier AS identifier WHERE customer_id = person.id),
    'shared_identifiers', (
        SELECT coalesce(jsonb_agg(to_jsonb(claim_holder) ORDER BY claim_key), '[]')
        FROM claim_holder WHERE root_id = person.id OR root_id IN (
            SELECT id FROM customer WHERE merged_into = person.id)),
    'sessions', (
        SELECT coalesce(jsonb_agg(document || jsonb_build_object('root_id', root_id)
            ORDER BY id), '[]')
        FROM session WHERE customer_id = person.id),
    'messages', (
        SELECT coalesce(jsonb_agg(to_jsonb(outbox) ORDER BY id), '[]')
        FROM outbox WHERE customer_id = person.id),
    'events', (
        SELECT coalesce(jsonb_agg(to_jsonb(session_event) ORDER BY id), '[]')
        FROM session_event WHERE customer_id = person.id),
    'redemptions', (
        SELECT coalesce(jsonb_agg(to_jsonb(redemption) ORDER BY redeemed_at, code), '[]')
        FROM redemption WHERE customer_id = person.id),
    'coupons', (
        SELECT coalesce(jsonb_agg(to_jsonb(coupon) ORDER BY coupon.id), '[]')
        FROM coupon WHERE recipient_integration_id <> '' AND recipient_integration_id IN (
            SELECT value FROM customer_identifier
            WHERE customer_id = person.id AND kind = 'integrationId')),
    'loyalty_cards', (
        SELECT coalesce(jsonb_agg(to_jsonb(loyalty_card) ORDER BY number), '[]')
        FROM loyalty_card WHERE customer_id = person.id),
    'program_cards', (
        SELECT coalesce(jsonb_agg(to_jsonb(card) || jsonb_build_object('linked', link.linked,
            'linked_as', link.integration_id) ORDER BY card.id), '[]')
        FROM program_card_link AS link JOIN program_card AS card ON card.id = link.card_id
        WHERE link.customer_id = person.id),
    'history', (
        SELECT coalesce(jsonb_agg(to_jsonb(customer_change) ORDER BY id), '[]')
        FROM customer_change WHERE customer_id = person.id),
    'merges', (
        SELECT coalesce(jsonb_agg(to_jsonb(customer_merge) - 'manifest' ORDER BY id), '[]')
        FROM customer_merge WHERE survivor_id = person.id OR victim_id = person.id
            OR victim_id IN (SELECT id FROM customer WHERE merged_into = person.id)),
    'merge_requests', (
        SELECT coalesce(jsonb_agg(to_jsonb(merge_request) ORDER BY merge_request.id), '[]')
        FROM merge_request WHERE survivor_id = person.id OR victim_id = person.id
            OR victim_id IN (SELECT id FROM customer WHERE merged_into = person.id)),
    'timeline', (
        SELECT coalesce(jsonb_agg(to_jsonb(customer_event) - 'customer_id'
            ORDER BY at, message_key), '[]')
        FROM customer_event WHERE customer_id = person.id),
    'devices', (
        SELECT coalesce(jsonb_agg(to_jsonb(customer_device) - 'customer_id' ORDER BY device_key),
            '[]')
        FROM customer_device WHERE customer_id = person.id),
    'audiences', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', audience_id, 'root_id', root_id,
            'joined', joined, 'name', audience.name) ORDER BY audience_id, root_id), '[]')
        FROM audience_member JOIN audience ON audience.id = audience_id
        WHERE customer_id = person.id),
    'achievements', (
        SELECT coalesce(jsonb_agg(to_jsonb(iteration) - 'customer_id'
            ORDER BY started, number), '[]')
        FROM achievement_progress AS iteration WHERE customer_id = person.id),
    'loyalty_programs', (
        SELECT coalesce(jsonb_agg(to_jsonb(membership) - 'customer_id' ORDER BY joined), '[]')
        FROM loyalty_membership AS membership WHERE customer_id = person.id),
    'points', (
        SELECT coalesce(jsonb_agg(to_jsonb(account) - 'customer_id' - 'last_hash'
            ORDER BY program_id, subledger, root_id), '[]')
        FROM loyalty_account AS account WHERE customer_id = person.id),
    'points_transactions', (
        SELECT coalesce(jsonb_agg(to_jsonb(posted) - 'customer_id' - 'previous_hash' - 'hash'
            ORDER BY posted.id), '[]')
        FROM loyalty_transaction AS posted WHERE customer_id = person.id),
    'tiers', (
        SELECT coalesce(jsonb_agg(to_jsonb(change) - 'customer_id' ORDER BY change.id), '[]')
        FROM loyalty_tier_change AS change WHERE customer_id = person.id),
    'stored_answers', (
        SELECT coalesce(jsonb_agg(created ORDER BY created), '[]')
        FROM receipt WHERE customer_id = person.id)
) AS document
FROM person
"""


async def read_holdings(connection: Connection, customer_id: int) -> HoldingsRow | None:
    """Everything held on the person of that id, of whatever card it is a part; None for nobody."""
    row = await connection.fetchrow(_READ, customer_id)
    return None if row is None else HoldingsRow(**row)


async def erase(
    connection: Connection,
    customer_id: int | None,
    claim_key: UUID | None,
    now: datetime,
    actor: bytes,
) -> bool:
    """Removes what is known of the person of that id, or of whoever holds that claim.

    False where there is nobody, or nothing is known any more. Raises `GuardFailed` where the card
    is being joined or taken apart at this moment.
    """
    return bool(await connection.fetchval(_ERASE, customer_id, claim_key, now, actor))
