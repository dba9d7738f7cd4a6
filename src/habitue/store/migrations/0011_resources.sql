-- Resources: what a decision about a session or a profile takes besides the customer, the session and
-- its coupons, such as points, budgets or audiences. A resource R brings up to three functions, which
-- are found by their names:
--
--     read_resource_R(customer bigint, root bigint, session bigint, asked jsonb) RETURNS jsonb
--         what a decision needs of it, STABLE; customer, root and session are null where they come to
--         be, and `asked` is what the request wants to know
--     write_resource_R(customer bigint, root bigint, session bigint, now timestamptz, changes jsonb)
--         carries out what was decided or raises HB001; the customer has been guarded, session is
--         null for a profile and an event
--     erase_resource_R(customer bigint)
--         takes what is personal out of it
--
-- Whoever uses none of them pays for none: then nothing is asked for, and nothing is written.

CREATE FUNCTION read_resources(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    a_resource text;
    asked jsonb;
    part jsonb;
    found jsonb := '{}';
BEGIN
    FOR a_resource, asked IN SELECT key, value FROM jsonb_each(a_asked) LOOP
        EXECUTE format('SELECT %I($1, $2, $3, $4)', 'read_resource_' || a_resource)
        INTO part USING a_customer_id, a_root_id, a_session_id, asked;
        found := found || jsonb_build_object(a_resource, part);
    END LOOP;
    RETURN found;
END $$;

-- by name, so that nobody waits in a circle
CREATE FUNCTION write_resources(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a_resource text;
    changes jsonb;
BEGIN
    FOR a_resource, changes IN SELECT key, value FROM jsonb_each(a_changes) ORDER BY key LOOP
        EXECUTE format('SELECT %I($1, $2, $3, $4, $5)', 'write_resource_' || a_resource)
        USING a_customer_id, a_root_id, a_session_id, a_now, changes;
    END LOOP;
END $$;

CREATE FUNCTION erase_resources(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    eraser text;
BEGIN
    FOR eraser IN
        SELECT proname FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'erase\_resource\_%'
        ORDER BY proname
    LOOP
        EXECUTE format('SELECT %I($1)', eraser) USING a_customer_id;
    END LOOP;
END $$;

DROP FUNCTION save_session(
    bigint, bigint, boolean, jsonb, uuid, text, text, integer, integer, numeric, boolean,
    uuid, bigint, bigint, text, text, text[], jsonb, timestamptz, bigint, bigint, bigint,
    text, text[], bigint[], boolean, uuid, bytea, smallint, bytea
);
CREATE FUNCTION save_session(
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
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea,
    -- what changes of resources, if anything
    a_changes jsonb
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
    IF a_changes IS NOT NULL THEN
        PERFORM write_resources(a_customer_id, coalesce(session_root, a_customer_id),
            a_session_id, a_now, a_changes);
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

DROP FUNCTION save_profile(
    bigint, bigint, jsonb, uuid, text, text, timestamptz, timestamptz, uuid, bytea, smallint,
    bytea
);
CREATE FUNCTION save_profile(
    -- attributes: those that change, null where one goes
    a_customer_id bigint, a_customer_version bigint, a_attributes jsonb, a_profile_key uuid,
    a_profile_kind text, a_profile_id text, a_now timestamptz, a_last_activity timestamptz,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea,
    a_changes jsonb
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
    IF a_changes IS NOT NULL THEN
        PERFORM write_resources(a_customer_id, coalesce(named_root, a_customer_id), NULL, a_now,
            a_changes);
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

CREATE OR REPLACE FUNCTION erase_customer(
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
    PERFORM erase_resources(person);
    DELETE FROM receipt WHERE customer_id = person;
    UPDATE session SET document = erased_session(document), updated = a_now
    WHERE customer_id = person;
    UPDATE customer SET version = version + 1, attributes = '{}', joined = false, erased = a_now
    WHERE id = ANY (roots);
    INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
    VALUES (person, nextval('customer_change_id'), person, 'erased', a_now, a_actor, '[]');
    RETURN true;
END $$;
