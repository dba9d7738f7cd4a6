-- Loyalty cards. A card is owned by its number, as a coupon is by its code: whoever gets it, gets it
-- by a guarded write of this one row. `root_id` is the root of the customer's card that it belongs
-- to; NULL is the customer's own.

CREATE SEQUENCE loyalty_card_id;
CREATE TABLE loyalty_card (
    number text PRIMARY KEY,
    id bigint NOT NULL DEFAULT nextval('loyalty_card_id'),
    version bigint NOT NULL DEFAULT 1,
    series_id bigint NOT NULL,
    external_id text NOT NULL DEFAULT '',
    label text NOT NULL,
    status text NOT NULL,
    customer_id bigint,
    root_id bigint,
    till text NOT NULL DEFAULT '',
    created timestamptz NOT NULL,
    issued timestamptz,
    expiry timestamptz,
    custom_fields jsonb NOT NULL DEFAULT '{}',
    extended_fields jsonb NOT NULL DEFAULT '{}',
    status_log jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 80);
CREATE INDEX loyalty_card_customer ON loyalty_card (customer_id) WHERE customer_id IS NOT NULL;

-- Other names of cards; a card has one at most.
CREATE TABLE loyalty_card_external_id (
    external_id text PRIMARY KEY,
    number text NOT NULL
);

-- How far each series has counted. Positions are given out once and for ever, so that nobody waits
-- for anybody who has taken some; those that are not used leave a gap.
CREATE TABLE card_series_position (
    series_id bigint PRIMARY KEY,
    position bigint NOT NULL
);

-- A card as it was decided, or nothing; its id. Version 0 means that it comes to be. What its
-- customer may have is guarded by the customer's version, which the caller moves.
CREATE FUNCTION save_loyalty_card(
    a_number text, a_version bigint, a_series_id bigint, a_external_id text, a_label text,
    a_status text, a_customer_id bigint, a_root_id bigint, a_till text, a_created timestamptz,
    a_issued timestamptz, a_expiry timestamptz, a_custom_fields jsonb, a_extended_fields jsonb,
    a_status_log jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    a_id bigint;
BEGIN
    IF a_version = 0 THEN
        INSERT INTO loyalty_card (number, series_id, external_id, label, status, customer_id,
            root_id, till, created, issued, expiry, custom_fields, extended_fields, status_log)
        VALUES (a_number, a_series_id, a_external_id, a_label, a_status, a_customer_id,
            a_root_id, a_till, a_created, a_issued, a_expiry, a_custom_fields,
            a_extended_fields, a_status_log)
        ON CONFLICT DO NOTHING RETURNING id INTO a_id;
    ELSE
        UPDATE loyalty_card SET version = version + 1, external_id = a_external_id,
            label = a_label, status = a_status, customer_id = a_customer_id, root_id = a_root_id,
            till = a_till, issued = a_issued, expiry = a_expiry, custom_fields = a_custom_fields,
            extended_fields = a_extended_fields, status_log = a_status_log
        WHERE number = a_number AND version = a_version RETURNING id INTO a_id;
    END IF;
    IF a_id IS NULL THEN
        PERFORM guard_failed('loyalty card');
    END IF;
    IF a_external_id <> '' THEN
        INSERT INTO loyalty_card_external_id (external_id, number)
        VALUES (a_external_id, a_number) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            PERFORM FROM loyalty_card_external_id
            WHERE external_id = a_external_id AND number = a_number;
            IF NOT FOUND THEN
                PERFORM guard_failed('external id of a loyalty card');
            END IF;
        END IF;
    END IF;
    RETURN a_id;
END $$;

-- A card together with the customer who holds it or held it: for writes of nothing else.
CREATE FUNCTION save_loyalty_card_of(
    a_owner_id bigint, a_owner_version bigint,
    a_number text, a_version bigint, a_series_id bigint, a_external_id text, a_label text,
    a_status text, a_customer_id bigint, a_root_id bigint, a_till text, a_created timestamptz,
    a_issued timestamptz, a_expiry timestamptz, a_custom_fields jsonb, a_extended_fields jsonb,
    a_status_log jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM update_customer(a_owner_id, a_owner_version, NULL, NULL, 0, 0, 0);
    RETURN save_loyalty_card(a_number, a_version, a_series_id, a_external_id, a_label, a_status,
        a_customer_id, a_root_id, a_till, a_created, a_issued, a_expiry, a_custom_fields,
        a_extended_fields, a_status_log);
END $$;

-- Cards change hands with the roots they belong to, at a merge and back at an unmerge; how many.
-- Roots of NULL are all. The caller moves the versions of both customers.
CREATE FUNCTION move_loyalty_cards(a_from bigint, a_to bigint, a_roots bigint[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    moved integer;
BEGIN
    UPDATE loyalty_card SET version = version + 1, customer_id = a_to,
        root_id = nullif(coalesce(root_id, a_from), a_to)
    WHERE customer_id = a_from
        AND (a_roots IS NULL OR coalesce(root_id, a_from) = ANY (a_roots));
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END $$;

-- What cards say of a person goes, the cards stay: numbers, statuses and dates.
CREATE FUNCTION erase_loyalty_cards(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loyalty_card SET version = version + 1, custom_fields = '{}', extended_fields = '{}',
        status_log = (
            SELECT coalesce(jsonb_agg(
                entry || '{"reason": ""}' #- '{by,context}' ORDER BY place), '[]')
            FROM jsonb_array_elements(status_log) WITH ORDINALITY AS entries (entry, place))
    WHERE customer_id = a_customer_id;
END $$;
