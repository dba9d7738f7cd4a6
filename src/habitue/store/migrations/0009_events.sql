-- The timeline: what visitors did, owned by the customer whose device it was done on. A visitor whom
-- nobody knows is an anonymous customer who owns the claim of a device.

CREATE TABLE customer_event (
    customer_id bigint NOT NULL,
    at timestamptz NOT NULL,
    message_key uuid NOT NULL,
    root_id bigint,
    device_key uuid NOT NULL,
    visit text NOT NULL,
    name text NOT NULL,
    received timestamptz NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (customer_id, at, message_key)
);

-- The messages that were taken: whatever arrives again is not stored again, whoever owns the device
-- by then.
CREATE TABLE event_message (
    message_key uuid PRIMARY KEY,
    received timestamptz NOT NULL
);

-- What a device itself told of its visitor, which is all that it may read back; `proven` says that
-- the shop has signed for whom it belongs to. `since` is when its owner was last told.
CREATE TABLE customer_device (
    customer_id bigint NOT NULL,
    device_key uuid NOT NULL,
    root_id bigint,
    since timestamptz NOT NULL,
    visit text NOT NULL,
    proven boolean NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (customer_id, device_key)
);

-- Stocks and locations of the product feed: the regions that customers can be in.
CREATE TABLE stock (
    id text PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    imported timestamptz NOT NULL
);

