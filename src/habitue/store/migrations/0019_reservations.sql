-- Reservations: coupons that are kept for customers. What is reserved belongs to the customer; the
-- coupon counts how many have it.

ALTER TABLE coupon
    ADD COLUMN reservation_limit integer NOT NULL DEFAULT 0 CHECK (reservation_limit >= 0),
    ADD COLUMN reservation_counter integer NOT NULL DEFAULT 0 CHECK (reservation_counter >= 0),
    ADD COLUMN is_reservation_mandatory boolean NOT NULL DEFAULT false,
    ADD COLUMN implicitly_reserved boolean NOT NULL DEFAULT false;

CREATE TABLE coupon_reservation (
    customer_id bigint NOT NULL,
    coupon_id bigint NOT NULL,
    root_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    profile_id text NOT NULL,
    created timestamptz NOT NULL,
    PRIMARY KEY (customer_id, coupon_id, root_id)
);
CREATE INDEX coupon_reservation_coupon ON coupon_reservation (coupon_id);

CREATE FUNCTION count_reservations(a_campaign_id bigint, a_coupon_id bigint, a_change integer)
RETURNS void LANGUAGE sql AS $$
    UPDATE coupon SET reservation_counter = greatest(0, reservation_counter + a_change)
    WHERE campaign_id = a_campaign_id AND id = a_coupon_id
$$;

-- The customers of those profiles, who come to be where they are unknown, have the coupon reserved,
-- or have it no more; the coupon, or nothing where there is none of that code.
CREATE FUNCTION reserve_coupon(
    a_application_id bigint, a_code text, a_keys uuid[], a_profile_ids text[], a_kind text,
    a_reserves boolean, a_now timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    reserved coupon;
    wanted record;
    changed integer := 0;
BEGIN
    PERFORM FROM coupon WHERE code = a_code AND application_id = a_application_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF a_reserves THEN
        FOR wanted IN
            SELECT key, profile_id FROM unnest(a_keys, a_profile_ids) AS given (key, profile_id)
            WHERE NOT EXISTS (SELECT FROM claim WHERE claim_key = key) ORDER BY key
        LOOP
            PERFORM insert_customer(nextval('customer_id'), false, a_now, NULL, wanted.key, a_kind,
                wanted.profile_id);
        END LOOP;
    END IF;
    PERFORM FROM customer WHERE id IN (SELECT customer_id FROM claim WHERE claim_key = ANY (a_keys))
    ORDER BY id FOR UPDATE;
    -- the code may have gone to another coupon meanwhile
    SELECT * INTO reserved FROM coupon
    WHERE code = a_code AND application_id = a_application_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    FOR wanted IN
        SELECT customer_id, coalesce(root_id, customer_id) AS root_id, profile_id
        FROM unnest(a_keys, a_profile_ids) AS given (key, profile_id)
        JOIN claim ON claim_key = key
    LOOP
        UPDATE customer SET version = version + 1 WHERE id = wanted.customer_id;
        IF a_reserves THEN
            INSERT INTO coupon_reservation
                (customer_id, coupon_id, root_id, campaign_id, profile_id, created)
            VALUES (wanted.customer_id, reserved.id, wanted.root_id, reserved.campaign_id,
                wanted.profile_id, a_now)
            ON CONFLICT DO NOTHING;
            changed := changed + CASE WHEN FOUND THEN 1 ELSE 0 END;
        ELSE
            DELETE FROM coupon_reservation
            WHERE customer_id = wanted.customer_id AND coupon_id = reserved.id
                AND root_id = wanted.root_id;
            changed := changed - CASE WHEN FOUND THEN 1 ELSE 0 END;
        END IF;
    END LOOP;
    PERFORM count_reservations(reserved.campaign_id, reserved.id, changed);
    SELECT * INTO reserved FROM coupon
    WHERE code = a_code AND application_id = a_application_id;
    RETURN to_jsonb(reserved);
END $$;

-- What rules reserve, within the coupon's limit.
CREATE FUNCTION write_resource_reservations(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM jsonb_to_recordset(a_changes) AS wanted (application_id bigint, code text,
            coupon_id bigint, campaign_id bigint, profile_id text)
        ORDER BY code COLLATE "C"
    LOOP
        UPDATE coupon SET reservation_counter = reservation_counter + 1
        WHERE code = wanted.code AND application_id = wanted.application_id
            AND id = wanted.coupon_id
            AND (reservation_limit = 0 OR reservation_counter < reservation_limit);
        IF NOT FOUND THEN
            PERFORM guard_failed('reservation');
        END IF;
        INSERT INTO coupon_reservation
            (customer_id, coupon_id, root_id, campaign_id, profile_id, created)
        VALUES (a_customer_id, wanted.coupon_id, a_root_id, wanted.campaign_id, wanted.profile_id,
            a_now);
    END LOOP;
END $$;

CREATE FUNCTION erase_resource_reservations(a_customer_id bigint) RETURNS void LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM coupon_reservation WHERE customer_id = a_customer_id RETURNING *
    )
    SELECT count_reservations(campaign_id, coupon_id, -1) FROM gone ORDER BY coupon_id
$$;
