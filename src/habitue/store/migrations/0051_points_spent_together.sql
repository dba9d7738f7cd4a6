-- Points that many customers spend at once: one statement for all, and for each its own guard.

-- Each customer spends from lots of one account, as write_points would append it: places in the arrays
-- that belong together; `a_parts` are lists of {lot, amount} in the order of spending, which sum to
-- `a_amounts`. Told are the places of those whose customer and account are at the versions named, and
-- who were joined with nobody; of the others nothing is written. The account's version is what keeps
-- a point from being spent twice. The settings are those of earn_points.
CREATE FUNCTION spend_points(
    a_customers bigint[], a_customer_versions bigint[], a_roots bigint[], a_nows timestamptz[],
    a_programs bigint[], a_subledgers text[], a_versions bigint[], a_tiers jsonb[],
    a_moments timestamptz[], a_next_changes timestamptz[], a_active numeric[], a_keys uuid[],
    a_amounts numeric[], a_parts jsonb[], a_causes jsonb[]
) RETURNS SETOF bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(a_customers, a_customer_versions, a_roots, a_nows, a_programs,
            a_subledgers, a_versions, a_tiers, a_moments, a_next_changes, a_active, a_keys,
            a_amounts, a_parts, a_causes) WITH ORDINALITY
            AS listed (customer_id, customer_version, root_id, booked, program_id, subledger,
                version, tier, moment, next_change, active, key, amount, parts, cause, place)
    ), standing AS MATERIALIZED (
        SELECT wanted.*, account.sequence + 1 AS sequence, account.last_hash AS previous_hash
        FROM wanted
        CROSS JOIN LATERAL (
            SELECT id FROM customer
            WHERE id = wanted.customer_id AND version = wanted.customer_version AND NOT joined
            FOR NO KEY UPDATE
        ) AS held
        CROSS JOIN LATERAL (
            SELECT loyalty_account.sequence, last_hash FROM loyalty_account
            WHERE customer_id = wanted.customer_id AND program_id = wanted.program_id
                AND subledger = wanted.subledger AND root_id = wanted.root_id
                AND loyalty_account.version = wanted.version OFFSET 0
        ) AS account
    ), chained AS MATERIALIZED (
        -- as loyalty_hash and loyalty_postings_text have it
        SELECT standing.*, sha256(previous_hash || convert_to(concat_ws('|', root_id, program_id,
            subledger, sequence, key, 'spend', (extract(epoch FROM moment) * 1000000)::bigint,
            (extract(epoch FROM booked) * 1000000)::bigint, cause - 'name', posted.told),
            'UTF8')) AS hash
        FROM standing CROSS JOIN LATERAL (
            SELECT string_agg(concat('open:', part.lot, ':', trim_scale(-part.amount), ',spent:',
                part.lot, ':', trim_scale(part.amount)), ',' ORDER BY part.number) AS told
            FROM ROWS FROM (jsonb_to_recordset(standing.parts) AS (lot uuid, amount numeric))
                WITH ORDINALITY AS part (lot, amount, number)
        ) AS posted
    ), changed AS (
        UPDATE loyalty_account AS account SET version = account.version + 1,
            sequence = chained.sequence, last_hash = chained.hash,
            open = open - chained.amount, spent = spent + chained.amount, tier = chained.tier,
            moment = chained.moment, next_change = chained.next_change, active = chained.active
        FROM chained
        WHERE account.customer_id = chained.customer_id
            AND account.program_id = chained.program_id
            AND account.subledger = chained.subledger AND account.root_id = chained.root_id
            AND account.version = chained.version
            -- few rows are looked at, whichever of the two is gone through first
            AND account.customer_id = ANY (a_customers)
        RETURNING chained.place
    ), written AS MATERIALIZED (
        SELECT chained.*, nextval('loyalty_transaction_id') AS id FROM chained
        WHERE place IN (SELECT changed.place FROM changed)
    ), taken AS MATERIALIZED (
        SELECT written.customer_id, written.program_id, written.subledger, written.root_id,
            written.id, part.lot, part.amount, part.number
        FROM written CROSS JOIN LATERAL ROWS FROM (
            jsonb_to_recordset(written.parts) AS (lot uuid, amount numeric)
        ) WITH ORDINALITY AS part (lot, amount, number)
    ), emptied AS (
        UPDATE loyalty_lot SET remaining = remaining - taken.amount
        FROM taken
        WHERE loyalty_lot.customer_id = taken.customer_id
            AND loyalty_lot.program_id = taken.program_id
            AND loyalty_lot.subledger = taken.subledger AND loyalty_lot.key = taken.lot
    ), transaction AS (
        INSERT INTO loyalty_transaction (customer_id, id, program_id, subledger, root_id, sequence,
            key, kind, at, booked, amount, validity, awaits, negative, cause, session_id,
            previous_hash, hash)
        SELECT customer_id, id, program_id, subledger, root_id, sequence, key, 'spend', moment,
            booked, -amount, '', false, false, cause, (cause ->> 'session_id')::bigint,
            previous_hash, hash
        FROM written
    ), posting AS (
        INSERT INTO loyalty_posting (customer_id, transaction_id, position, root_id, place, amount,
            lot)
        SELECT customer_id, id, 2 * number + posting.step, root_id, posting.place, posting.amount,
            lot
        FROM taken CROSS JOIN LATERAL (VALUES (-1, 'open', -taken.amount),
            (0, 'spent', taken.amount)) AS posting (step, place, amount)
    )
    SELECT written.place FROM written;
END $$;