CREATE FUNCTION insert_visitor(a_device_key uuid, a_device text, a_now timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    visitor bigint := nextval('customer_id');
BEGIN
    INSERT INTO claim (claim_key, customer_id) VALUES (a_device_key, visitor)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO customer (id, anonymous, created, last_activity)
    VALUES (visitor, true, a_now, a_now);
    INSERT INTO customer_identifier (customer_id, claim_key, kind, value, created, source)
    VALUES (visitor, a_device_key, 'device', a_device, a_now, 'WEBSITE');
    RETURN visitor;
END $$;

-- Whose a device is, held until the end of the transaction. One that too many people share is
-- nobody's but in the visit in which somebody was named on it.
CREATE FUNCTION device_owner(
    a_device_key uuid, a_device text, a_visit text, a_shared_max integer, a_now timestamptz,
    OUT owner_id bigint, OUT owner_root bigint
) LANGUAGE plpgsql AS $$
DECLARE
    is_shared boolean;
BEGIN
    SELECT customer_id, root_id INTO owner_id, owner_root
    FROM claim WHERE claim_key = a_device_key FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT count(*) >= a_shared_max INTO is_shared
    FROM claim_holder WHERE claim_key = a_device_key;
    IF NOT is_shared OR EXISTS (
        SELECT FROM customer_device
        WHERE customer_id = owner_id AND device_key = a_device_key AND visit = a_visit
    ) OR (SELECT anonymous FROM customer WHERE id = owner_id) THEN
        RETURN;
    END IF;
    INSERT INTO claim_holder (claim_key, root_id)
    VALUES (a_device_key, coalesce(owner_root, owner_id)) ON CONFLICT DO NOTHING;
    DELETE FROM customer_identifier WHERE customer_id = owner_id AND claim_key = a_device_key;
    DELETE FROM customer_device WHERE customer_id = owner_id AND device_key = a_device_key;
    DELETE FROM claim WHERE claim_key = a_device_key AND customer_id = owner_id;
    IF NOT FOUND THEN
        PERFORM guard_failed('device');
    END IF;
    owner_id := insert_visitor(a_device_key, a_device, a_now);
    owner_root := NULL;
    IF owner_id IS NULL THEN
        PERFORM guard_failed('device');
    END IF;
END $$;

-- The events of one device, each message once; how many were new, or NULL where the device is new
-- and may not come to be. The arrays are sorted by message, so that nobody waits in a circle. As a
-- rule all messages are new, and nothing is asked about each of them; only where one is known already
-- are they gone through again.
CREATE FUNCTION store_events(
    a_device_key uuid, a_device text, a_visit text, a_shared_max integer, a_may_create boolean,
    a_now timestamptz,
    a_messages uuid[], a_ages_us bigint[], a_names text[], a_documents jsonb,
    OUT stored bigint, OUT created boolean, OUT owner bigint
) LANGUAGE plpgsql AS $$
DECLARE
    root bigint;
    fresh uuid[];
BEGIN
    created := false;
    LOOP
        SELECT owner_id, owner_root INTO owner, root
        FROM device_owner(a_device_key, a_device, a_visit, a_shared_max, a_now);
        EXIT WHEN owner IS NOT NULL OR NOT a_may_create;
        owner := insert_visitor(a_device_key, a_device, a_now);
        created := owner IS NOT NULL;
        -- somebody was faster where there is none: then it can be read
        EXIT WHEN created;
    END LOOP;
    IF owner IS NULL THEN
        RETURN;
    END IF;
    fresh := a_messages;
    BEGIN
        INSERT INTO event_message (message_key, received)
        SELECT key, a_now FROM unnest(a_messages) AS message (key);
    EXCEPTION WHEN unique_violation THEN
        WITH taken AS (
            INSERT INTO event_message (message_key, received)
            SELECT key, a_now FROM unnest(a_messages) AS message (key) ON CONFLICT DO NOTHING
            RETURNING message_key
        )
        SELECT coalesce(array_agg(message_key), '{}') INTO fresh FROM taken;
    END;
    stored := cardinality(fresh);
    INSERT INTO customer_event (customer_id, at, message_key, root_id, device_key, visit, name,
        received, document)
    SELECT owner, a_now - age_us * interval '1 microsecond', key, root, a_device_key, a_visit, name,
        a_now, document
    FROM ROWS FROM (unnest(a_messages, a_ages_us, a_names), jsonb_array_elements(a_documents))
        AS message (key, age_us, name, document)
    WHERE stored = cardinality(a_messages) OR key = ANY (fresh);
END $$;

-- What was done in one visit on a device goes with the device; what is older stays.
CREATE FUNCTION move_visit(
    a_device_key uuid, a_visit text, a_from bigint, a_to bigint, a_root_id bigint,
    a_since timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        DELETE FROM customer_event
        WHERE customer_id = a_from AND device_key = a_device_key AND visit = a_visit
            AND at >= a_since
        RETURNING *
    )
    INSERT INTO customer_event (customer_id, at, message_key, root_id, device_key, visit, name,
        received, document)
    SELECT a_to, at, message_key, nullif(a_root_id, a_to), device_key, visit, name, received,
        document
    FROM moved;
END $$;

-- Events of those roots, or all, go from one customer to another one; how many there were. This is
-- what `move_card` does with every table that has an owner and a root.
CREATE FUNCTION move_events(a_from bigint, a_to bigint, a_roots bigint[])
RETURNS bigint LANGUAGE sql AS $$
    SELECT move_owned('customer_event', a_from, a_to, a_roots)
$$;

-- What a person did, and what devices told of them, goes with the person.
CREATE FUNCTION erase_events(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM customer_event WHERE customer_id = a_customer_id;
    DELETE FROM customer_device WHERE customer_id = a_customer_id;
END $$;

-- The device belongs to that customer from now on. `a_from` is whose it was when that was decided.
CREATE FUNCTION attach_device(
    a_customer_id bigint, a_root_id bigint, a_device_key uuid, a_device text, a_from bigint,
    a_visit text, a_since timestamptz, a_now timestamptz, a_at timestamptz, a_proven boolean,
    a_told jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    from_root bigint;
    from_anonymous boolean;
BEGIN
    IF a_from IS NULL THEN
        INSERT INTO claim (claim_key, customer_id, root_id)
        VALUES (a_device_key, a_customer_id, nullif(a_root_id, a_customer_id))
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            PERFORM guard_failed('device');
        END IF;
    ELSE
        SELECT coalesce(root_id, customer_id) INTO from_root
        FROM claim WHERE claim_key = a_device_key AND customer_id = a_from FOR UPDATE;
        IF NOT FOUND THEN
            PERFORM guard_failed('device');
        END IF;
    END IF;
    IF a_from IS NOT NULL AND from_root <> a_root_id THEN
        SELECT anonymous INTO from_anonymous FROM customer WHERE id = from_root;
        IF NOT from_anonymous AND a_from <> a_customer_id THEN
            INSERT INTO claim_holder (claim_key, root_id) VALUES (a_device_key, from_root)
            ON CONFLICT DO NOTHING;
        END IF;
        DELETE FROM claim_holder WHERE claim_key = a_device_key AND root_id = a_root_id;
        UPDATE claim SET customer_id = a_customer_id, root_id = nullif(a_root_id, a_customer_id)
        WHERE claim_key = a_device_key;
        DELETE FROM customer_identifier WHERE customer_id = a_from AND claim_key = a_device_key;
        DELETE FROM customer_device WHERE customer_id = a_from AND device_key = a_device_key;
        PERFORM move_visit(a_device_key, a_visit, a_from, a_customer_id, a_root_id, a_since);
    END IF;
    IF a_from IS NULL OR from_root <> a_root_id THEN
        INSERT INTO customer_identifier
            (customer_id, claim_key, kind, value, created, root_id, source)
        VALUES (a_customer_id, a_device_key, 'device', a_device, a_now,
            nullif(a_root_id, a_customer_id), 'WEBSITE');
    END IF;
    INSERT INTO customer_device AS known
        (customer_id, device_key, root_id, since, visit, proven, told)
    VALUES (a_customer_id, a_device_key, nullif(a_root_id, a_customer_id), a_at, a_visit,
        a_proven, a_told)
    ON CONFLICT (customer_id, device_key) DO UPDATE SET
        since = greatest(known.since, excluded.since), visit = excluded.visit,
        proven = known.proven OR excluded.proven, told = known.told || excluded.told;
END $$;

-- A visitor was named or described: the card as it was decided, and the device. Version 0 means
-- that the customer comes to be; parts of NULL leave the card as it is.
CREATE FUNCTION save_visitor(
    a_message_key uuid, a_anonymous boolean,
    a_device_key uuid, a_device text, a_from bigint, a_visit text, a_since timestamptz,
    a_at timestamptz, a_proven boolean, a_told jsonb,
    a_customer_id bigint, a_version bigint, a_now timestamptz, a_attributes jsonb,
    a_parts jsonb, a_claims jsonb, a_released uuid[], a_holders jsonb, a_names jsonb,
    a_change_root bigint, a_change_kind text, a_change_actor jsonb, a_changes jsonb,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF a_message_key IS NOT NULL THEN
        INSERT INTO event_message (message_key, received) VALUES (a_message_key, a_now)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            PERFORM guard_failed('message');
        END IF;
    END IF;
    IF a_parts IS NOT NULL THEN
        PERFORM save_card(a_customer_id, a_version, a_now, a_attributes, a_parts, a_claims,
            a_released, a_holders, a_names, a_change_root, a_change_kind, a_change_actor,
            a_changes, a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer);
        UPDATE customer SET anonymous = a_anonymous
        WHERE id = a_customer_id AND anonymous <> a_anonymous;
    END IF;
    IF a_device_key IS NOT NULL THEN
        PERFORM attach_device(a_customer_id, a_change_root, a_device_key, a_device, a_from,
            a_visit, a_since, a_now, a_at, a_proven, a_told);
    END IF;
END $$;

-- A customer who is known by contacts alone gets a store-side id of ours, for sessions; whether it
-- has it now.
CREATE FUNCTION give_id(a_customer_id bigint, a_claim_key uuid, a_value text, a_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM customer WHERE id = a_customer_id AND merged_into IS NULL AND erased IS NULL
        AND NOT anonymous FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO claim (claim_key, customer_id) VALUES (a_claim_key, a_customer_id)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO customer_identifier (customer_id, claim_key, kind, value, created, source)
        VALUES (a_customer_id, a_claim_key, 'integrationId', a_value, a_now, 'WEBSITE');
    END IF;
    RETURN EXISTS (
        SELECT FROM claim WHERE claim_key = a_claim_key AND customer_id = a_customer_id);
END $$;
