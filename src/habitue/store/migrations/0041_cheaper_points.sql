-- Writing points with fewer statements: an account is written once, however much is posted to it, and
-- so is a lot; parts of a write that are not there cost nothing.

-- One index finds a key and keeps it from being taken twice on an account.
CREATE UNIQUE INDEX loyalty_transaction_by_key
    ON loyalty_transaction (key, customer_id, program_id, subledger, root_id);
DROP INDEX loyalty_transaction_key;
DROP INDEX loyalty_transaction_named;
ALTER INDEX loyalty_transaction_by_key RENAME TO loyalty_transaction_key;

DROP FUNCTION append_postings(bigint, bigint, text, timestamptz, jsonb);
DROP FUNCTION guard_account(bigint, bigint, text, jsonb);

-- The sets of one account, appended and laid over it; the account as it was decided upon: at that
-- version, or new. `a_ids` has an id for each of `a_sets`, which are of all accounts.
CREATE FUNCTION append_postings(
    a_customer_id bigint, a_program_id bigint, a_subledger text, a_now timestamptz,
    a_account jsonb, a_sets jsonb, a_ids bigint[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
    account loyalty_account;
    posted loyalty_transaction;
    sums record;
    listed jsonb;
    number integer := 0;
    appended integer := 0;
BEGIN
    SELECT * INTO wanted FROM jsonb_to_record(a_account) AS told (root_id bigint, version bigint,
        tier jsonb, moment timestamptz, next_change timestamptz, active numeric);
    IF wanted.version > 0 THEN
        SELECT * INTO account FROM loyalty_account
        WHERE customer_id = a_customer_id AND program_id = a_program_id
            AND subledger = a_subledger AND root_id = wanted.root_id;
    END IF;
    IF account.version IS NULL THEN
        SELECT '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 INTO account.last_hash, account.sequence,
            account.deleted_through, account.issued, account.open, account.held, account.spent,
            account.expired, account.voided, account.transferred, account.debt;
    END IF;
    WHILE number < cardinality(a_ids) LOOP
        listed := a_sets -> number;
        number := number + 1;
        posted := jsonb_populate_record(NULL::loyalty_transaction, listed);
        CONTINUE WHEN posted.root_id <> wanted.root_id;
        posted.customer_id := a_customer_id;
        posted.id := a_ids[number];
        posted.program_id := a_program_id;
        posted.subledger := a_subledger;
        posted.booked := a_now;
        posted.session_id := (posted.cause ->> 'session_id')::bigint;
        WITH posting AS (
            INSERT INTO loyalty_posting
                (customer_id, transaction_id, position, root_id, place, amount, lot)
            SELECT a_customer_id, posted.id, told.position, posted.root_id, told.place,
                told.amount, told.lot
            FROM ROWS FROM (jsonb_to_recordset(listed -> 'postings')
                AS (place text, amount numeric, lot uuid)) WITH ORDINALITY
                AS told (place, amount, lot, position)
            RETURNING loyalty_posting.*
        )
        SELECT coalesce(sum(amount), 0) AS everything,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'issued'), 0) AS issued,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'open'), 0) AS open,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'held'), 0) AS held,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'spent'), 0) AS spent,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'expired'), 0) AS expired,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'voided'), 0) AS voided,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'transferred'), 0) AS transferred,
            coalesce(sum(amount) FILTER (WHERE posting.place = 'debt'), 0) AS debt,
            -- as loyalty_postings_text tells them
            coalesce(string_agg(concat_ws(':', posting.place, lot, trim_scale(amount)), ','
                ORDER BY position), '') AS told
        INTO sums FROM posting;
        IF sums.everything <> 0 THEN
            RAISE EXCEPTION 'a posting set does not sum to zero';
        END IF;
        posted.amount := CASE
            WHEN posted.kind IN ('earn', 'spend', 'post_hold', 'take_back', 'reimburse')
                THEN -(sums.issued + sums.spent + sums.voided)
            ELSE sums.open
        END;
        account.sequence := account.sequence + 1;
        posted.sequence := account.sequence;
        posted.previous_hash := account.last_hash;
        posted.hash := loyalty_hash(posted.previous_hash, posted, sums.told);
        account.last_hash := posted.hash;
        INSERT INTO loyalty_transaction VALUES (posted.*);
        account.issued := account.issued + sums.issued;
        account.open := account.open + sums.open;
        account.held := account.held + sums.held;
        account.spent := account.spent + sums.spent;
        account.expired := account.expired + sums.expired;
        account.voided := account.voided + sums.voided;
        account.transferred := account.transferred + sums.transferred;
        account.debt := account.debt + sums.debt;
        IF posted.kind = 'delete' THEN
            account.deleted_through := posted.sequence;
        END IF;
        appended := appended + 1;
    END LOOP;
    IF wanted.version = 0 THEN
        INSERT INTO loyalty_account (customer_id, program_id, subledger, root_id, sequence,
            last_hash, deleted_through, issued, open, held, spent, expired, voided, transferred,
            debt, tier, moment, next_change, active)
        VALUES (a_customer_id, a_program_id, a_subledger, wanted.root_id, account.sequence,
            account.last_hash, account.deleted_through, account.issued, account.open, account.held,
            account.spent, account.expired, account.voided, account.transferred, account.debt,
            nullif(wanted.tier, 'null'), wanted.moment, wanted.next_change, wanted.active)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE loyalty_account SET version = version + 1, sequence = account.sequence,
            last_hash = account.last_hash, deleted_through = account.deleted_through,
            issued = account.issued, open = account.open, held = account.held,
            spent = account.spent, expired = account.expired, voided = account.voided,
            transferred = account.transferred, debt = account.debt,
            tier = nullif(wanted.tier, 'null'), moment = wanted.moment,
            next_change = wanted.next_change, active = wanted.active
        WHERE customer_id = a_customer_id AND program_id = a_program_id
            AND subledger = a_subledger AND root_id = wanted.root_id
            AND version = wanted.version;
    END IF;
    IF NOT FOUND THEN
        PERFORM guard_failed('points');
    END IF;
    RETURN appended;
