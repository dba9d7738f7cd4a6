-- Attributes of coupons and referral codes that rules set. A code is nobody's: the change holds while
-- the attribute is what it was when it was read.

CREATE FUNCTION write_resource_codes(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT fields.*, listed.change -> 'old' AS old
        FROM jsonb_array_elements(a_changes) AS listed (change),
            jsonb_to_record(listed.change) AS fields (kind text, application_id bigint, code text,
                id bigint, name text, value jsonb)
    LOOP
        IF change.kind = 'coupon' THEN
            UPDATE coupon
            SET attributes = attributes || jsonb_build_object(change.name, change.value)
            WHERE application_id = change.application_id AND code = change.code
                AND id = change.id AND attributes -> change.name IS NOT DISTINCT FROM change.old;
        ELSE
            UPDATE referral
            SET attributes = attributes || jsonb_build_object(change.name, change.value)
            WHERE application_id = change.application_id AND code = change.code
                AND id = change.id AND attributes -> change.name IS NOT DISTINCT FROM change.old;
        END IF;
        IF NOT FOUND THEN
            PERFORM guard_failed('attribute of a code');
        END IF;
    END LOOP;
END $$;

-- Holds the codes of a session, those that the request names or else those that are stored, until
-- the transaction ends: who has lost them once gets them in turn.
CREATE FUNCTION lock_codes(
    a_session_key uuid, a_application_id bigint, a_codes text[], a_asked jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored session;
    asked jsonb := a_asked -> 'referrals';
BEGIN
    SELECT session.* INTO stored FROM claim
    JOIN session ON session.customer_id = claim.customer_id AND session.id = claim.session_id
    WHERE claim_key = a_session_key;
    PERFORM FROM coupon
    WHERE application_id = a_application_id
        AND code = ANY (coalesce(a_codes, stored.coupon_codes))
    ORDER BY code FOR UPDATE;
    IF asked IS NOT NULL THEN
        PERFORM FROM referral
        WHERE application_id = a_application_id
            AND code = spelled(coalesce(asked ->> 'code', stored.document ->> 'referral_code', ''),
                asked ->> 'spelling')
        FOR UPDATE;
    END IF;
END $$;
