-- What answers tell of codes that were awarded, and of the referral code of a session.

CREATE OR REPLACE FUNCTION read_resource_giveaways(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(chosen)), '[]')
    FROM jsonb_array_elements_text(a_asked -> 'pool_ids') AS pools (pool_id),
        LATERAL (
            SELECT * FROM (
                SELECT giveaway.pool_id, id, code, created, start_date, end_date, attributes,
                    import_id
                FROM giveaway
                WHERE giveaway.pool_id = pools.pool_id::bigint AND NOT used
                    AND (start_date IS NULL OR start_date <= (a_asked ->> 'now')::timestamptz)
                    AND (end_date IS NULL OR end_date > (a_asked ->> 'now')::timestamptz)
                ORDER BY id LIMIT 64
            ) AS first ORDER BY random() LIMIT (a_asked -> 'count')::integer
        ) AS chosen
$$;

-- `friends` are the others that stand as referred by the code, by ids in the shop's systems, and
-- `friend` is how the customer would stand among them; both only where they are asked for.
CREATE OR REPLACE FUNCTION read_resource_referrals(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted text := a_asked ->> 'code';
    tells boolean := coalesce((a_asked -> 'tells')::boolean, false);
    found referral;
BEGIN
    IF wanted IS NULL THEN
        SELECT document ->> 'referral_code' INTO wanted FROM session
        WHERE customer_id = (a_asked ->> 'holder_id')::bigint AND id = a_session_id;
    END IF;
    IF wanted <> '' THEN
        SELECT * INTO found FROM referral
        WHERE code = spelled(wanted, a_asked ->> 'spelling')
            AND application_id = (a_asked ->> 'application_id')::bigint;
    END IF;
    RETURN jsonb_build_object(
        'referral', CASE WHEN found.code IS NOT NULL THEN to_jsonb(found) END,
        'advocate', (
            SELECT jsonb_build_object('customer_id', customer.id, 'created', created,
                'last_activity', last_activity, 'closed_sessions', closed_sessions,
                'total_sales', total_sales, 'attributes', attributes)
            FROM claim JOIN customer ON customer.id = claim.customer_id
            WHERE claim_key = found.advocate_key AND NOT anonymous AND erased IS NULL),
        'uses', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('referral_id', referral_id,
                'session_id', session_id)), '[]')
            FROM referral_use
            WHERE customer_id = a_customer_id
                AND application_id = (a_asked ->> 'application_id')::bigint),
        'friends', CASE WHEN tells THEN (
            SELECT coalesce(jsonb_agg(DISTINCT name), '[]')
            FROM (
                SELECT profile_id_of(customer_id) AS name FROM referral_use
                WHERE referral_id = found.id AND customer_id IS DISTINCT FROM a_customer_id
            ) AS others
            WHERE name <> '') ELSE '[]' END,
        'friend', CASE WHEN tells THEN coalesce(profile_id_of(a_customer_id), '') ELSE '' END);
END $$;
