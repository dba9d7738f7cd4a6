-- Joining cards and taking them apart again. What belongs to a card carries the customer's id and a
-- root: a table that has both columns belongs to the card and moves with it. A card that was joined
-- moves by its own id and those of the cards that were joined into it before.

-- `joined` says that there is more than one root, so that nobody else has to look.
ALTER TABLE customer ADD COLUMN joined boolean NOT NULL DEFAULT false;
ALTER TABLE receipt ADD COLUMN root_id bigint;
CREATE INDEX customer_merge_survivor ON customer_merge (survivor_id);

-- The roots of a joined card: what each was, by itself, when it was joined, and from which change
-- on its history has to be read to know what it is by itself now.
CREATE TABLE card_root (
    customer_id bigint NOT NULL,
    root_id bigint NOT NULL,
    attributes jsonb NOT NULL,
    last_activity timestamptz NOT NULL,
    since_change bigint NOT NULL,
    PRIMARY KEY (customer_id, root_id)
) WITH (fillfactor = 80);

-- The tables whose rows move with a card.
CREATE FUNCTION owned_tables() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(owned.relname::text ORDER BY owned.relname)
    FROM pg_class AS owned
    JOIN pg_attribute AS owner
        ON owner.attrelid = owned.oid AND owner.attname = 'customer_id' AND NOT owner.attisdropped
    JOIN pg_attribute AS root
        ON root.attrelid = owned.oid AND root.attname = 'root_id' AND NOT root.attisdropped
    WHERE owned.relkind IN ('r', 'p') AND NOT owned.relispartition
        AND owned.relnamespace = current_schema()::regnamespace
$$;

-- What a column of a row that moves from $1 to $2 becomes.
CREATE FUNCTION moved_column(a_table text, a_column name, a_required boolean)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN a_column = 'customer_id' THEN '$2'
        WHEN a_column = 'root_id' AND NOT a_required THEN 'nullif(coalesce(root_id, $1), $2)'
        WHEN a_table = 'session' AND a_column = 'document'
            THEN 'jsonb_set(document, ''{customer_id}'', to_jsonb($2))'
        ELSE quote_ident(a_column)
    END
$$;