END $$;

-- What the sets move into and out of lots, with the terms of those lots. Of those named new no row
-- is there yet.
CREATE FUNCTION write_lots(
    a_customer_id bigint, a_program_id bigint, a_subledger text, a_ledger jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF a_ledger -> 'new_lots' <> '[]' THEN
        INSERT INTO loyalty_lot (customer_id, program_id, subledger, key, root_id, amount,
            remaining, taken, expired, created, start, expiry, validity, session_id)
        SELECT a_customer_id, a_program_id, a_subledger, key, root_id, lot.amount,
            coalesce(moved.amount, 0), taken, expired, created, start, expiry, validity, session_id
        FROM jsonb_to_recordset(a_ledger -> 'new_lots') AS lot (key uuid, root_id bigint,
            amount numeric, taken numeric, expired numeric, created timestamptz,
            start timestamptz, expiry timestamptz, validity text, session_id bigint)
        LEFT JOIN lots_moved(a_ledger -> 'sets') AS moved ON moved.lot = lot.key;
    END IF;
    IF a_ledger -> 'lots' <> '[]' THEN
        UPDATE loyalty_lot SET remaining = remaining + coalesce(moved.amount, 0),
            taken = lot.taken, expired = lot.expired, start = lot.start, expiry = lot.expiry
        FROM jsonb_to_recordset(a_ledger -> 'lots') AS lot (key uuid, taken numeric,
            expired numeric, start timestamptz, expiry timestamptz)
        LEFT JOIN lots_moved(a_ledger -> 'sets') AS moved ON moved.lot = lot.key
        WHERE loyalty_lot.customer_id = a_customer_id AND loyalty_lot.program_id = a_program_id
            AND loyalty_lot.subledger = a_subledger AND loyalty_lot.key = lot.key
            -- by their keys, however many lots the owner has
            AND loyalty_lot.key = ANY (ARRAY(
                SELECT key FROM jsonb_to_recordset(a_ledger -> 'lots') AS listed (key uuid)));
    END IF;
    IF a_ledger @> '{"sets": [{"kind": "delete"}]}' THEN
        UPDATE loyalty_lot SET deleted = true
        FROM jsonb_to_recordset(a_ledger -> 'sets') AS posted (kind text, root_id bigint)
        WHERE posted.kind = 'delete' AND loyalty_lot.customer_id = a_customer_id
            AND loyalty_lot.program_id = a_program_id AND loyalty_lot.subledger = a_subledger
            AND loyalty_lot.root_id = posted.root_id;
    END IF;
END $$;

CREATE FUNCTION lots_moved(a_sets jsonb) RETURNS TABLE (lot uuid, amount numeric)
LANGUAGE sql IMMUTABLE AS $$
    SELECT posting.lot, sum(posting.amount)
    FROM jsonb_array_elements(a_sets) AS posted,
        jsonb_to_recordset(posted -> 'postings') AS posting (place text, amount numeric, lot uuid)
    WHERE posting.place = 'open' GROUP BY posting.lot
$$;

CREATE FUNCTION write_holds(
    a_customer_id bigint, a_program_id bigint, a_subledger text, a_ledger jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM loyalty_hold
    USING jsonb_to_recordset(a_ledger -> 'released') AS gone (key uuid, lot uuid)
    WHERE loyalty_hold.customer_id = a_customer_id
        AND loyalty_hold.program_id = a_program_id
        AND loyalty_hold.subledger = a_subledger
        AND loyalty_hold.key = gone.key AND loyalty_hold.lot = gone.lot;
    INSERT INTO loyalty_hold
        (customer_id, program_id, subledger, key, lot, root_id, amount, expires)
    SELECT a_customer_id, a_program_id, a_subledger, key, lot, root_id, amount, expires
    FROM jsonb_to_recordset(a_ledger -> 'holds') AS hold (key uuid, lot uuid, root_id bigint,
        amount numeric, expires timestamptz);
END $$;

-- What was decided about the points of one owner, or nothing; part of whatever write it belongs to,
-- which guards the owner. Each ledger: {program_id, subledger, root_id, accounts, new_lots, lots,
-- holds, released, sets, tier_changes, joined}.
CREATE OR REPLACE FUNCTION write_points(a_customer_id bigint, a_now timestamptz, a_ledgers jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ledger jsonb;
    listed jsonb;
    a_program_id bigint;
    a_subledger text;
    ids bigint[];
    appended integer;
BEGIN
    FOR ledger IN SELECT jsonb_array_elements(a_ledgers) LOOP
        a_program_id := (ledger ->> 'program_id')::bigint;
        a_subledger := ledger ->> 'subledger';
        ids := '{}';
        WHILE cardinality(ids) < jsonb_array_length(ledger -> 'sets') LOOP
            ids := ids || nextval('loyalty_transaction_id');
        END LOOP;
        appended := 0;
        -- by root, as the caller lists them, so that nobody waits in a circle
        FOR listed IN SELECT jsonb_array_elements(ledger -> 'accounts') LOOP
            appended := appended + append_postings(a_customer_id, a_program_id, a_subledger, a_now,
                listed, ledger -> 'sets', ids);
        END LOOP;
        IF appended <> cardinality(ids) THEN
            RAISE EXCEPTION 'a posting set is of no account';
        END IF;
        PERFORM write_lots(a_customer_id, a_program_id, a_subledger, ledger);
        IF ledger -> 'holds' <> '[]' OR ledger -> 'released' <> '[]' THEN
            PERFORM write_holds(a_customer_id, a_program_id, a_subledger, ledger);
        END IF;
        IF ledger -> 'tier_changes' <> '[]' THEN
            INSERT INTO loyalty_tier_change (customer_id, id, program_id, subledger, root_id, at,
                cause, old_name, new_name, expiry)
            SELECT a_customer_id, nextval('loyalty_transaction_id'), a_program_id, a_subledger,
                (change ->> 'root_id')::bigint, (change ->> 'at')::timestamptz, change ->> 'cause',
                change ->> 'old_name', change ->> 'new_name', (change ->> 'expiry')::timestamptz
            FROM jsonb_array_elements(ledger -> 'tier_changes') WITH ORDINALITY
                AS told (change, position)
            ORDER BY position;
        END IF;
        IF ledger ->> 'joined' IS NOT NULL THEN
            INSERT INTO loyalty_membership (customer_id, program_id, root_id, joined)
            VALUES (a_customer_id, a_program_id, (ledger ->> 'root_id')::bigint,
                (ledger ->> 'joined')::timestamptz)
            ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
END $$;
