-- The customer card: what sources told, card by card. What was one card stays one under its root,
-- the id that it had when it came to be; a root of NULL is the customer's own id.

ALTER TABLE claim ADD COLUMN root_id bigint;
ALTER TABLE session ADD COLUMN root_id bigint;
ALTER TABLE session_event ADD COLUMN root_id bigint;
ALTER TABLE redemption ADD COLUMN root_id bigint;
ALTER TABLE customer
    ADD COLUMN merged_into bigint,
    ADD COLUMN erased timestamptz;
ALTER TABLE customer_identifier
    ADD COLUMN root_id bigint,
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN account_id text NOT NULL DEFAULT '';
CREATE INDEX customer_identifier_value ON customer_identifier (lower(value) text_pattern_ops);
CREATE INDEX customer_merged_into ON customer (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE card_part (
    customer_id bigint NOT NULL,
    root_id bigint NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (customer_id, root_id)
) WITH (fillfactor = 80);

-- Names in lower case, for searching by how they begin.
CREATE TABLE customer_name (
    customer_id bigint NOT NULL,
    root_id bigint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (customer_id, root_id, name)
);
CREATE INDEX customer_name_name ON customer_name (name text_pattern_ops);

-- Cards that carry an identifier which another card holds: how many share it.
CREATE TABLE claim_holder (
    claim_key uuid NOT NULL,
    root_id bigint NOT NULL,
    PRIMARY KEY (claim_key, root_id)
);
CREATE INDEX claim_holder_root ON claim_holder (root_id);

-- Every change of a card, with who and when.
CREATE SEQUENCE customer_change_id;
CREATE TABLE customer_change (
    customer_id bigint NOT NULL,
    id bigint NOT NULL,
    root_id bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    actor jsonb NOT NULL,
    changes jsonb NOT NULL,
    PRIMARY KEY (customer_id, id)
);

-- A merge is an event of the card that ended by it. It stands until it is undone.
CREATE TABLE customer_merge (
    victim_id bigint NOT NULL,
    id bigint NOT NULL,
    survivor_id bigint NOT NULL,
    at timestamptz NOT NULL,
    actor jsonb NOT NULL,
    reason jsonb NOT NULL,
    manifest jsonb NOT NULL,
    undone_at timestamptz,
    undone_by jsonb,
    PRIMARY KEY (victim_id, id)
);
CREATE UNIQUE INDEX customer_merge_standing ON customer_merge (victim_id) WHERE undone_at IS NULL;

-- A card as it was decided: parts, claims, names and the record of the change, or nothing.
CREATE FUNCTION save_card(
    -- version 0 means that the customer comes to be
    a_customer_id bigint, a_version bigint, a_now timestamptz, a_attributes jsonb,
    -- [{"root_id", "document"}]
    a_parts jsonb,
    -- [{"key", "kind", "value", "root_id", "source", "account_id"}]
    a_claims jsonb, a_released uuid[],
    -- identifiers of others that this card carries: [{"key", "root_id"}]
    a_holders jsonb,
    -- [{"root_id", "name"}], or NULL where names stay
    a_names jsonb,
    a_change_root bigint, a_change_kind text, a_change_actor jsonb, a_changes jsonb,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old_attributes jsonb;
BEGIN
    IF a_version > 0 AND a_attributes IS NOT NULL THEN
        SELECT attributes INTO old_attributes FROM customer WHERE id = a_customer_id;
    END IF;
    IF a_version = 0 THEN
        INSERT INTO customer (id, anonymous, created, last_activity, attributes)
        VALUES (a_customer_id, false, a_now, a_now, coalesce(a_attributes, '{}'));
    ELSE
        PERFORM update_customer(a_customer_id, a_version, NULL, a_attributes, 0, 0, 0);
    END IF;
    IF cardinality(a_released) > 0 THEN
        DELETE FROM claim WHERE claim_key = ANY (a_released) AND customer_id = a_customer_id;
        DELETE FROM customer_identifier
        WHERE customer_id = a_customer_id AND claim_key = ANY (a_released);
    END IF;
    IF a_claims IS NOT NULL THEN
        PERFORM take_claims(a_customer_id, a_now, a_claims);
    END IF;
    IF a_holders IS NOT NULL THEN
        INSERT INTO claim_holder (claim_key, root_id)
        SELECT key, root_id FROM jsonb_to_recordset(a_holders) AS held (key uuid, root_id bigint)
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO card_part (customer_id, root_id, document)
    SELECT a_customer_id, root_id, document
    FROM jsonb_to_recordset(a_parts) AS part (root_id bigint, document jsonb)
    ON CONFLICT (customer_id, root_id) DO UPDATE SET document = excluded.document;
    IF a_names IS NOT NULL THEN
        IF a_version > 0 THEN
            DELETE FROM customer_name WHERE customer_id = a_customer_id;
        END IF;
        INSERT INTO customer_name (customer_id, root_id, name)
        SELECT a_customer_id, root_id, name
        FROM jsonb_to_recordset(a_names) AS named (root_id bigint, name text)
        ON CONFLICT DO NOTHING;
    END IF;
    IF old_attributes IS NOT NULL THEN
        PERFORM record_attributes(a_customer_id, a_change_root, a_now, old_attributes,
            a_attributes, a_change_actor);
    END IF;
    IF a_changes IS NOT NULL THEN
        INSERT INTO customer_change (customer_id, id, root_id, kind, at, actor, changes)
        VALUES (a_customer_id, nextval('customer_change_id'), a_change_root, a_change_kind, a_now,
            a_change_actor, a_changes);
    END IF;
    IF a_receipt_key IS NOT NULL THEN
        PERFORM save_receipt(a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer,
            a_customer_id, a_now);
        UPDATE receipt SET root_id = a_change_root
        WHERE key_digest = a_receipt_key AND a_change_root <> a_customer_id;
    END IF;
END $$;

-- Identifiers become this customer's; somebody who was faster makes the whole save fail.
CREATE FUNCTION take_claims(a_customer_id bigint, a_now timestamptz, a_claims jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted_count integer := jsonb_array_length(a_claims);
    taken_count integer;
BEGIN
    -- sorted by key, so that nobody waits in a circle
    INSERT INTO claim (claim_key, customer_id, root_id)
    SELECT key, a_customer_id, nullif(root_id, a_customer_id)
    FROM jsonb_to_recordset(a_claims) AS wanted (key uuid, root_id bigint) ORDER BY key
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS taken_count = ROW_COUNT;
    IF taken_count < wanted_count THEN
        PERFORM guard_failed('claim');
    END IF;
    INSERT INTO customer_identifier
        (customer_id, claim_key, kind, value, created, root_id, source, account_id)
    SELECT a_customer_id, key, kind, value, a_now, nullif(root_id, a_customer_id), source,
        account_id
    FROM jsonb_to_recordset(a_claims) AS wanted
        (key uuid, kind text, value text, root_id bigint, source text, account_id text);
END $$;
