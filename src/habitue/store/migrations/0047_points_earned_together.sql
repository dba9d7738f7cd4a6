-- Points that are given to many customers at once: one statement for all, and for each its own guard.

-- What is not pending is not looked for by its start, so it needs no entry.
CREATE INDEX loyalty_lot_starting ON loyalty_lot (customer_id, program_id, subledger, start)
WHERE remaining > 0 AND start > created;
DROP INDEX loyalty_lot_start;
ALTER INDEX loyalty_lot_starting RENAME TO loyalty_lot_start;

-- Each customer earns one lot on one account, as write_points would append it: places in the arrays
-- that belong together. Told are the places of those whose customer and account are at the versions
-- named, and who were joined with nobody; of the others nothing is written. The customer is held and
-- not changed: the account's version is what the next one is guarded by.
-- The settings are for plans that are made while tables are small, and kept.
CREATE FUNCTION earn_points(
    a_customers bigint[], a_customer_versions bigint[], a_roots bigint[], a_nows timestamptz[],
    a_programs bigint[], a_subledgers text[], a_versions bigint[], a_tiers jsonb[],
    a_moments timestamptz[], a_next_changes timestamptz[], a_active numeric[], a_keys uuid[],
    a_amounts numeric[], a_starts timestamptz[], a_expiries timestamptz[], a_validities text[],
    a_causes jsonb[]
) RETURNS SETOF bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(a_customers, a_customer_versions, a_roots, a_nows, a_programs,
            a_subledgers, a_versions, a_tiers, a_moments, a_next_changes, a_active, a_keys,
            a_amounts, a_starts, a_expiries, a_validities, a_causes) WITH ORDINALITY
            AS listed (customer_id, customer_version, root_id, booked, program_id, subledger,
                version, tier, moment, next_change, active, key, amount, start, expiry, validity,
                cause, place)
    ), standing AS MATERIALIZED (
        SELECT wanted.*, coalesce(account.sequence, 0) + 1 AS sequence,
            coalesce(account.last_hash, '') AS previous_hash
        FROM wanted
        CROSS JOIN LATERAL (
            SELECT id FROM customer
            WHERE id = wanted.customer_id AND version = wanted.customer_version AND NOT joined
            FOR NO KEY UPDATE
        ) AS held
        LEFT JOIN LATERAL (
            SELECT loyalty_account.sequence, last_hash FROM loyalty_account
            WHERE customer_id = wanted.customer_id AND program_id = wanted.program_id
                AND subledger = wanted.subledger AND root_id = wanted.root_id
                AND loyalty_account.version = wanted.version OFFSET 0
        ) AS account ON wanted.version > 0
        WHERE wanted.version = 0 OR account.sequence IS NOT NULL
    ), chained AS MATERIALIZED (
        -- as loyalty_hash and loyalty_postings_text have it
        SELECT standing.*, sha256(previous_hash || convert_to(concat_ws('|', root_id, program_id,
            subledger, sequence, key, 'earn', (extract(epoch FROM moment) * 1000000)::bigint,
            (extract(epoch FROM booked) * 1000000)::bigint, cause - 'name',
            concat('issued:', trim_scale(-amount), ',open:', key, ':', trim_scale(amount))),
            'UTF8')) AS hash
        FROM standing
    ), changed AS (
        UPDATE loyalty_account AS account SET version = account.version + 1,
            sequence = chained.sequence, last_hash = chained.hash,
            issued = issued - chained.amount, open = open + chained.amount, tier = chained.tier,
            moment = chained.moment, next_change = chained.next_change, active = chained.active
        FROM chained
        WHERE account.customer_id = chained.customer_id
            AND account.program_id = chained.program_id
            AND account.subledger = chained.subledger AND account.root_id = chained.root_id
            AND account.version = chained.version
            -- few rows are looked at, whichever of the two is gone through first
            AND account.customer_id = ANY (a_customers)
        RETURNING chained.place
    ), created AS (
        INSERT INTO loyalty_account (customer_id, program_id, subledger, root_id, sequence,
            last_hash, issued, open, tier, moment, next_change, active)
        SELECT customer_id, program_id, subledger, root_id, sequence, hash, -amount, amount, tier,
            moment, next_change, active
        FROM chained WHERE version = 0 ORDER BY place
        ON CONFLICT DO NOTHING
        RETURNING last_hash
    ), written AS MATERIALIZED (
        SELECT chained.*, nextval('loyalty_transaction_id') AS id FROM chained
        WHERE place IN (SELECT changed.place FROM changed)
            OR version = 0 AND hash IN (SELECT created.last_hash FROM created)
    ), lot AS (
        INSERT INTO loyalty_lot (customer_id, program_id, subledger, key, root_id, amount,
            remaining, created, start, expiry, validity, session_id)
        SELECT customer_id, program_id, subledger, key, root_id, amount, amount, moment, start,
            expiry, validity, (cause ->> 'session_id')::bigint
        FROM written
    ), transaction AS (
        INSERT INTO loyalty_transaction (customer_id, id, program_id, subledger, root_id, sequence,
            key, kind, at, booked, amount, start, expiry, validity, awaits, negative, cause,
            session_id, previous_hash, hash)
        SELECT customer_id, id, program_id, subledger, root_id, sequence, key, 'earn', moment,
            booked, amount, start, expiry, validity, start IS NULL, false, cause,
            (cause ->> 'session_id')::bigint, previous_hash, hash
        FROM written
    ), posting AS (
        INSERT INTO loyalty_posting (customer_id, transaction_id, position, root_id, place, amount,
            lot)
        SELECT customer_id, id, posting.position, root_id, posting.place, posting.amount,
            posting.lot
        FROM written CROSS JOIN LATERAL (VALUES (1, 'issued', -amount, NULL::uuid),
            (2, 'open', amount, key)) AS posting (position, place, amount, lot)
    )
    SELECT written.place FROM written;
END $$;