-- Rows of those roots, or all, go from one customer to another one; how many there were.
CREATE FUNCTION move_owned(a_table text, a_from bigint, a_to bigint, a_roots bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    moving text := '($3::bigint[] IS NULL OR coalesce(root_id, $1) = ANY ($3))';
    names text;
    moved text;
    is_key boolean;
    is_versioned boolean;
    moved_count bigint;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg(moved_column(a_table, attname, attnotnull), ', ' ORDER BY attnum),
        bool_or(attname = 'version')
    INTO names, moved, is_versioned
    FROM pg_attribute
    WHERE attrelid = a_table::regclass AND attnum > 0 AND NOT attisdropped;
    SELECT EXISTS (
        SELECT FROM pg_index JOIN pg_attribute
            ON attrelid = indrelid AND attnum = ANY (indkey) AND attname = 'customer_id'
        WHERE indrelid = a_table::regclass AND indisprimary
    ) INTO is_key;
    IF is_key THEN
        EXECUTE format(
            'WITH moved AS (DELETE FROM %1$I WHERE customer_id = $1 AND %2$s RETURNING *)
            INSERT INTO %1$I (%3$s) SELECT %4$s FROM moved', a_table, moving, names, moved)
        USING a_from, a_to, a_roots;
    ELSE
        EXECUTE format(
            'UPDATE %I SET %s customer_id = $2, root_id = nullif(coalesce(root_id, $1), $2)
            WHERE customer_id = $1 AND %s', a_table,
            CASE WHEN is_versioned THEN 'version = version + 1,' ELSE '' END, moving)
        USING a_from, a_to, a_roots;
    END IF;
    GET DIAGNOSTICS moved_count = ROW_COUNT;
    RETURN moved_count;
END $$;

-- Everything of those roots, or all, goes from one customer to another one; counts by table.
CREATE FUNCTION move_card(a_from bigint, a_to bigint, a_roots bigint[])
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    a_table text;
    moved_count bigint;
    counts jsonb := '{}';
BEGIN
    PERFORM lock_claims(a_from);
    FOREACH a_table IN ARRAY owned_tables() LOOP
        moved_count := move_owned(a_table, a_from, a_to, a_roots);
        IF moved_count > 0 THEN
            counts := counts || jsonb_build_object(a_table, moved_count);
        END IF;
    END LOOP;
    RETURN counts;
END $$;

-- The customer at that version, if it is still nobody else's part; the row is locked already.
CREATE FUNCTION standing_customer(a_id bigint, a_version bigint)
RETURNS customer LANGUAGE plpgsql AS $$
DECLARE
    found_customer customer;
BEGIN
    SELECT * INTO found_customer FROM customer
    WHERE id = a_id AND version = a_version AND merged_into IS NULL AND erased IS NULL;
    IF NOT FOUND THEN
        PERFORM guard_failed('customer');
    END IF;
    RETURN found_customer;
END $$;

-- These customers and whoever was joined into them, in the order in which everybody locks them.
CREATE FUNCTION lock_joined(a_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    an_id bigint;
BEGIN
    FOR an_id IN
        SELECT id FROM customer WHERE id = ANY (a_ids) OR merged_into = ANY (a_ids) ORDER BY id
    LOOP
        PERFORM FROM customer WHERE id = an_id FOR UPDATE;
    END LOOP;
END $$;

-- A customer's claims, in the order in which everybody locks them.
CREATE FUNCTION lock_claims(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a_key uuid;
BEGIN
    FOR a_key IN SELECT claim_key FROM claim WHERE customer_id = a_customer_id ORDER BY claim_key
    LOOP
        PERFORM FROM claim WHERE claim_key = a_key FOR UPDATE;
    END LOOP;
END $$;

-- The victim becomes a part of the survivor; the id of the merge.
CREATE FUNCTION merge_customers(
    a_survivor_id bigint, a_survivor_version bigint, a_victim_id bigint, a_victim_version bigint,
    a_now timestamptz, a_attributes jsonb, a_actor jsonb, a_reason jsonb, a_changes jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    survivor customer;
    victim customer;
    merge_id bigint;
    manifest jsonb;
BEGIN
    PERFORM lock_joined(ARRAY[a_survivor_id, a_victim_id]);
    survivor := standing_customer(a_survivor_id, a_survivor_version);
    victim := standing_customer(a_victim_id, a_victim_version);
    -- one order for merges and changes
    merge_id := nextval('customer_change_id');
    manifest := jsonb_build_object(
        'survivor', to_jsonb(survivor), 'victim', to_jsonb(victim),
        'claims', (SELECT coalesce(jsonb_agg(claim_key ORDER BY claim_key), '[]')
            FROM claim WHERE customer_id = a_victim_id),
        'sessions', (SELECT coalesce(jsonb_agg(id ORDER BY id), '[]')
            FROM session WHERE customer_id = a_victim_id),
        'roots', (SELECT coalesce(jsonb_agg(root_id ORDER BY root_id), jsonb_build_array(victim.id))
            FROM card_root WHERE customer_id = a_victim_id));
    INSERT INTO card_root (customer_id, root_id, attributes, last_activity, since_change)
    SELECT a_survivor_id, id, attributes, last_activity, merge_id
    FROM customer WHERE id IN (a_survivor_id, a_victim_id) AND NOT joined;
    manifest := manifest
        || jsonb_build_object('moved', move_card(a_victim_id, a_survivor_id, NULL));
    UPDATE customer SET
        version = version + 1,
        joined = true,
        attributes = a_attributes,
        last_activity = greatest(last_activity, victim.last_activity),
        session_count = session_count + victim.session_count,
        closed_sessions = closed_sessions + victim.closed_sessions,
        total_sales = total_sales + victim.total_sales
    WHERE id = a_survivor_id;
    UPDATE customer SET version = version + 1, merged_into = a_survivor_id, joined = false
    WHERE id = a_victim_id;
    UPDATE customer SET merged_into = a_survivor_id WHERE merged_into = a_victim_id;
    INSERT INTO customer_merge (victim_id, id, survivor_id, at, actor, reason, manifest)
    VALUES (a_victim_id, merge_id, a_survivor_id, a_now, a_actor, a_reason, manifest);
    INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
    VALUES (a_survivor_id, merge_id, a_survivor_id, 'merged', a_now, a_actor, a_changes);
    RETURN merge_id;
END $$;

-- What the goods and costs of a session come to, as the cart's totals have it, without the units
-- that came back.
CREATE FUNCTION session_total(a_document jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((
        SELECT sum(((item ->> 'quantity')::numeric
            - coalesce((item ->> 'returned_quantity')::numeric, 0))
            * ((item ->> 'price')::numeric + coalesce((
                SELECT sum(value::numeric) FROM jsonb_each_text(item -> 'additional_costs')), 0)))
        FROM jsonb_array_elements(a_document -> 'cart_items') AS items (item)
    ), 0) + coalesce((
        SELECT sum(value::numeric) FROM jsonb_each_text(a_document -> 'additional_costs')
    ), 0)
$$;

-- A customer is what its rows and roots say, after some of them have gone elsewhere.
CREATE FUNCTION settle_customer(a_id bigint, a_attributes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    root_count bigint;
    latest timestamptz;
    counted record;
BEGIN
    SELECT count(*), max(last_activity) INTO root_count, latest
    FROM card_root WHERE customer_id = a_id;
    SELECT count(*) AS sessions,
        count(*) FILTER (WHERE is_sale) AS closed,
        coalesce(sum(session_total(document)) FILTER (WHERE is_sale), 0) AS sales
    INTO counted FROM (
        SELECT document, state IN ('closed', 'partially_returned') AS is_sale
        FROM session WHERE customer_id = a_id
    ) AS owned;
    UPDATE customer SET
        version = version + 1,
        merged_into = NULL,
        joined = root_count > 1,
        attributes = a_attributes,
        last_activity = latest,
        session_count = counted.sessions,
        closed_sessions = counted.closed,
        total_sales = counted.sales
    WHERE id = a_id;
    IF root_count = 1 THEN
        DELETE FROM card_root WHERE customer_id = a_id;
    END IF;
END $$;

-- What one card had is not left in the records of the other: later merges noted the attributes that
-- both had together, cards that were joined later were frozen with them, and changes since noted
-- them as what was there before.
CREATE FUNCTION part_records(a_merge_id bigint, a_victim_id bigint, a_holder_id bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    roots bigint[] := ARRAY(
        SELECT root_id FROM card_root WHERE customer_id IN (a_victim_id, a_holder_id));
    later bigint[] := ARRAY(
        SELECT victim_id FROM customer_merge
        WHERE victim_id = ANY (roots) AND undone_at IS NULL AND id > a_merge_id);
    base record;
BEGIN
    UPDATE customer_merge SET
        manifest = manifest #- '{survivor,attributes}' #- '{victim,attributes}'
    WHERE victim_id = ANY (later) AND undone_at IS NULL;
    FOR base IN
        SELECT root_id, attributes FROM card_root
        WHERE customer_id IN (a_victim_id, a_holder_id) AND root_id = ANY (later)
    LOOP
        UPDATE customer SET attributes = base.attributes
        WHERE id = base.root_id AND merged_into IS NOT NULL;
    END LOOP;
    UPDATE customer_change SET changes = (
        SELECT jsonb_agg(change || '{"before": null}' ORDER BY position)
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS entries (change, position))
    WHERE customer_id IN (a_victim_id, a_holder_id) AND kind = 'attributes' AND id > a_merge_id;
END $$;

-- The victim takes its roots out of the card in which they are now.
CREATE FUNCTION unmerge_customers(
    a_victim_id bigint, a_victim_version bigint, a_holder_id bigint, a_holder_version bigint,
    a_roots bigint[], a_now timestamptz, a_victim_attributes jsonb, a_holder_attributes jsonb,
    a_actor jsonb, a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    merge_id bigint;
BEGIN
    PERFORM lock_joined(ARRAY[a_victim_id, a_holder_id]);
    PERFORM standing_customer(a_holder_id, a_holder_version);
    PERFORM FROM customer
    WHERE id = a_victim_id AND version = a_victim_version AND merged_into = a_holder_id;
    IF NOT FOUND THEN
        PERFORM guard_failed('customer');
    END IF;
    UPDATE customer_merge SET undone_at = a_now, undone_by = a_actor
    WHERE victim_id = a_victim_id AND undone_at IS NULL
    RETURNING id INTO merge_id;
    IF NOT FOUND THEN
        PERFORM guard_failed('merge');
    END IF;
    PERFORM move_card(a_holder_id, a_victim_id, a_roots);
    UPDATE customer SET merged_into = a_victim_id
    WHERE merged_into = a_holder_id AND id = ANY (a_roots);
    PERFORM part_records(merge_id, a_victim_id, a_holder_id);
    PERFORM settle_customer(a_victim_id, a_victim_attributes);
    PERFORM settle_customer(a_holder_id, a_holder_attributes);
    INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
    VALUES (a_holder_id, nextval('customer_change_id'), a_holder_id, 'unmerged', a_now, a_actor,
        a_changes);
END $$;

-- What changed among a customer's attributes, for the history of the root that was named. What was
-- told to a joined card is kept even where the card has it already: the root may not.
CREATE FUNCTION record_changes(
    a_customer_id bigint, a_root_id bigint, a_now timestamptz, a_before jsonb, a_told jsonb,
    a_actor jsonb, a_joined boolean
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
    SELECT a_customer_id, nextval('customer_change_id'), a_root_id, 'attributes', a_now, a_actor,
        changes
    FROM (
        -- compared as they are written: 1.0 is not 1.00
        SELECT jsonb_agg(jsonb_build_object(
            'path', 'attributes/' || replace(replace(name, '~', '~0'), '/', '~1'),
            'before', a_before -> name, 'after', nullif(value, 'null')) ORDER BY name) AS changes
        FROM jsonb_each(a_told) AS told (name, value)
        WHERE a_joined OR coalesce(a_before -> name, 'null')::text <> value::text
    ) AS found
    WHERE changes IS NOT NULL;
END $$;

-- The same for all attributes of a customer as they shall be.
CREATE FUNCTION record_attributes(
    a_customer_id bigint, a_root_id bigint, a_now timestamptz, a_before jsonb, a_after jsonb,
    a_actor jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM record_changes(a_customer_id, a_root_id, a_now, a_before, a_after || (
        SELECT coalesce(jsonb_object_agg(name, NULL), '{}')
        FROM jsonb_object_keys(a_before) AS before (name) WHERE NOT a_after ? name
    ), a_actor, false);
END $$;

-- Version, counters and, where given, attributes of a customer that was read at a_version; whether
-- the card is joined of several.
DROP FUNCTION update_customer(bigint, bigint, timestamptz, jsonb, integer, integer, numeric);
CREATE FUNCTION update_customer(
    a_id bigint, a_version bigint, a_now timestamptz, a_attributes jsonb,
    a_session_count_change integer, a_closed_sessions_change integer, a_total_sales_change numeric
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    is_joined boolean;
BEGIN
    UPDATE customer SET
        version = version + 1,
        last_activity = coalesce(a_now, last_activity),
        attributes = coalesce(a_attributes, attributes),
        session_count = session_count + a_session_count_change,
        closed_sessions = closed_sessions + a_closed_sessions_change,
        total_sales = total_sales + a_total_sales_change
    WHERE id = a_id AND version = a_version
    RETURNING joined INTO is_joined;
    IF NOT FOUND THEN
        PERFORM guard_failed('customer');
    END IF;
    RETURN is_joined;
END $$;

-- A session changes hands, to a customer or to another root of the same one: its rows move, and an
-- anonymous owner, who had nothing else, is gone.
DROP FUNCTION move_session(bigint, uuid, bigint, bigint, bigint);
CREATE FUNCTION move_session(
    a_session_id bigint, a_claim_key uuid, a_from bigint, a_from_version bigint, a_to bigint,
    a_root_id bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM customer WHERE id = a_from AND version = a_from_version AND anonymous;
    IF FOUND THEN
        -- What was answered while the session was anonymous is about the same person.
        UPDATE receipt SET customer_id = a_to, root_id = a_root_id WHERE customer_id = a_from;
    ELSE
        PERFORM update_customer(a_from, a_from_version, NULL, NULL, -1, 0, 0);
    END IF;
    UPDATE claim SET customer_id = a_to, root_id = a_root_id
    WHERE claim_key = a_claim_key AND customer_id = a_from;
    IF NOT FOUND THEN
        PERFORM guard_failed('claim');
    END IF;
    WITH moved AS (
        DELETE FROM session WHERE customer_id = a_from AND id = a_session_id RETURNING *
    )
    INSERT INTO session (customer_id, id, application_id, integration_id, state, coupon_codes,
        document, created, updated, root_id)
    SELECT a_to, id, application_id, integration_id, state, coupon_codes, document, created,
        updated, a_root_id FROM moved;
    WITH moved AS (
        DELETE FROM session_event WHERE customer_id = a_from AND session_id = a_session_id
        RETURNING *
    )
    INSERT INTO session_event (customer_id, id, application_id, session_id, type, created, root_id)
    SELECT a_to, id, application_id, session_id, type, created, a_root_id FROM moved;
END $$;

-- A session of a joined card names another of its roots; it is open, so nothing is redeemed.
CREATE FUNCTION stamp_session(
    a_customer_id bigint, a_session_id bigint, a_claim_key uuid, a_root_id bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE session SET root_id = a_root_id WHERE customer_id = a_customer_id AND id = a_session_id;
    UPDATE session_event SET root_id = a_root_id
    WHERE customer_id = a_customer_id AND session_id = a_session_id;
    UPDATE claim SET root_id = a_root_id WHERE claim_key = a_claim_key;
END $$;

-- What a save of a joined card leaves to do: the root that was named has been active, and what was
-- redeemed and answered is that root's.
CREATE FUNCTION stamp_activity(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_last_activity timestamptz,
    a_receipt_key uuid
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE card_root SET last_activity = a_last_activity
    WHERE customer_id = a_customer_id AND root_id = coalesce(a_root_id, a_customer_id)
        AND a_last_activity IS NOT NULL;
    IF a_root_id IS NOT NULL THEN
        UPDATE redemption SET root_id = a_root_id
        WHERE customer_id = a_customer_id AND session_id = a_session_id;
        UPDATE receipt SET root_id = a_root_id WHERE key_digest = a_receipt_key;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION save_session(
    -- the owner: version 0 means that it comes to be; attributes that change, null where one goes
    a_customer_id bigint, a_customer_version bigint, a_anonymous boolean, a_attributes jsonb,
    -- whom the request names, if anybody; kind and id where that customer comes to be
    a_profile_key uuid, a_profile_kind text, a_profile_id text,
    a_session_count_change integer, a_closed_sessions_change integer, a_total_sales_change numeric,
    -- the session: is_new means that it comes to be
    a_is_new boolean, a_session_key uuid, a_session_id bigint, a_application_id bigint,
    a_integration_id text, a_state text, a_coupon_codes text[], a_document jsonb, a_now timestamptz,
    -- the owner that the session had before, where it changes hands
    a_from_id bigint, a_from_version bigint,
    -- what happened, what is redeemed, whether everything redeemed before is released
    a_event_id bigint, a_event_type text, a_redeemed text[], a_redeemed_ids bigint[],
    a_release boolean,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_joined boolean;
    is_named boolean := false;
    named_root bigint;
    session_root bigint;
    old_attributes jsonb := '{}';
    new_attributes jsonb;
BEGIN
    IF a_customer_version = 0 THEN
        PERFORM insert_customer(a_customer_id, a_anonymous, a_now, NULL,
            a_profile_key, a_profile_kind, a_profile_id);
        a_customer_version := 1;
    ELSIF a_attributes IS NOT NULL THEN
        SELECT attributes INTO old_attributes FROM customer WHERE id = a_customer_id;
    END IF;
    IF a_attributes IS NOT NULL THEN
        new_attributes := jsonb_strip_nulls(old_attributes || a_attributes);
    END IF;
    is_joined := update_customer(a_customer_id, a_customer_version, a_now, new_attributes,
        a_session_count_change, a_closed_sessions_change, a_total_sales_change);
    -- a session that is taken back stays with the root that had it
    IF is_joined AND a_profile_key IS NOT NULL AND NOT a_release THEN
        SELECT root_id INTO named_root FROM claim WHERE claim_key = a_profile_key;
        is_named := true;
    END IF;
    IF a_from_id IS NOT NULL THEN
        PERFORM move_session(a_session_id, a_session_key, a_from_id, a_from_version,
            a_customer_id, named_root);
    END IF;
    IF a_is_new THEN
        session_root := named_root;
        INSERT INTO claim (claim_key, customer_id, session_id, root_id)
        VALUES (a_session_key, a_customer_id, a_session_id, named_root) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            PERFORM guard_failed('claim');
        END IF;
        INSERT INTO session (customer_id, id, application_id, integration_id, state,
            coupon_codes, document, created, updated, root_id)
        VALUES (a_customer_id, a_session_id, a_application_id, a_integration_id, a_state,
            a_coupon_codes, a_document, a_now, a_now, named_root);
    ELSE
        UPDATE session SET state = a_state, coupon_codes = a_coupon_codes,
            document = a_document, updated = a_now
        WHERE customer_id = a_customer_id AND id = a_session_id
        RETURNING root_id INTO session_root;
        IF NOT FOUND THEN
            PERFORM guard_failed('session');
        END IF;
        IF is_named AND session_root IS DISTINCT FROM named_root THEN
            PERFORM stamp_session(a_customer_id, a_session_id, a_session_key, named_root);
            session_root := named_root;
        END IF;
    END IF;
    INSERT INTO session_event
        (customer_id, id, application_id, session_id, type, created, root_id)
    VALUES (a_customer_id, a_event_id, a_application_id, a_session_id, a_event_type, a_now,
        session_root);
    IF a_release THEN
        PERFORM release_coupons(a_customer_id, a_session_id);
    END IF;
    IF cardinality(a_redeemed) > 0 THEN
        PERFORM redeem_coupons(a_customer_id, a_session_id, a_application_id, a_redeemed,
            a_redeemed_ids, a_now);
    END IF;
    IF a_receipt_key IS NOT NULL THEN
        PERFORM save_receipt(a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer,
            a_customer_id, a_now);
    END IF;
    IF a_attributes IS NOT NULL THEN
        PERFORM record_changes(a_customer_id, coalesce(session_root, a_customer_id), a_now,
            old_attributes, a_attributes, jsonb_build_object('kind', 'SESSION', 'id', a_session_id),
            is_joined);
    END IF;
    IF is_joined THEN
        PERFORM stamp_activity(a_customer_id, session_root, a_session_id, a_now, a_receipt_key);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION save_profile(
    -- attributes: those that change, null where one goes
    a_customer_id bigint, a_customer_version bigint, a_attributes jsonb, a_profile_key uuid,
    a_profile_kind text, a_profile_id text, a_now timestamptz, a_last_activity timestamptz,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_joined boolean := false;
    named_root bigint;
    old_attributes jsonb := '{}';
BEGIN
    IF a_customer_version = 0 THEN
        PERFORM insert_customer(a_customer_id, false, a_now, jsonb_strip_nulls(a_attributes),
            a_profile_key, a_profile_kind, a_profile_id);
    ELSE
        SELECT attributes INTO old_attributes FROM customer WHERE id = a_customer_id;
        is_joined := update_customer(a_customer_id, a_customer_version, a_last_activity,
            jsonb_strip_nulls(coalesce(old_attributes, '{}') || a_attributes), 0, 0, 0);
    END IF;
    IF is_joined THEN
        SELECT root_id INTO named_root FROM claim WHERE claim_key = a_profile_key;
    END IF;
    IF a_receipt_key IS NOT NULL THEN
        PERFORM save_receipt(a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer,
            a_customer_id, a_now);
    END IF;
    IF a_attributes <> '{}' THEN
        PERFORM record_changes(a_customer_id, coalesce(named_root, a_customer_id), a_now,
            old_attributes, a_attributes, '{"kind": "PROFILE"}', is_joined);
    END IF;
    IF is_joined THEN
        PERFORM stamp_activity(a_customer_id, named_root, NULL, a_last_activity, a_receipt_key);
    END IF;
END $$;

-- Personal data goes, the books stay: sessions keep their money, without what describes a person.
CREATE FUNCTION erased_session(a_document jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT a_document
        || '{"attributes": {}, "identifiers": [], "profile_id": "", "loyalty_cards": [],
            "referral_code": ""}'
        || jsonb_build_object(
            'cart_items', (
                SELECT coalesce(jsonb_agg(item - 'attributes' ORDER BY position), '[]')
                FROM jsonb_array_elements(a_document -> 'cart_items')
                    WITH ORDINALITY AS items (item, position)),
            'effects', (
                SELECT coalesce(jsonb_agg(effect ORDER BY position), '[]')
                FROM jsonb_array_elements(a_document -> 'effects')
                    WITH ORDINALITY AS effects (effect, position)
                WHERE effect -> 'outcome' ->> 'type'
                    NOT IN ('UpdateAttribute', 'ShowNotification', 'CustomEffect')))
$$;

CREATE INDEX coupon_recipient ON coupon (recipient_integration_id)
WHERE recipient_integration_id <> '';

-- Coupons that were this person's alone stay nobody else's.
CREATE FUNCTION erase_recipients(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nobody text := 'erased:' || gen_random_uuid();
BEGIN
    UPDATE coupon SET recipient_integration_id = nobody
    WHERE recipient_integration_id <> '' AND recipient_integration_id IN (
        SELECT value FROM customer_identifier
        WHERE customer_id = a_customer_id AND kind = 'integrationId');
END $$;

-- Records of merges, and of requests for them, keep who, when and how much, without the cards as
-- they were and without what people wrote.
CREATE FUNCTION erase_merges(a_roots bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer_merge SET
        manifest = manifest - '{survivor,victim,claims}'::text[],
        reason = reason - 'comment',
        actor = actor - 'context',
        undone_by = undone_by - 'context'
    WHERE victim_id = ANY (a_roots) OR survivor_id = ANY (a_roots);
    UPDATE merge_request SET comments = '',
        created_by = created_by - 'context',
        modified_by = modified_by - 'context'
    WHERE victim_id = ANY (a_roots) OR survivor_id = ANY (a_roots);
END $$;

-- The customer of that id or of that claim, with everyone who was joined into it; false where there
-- is nobody, or nothing is known of the person any more.
DROP FUNCTION erase_customer(uuid, timestamptz);
CREATE FUNCTION erase_customer(
    a_customer_id bigint, a_claim_key uuid, a_now timestamptz, a_actor jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    person bigint := coalesce(a_customer_id,
        (SELECT customer_id FROM claim WHERE claim_key = a_claim_key));
    roots bigint[];
BEGIN
    person := (SELECT coalesce(merged_into, id) FROM customer WHERE id = person);
    IF person IS NULL THEN
        RETURN false;
    END IF;
    PERFORM lock_joined(ARRAY[person]);
    PERFORM FROM customer WHERE id = person AND merged_into IS NULL;
    IF NOT FOUND OR person <> (SELECT customer_id FROM claim WHERE claim_key = a_claim_key) THEN
        PERFORM guard_failed('customer');
    END IF;
    PERFORM FROM customer WHERE id = person AND erased IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    roots := ARRAY(SELECT id FROM customer WHERE id = person OR merged_into = person);
    PERFORM lock_claims(person);
    PERFORM erase_recipients(person);
    PERFORM erase_merges(roots);
    PERFORM erase_loyalty_cards(person);
    DELETE FROM claim WHERE customer_id = person AND session_id IS NULL;
    DELETE FROM claim_holder WHERE root_id = ANY (roots);
    DELETE FROM customer_identifier WHERE customer_id = person;
    DELETE FROM customer_name WHERE customer_id = person;
    DELETE FROM customer_change WHERE customer_id = person;
    DELETE FROM card_part WHERE customer_id = person;
    DELETE FROM card_root WHERE customer_id = person;
    PERFORM erase_events(person);
    PERFORM erase_points(person);
    DELETE FROM receipt WHERE customer_id = person;
    UPDATE session SET document = erased_session(document), updated = a_now
    WHERE customer_id = person;
    UPDATE customer SET version = version + 1, attributes = '{}', joined = false, erased = a_now
    WHERE id = ANY (roots);
    INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
    VALUES (person, nextval('customer_change_id'), person, 'erased', a_now, a_actor, '[]');
    RETURN true;
END $$;
