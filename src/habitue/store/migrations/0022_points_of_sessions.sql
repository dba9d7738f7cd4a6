-- Points as a resource of sessions, profiles and events.

-- what a session posted is looked up when it gives back
CREATE INDEX loyalty_transaction_session ON loyalty_transaction (customer_id, session_id)
WHERE session_id IS NOT NULL;

-- `asked` is {programs, session}: the ledgers of those programs, and with `session` also of those in
-- which the session has posted, with the lots that it made or spent from, however empty they are.
CREATE FUNCTION read_resource_points(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    program_ids bigint[] := ARRAY(
        SELECT value::bigint FROM jsonb_array_elements_text(a_asked -> 'programs'));
    named_lots uuid[] := '{}';
    spendings jsonb := '[]';
BEGIN
    IF (a_asked ->> 'session')::boolean AND a_customer_id IS NOT NULL AND a_session_id IS NOT NULL
    THEN
        SELECT program_ids || coalesce(array_agg(DISTINCT program_id), '{}'),
            coalesce(array_agg(posting.lot) FILTER (WHERE posting.lot IS NOT NULL), '{}'),
            coalesce(jsonb_agg(jsonb_build_object('key', posted.key, 'lot', posting.lot,
                'amount', posting.amount) ORDER BY posted.id, posting.position)
                FILTER (WHERE posted.kind = 'spend' AND posting.place = 'spent'), '[]')
        INTO program_ids, named_lots, spendings
        FROM loyalty_transaction AS posted JOIN loyalty_posting AS posting
            ON posting.customer_id = posted.customer_id AND posting.transaction_id = posted.id
        WHERE posted.customer_id = a_customer_id AND posted.session_id = a_session_id;
    END IF;
    RETURN jsonb_build_object('root_id', a_root_id, 'spent', spendings, 'programs', (
        SELECT coalesce(jsonb_object_agg(program_id, jsonb_build_object(
            'joined', (SELECT min(joined) FROM loyalty_membership AS membership
                WHERE membership.customer_id = a_customer_id
                    AND membership.program_id = wanted.program_id),
            'ledgers', points_documents(a_customer_id, program_id, named_lots))), '{}')
        FROM (SELECT DISTINCT program_id FROM unnest(program_ids) AS program_id) AS wanted));
END $$;

-- The ledgers of one owner in a program, by subledger: accounts, holds, and the lots that have points,
-- are held from, or are among those named.
CREATE FUNCTION points_documents(
    a_customer_id bigint, a_program_id bigint, a_lots uuid[]
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(subledger, jsonb_build_object(
            'accounts', accounts,
            'lots', (
                SELECT coalesce(jsonb_agg(to_jsonb(lot)), '[]') FROM loyalty_lot AS lot
                WHERE lot.customer_id = a_customer_id AND lot.program_id = a_program_id
                    AND lot.subledger = by_subledger.subledger
                    AND (lot.remaining > 0 OR lot.key = ANY (a_lots) OR lot.key IN (
                        SELECT hold.lot FROM loyalty_hold AS hold
                        WHERE hold.customer_id = a_customer_id
                            AND hold.program_id = a_program_id
                            AND hold.subledger = by_subledger.subledger))),
            'holds', (
                SELECT coalesce(jsonb_agg(to_jsonb(hold)), '[]') FROM loyalty_hold AS hold
                WHERE hold.customer_id = a_customer_id AND hold.program_id = a_program_id
                    AND hold.subledger = by_subledger.subledger))), '{}')
        FROM (
            SELECT subledger, jsonb_agg(to_jsonb(account)) AS accounts
            FROM loyalty_account AS account
            WHERE account.customer_id = a_customer_id AND account.program_id = a_program_id
            GROUP BY subledger
        ) AS by_subledger);
END $$;

CREATE FUNCTION write_resource_points(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_points(a_customer_id, a_now, a_changes);
END $$;

-- Who was given points, and why in words, goes with the person; how many stays for the books.
CREATE OR REPLACE FUNCTION impersonal_effects(a_effects jsonb)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(
        CASE WHEN effect -> 'outcome' ->> 'type' IN ('AddLoyaltyPoints', 'DeductLoyaltyPoints',
            'RollbackAddedPoints', 'RollbackDeductedPoints')
        THEN effect #- '{outcome,recipient}' #- '{outcome,name}' #- '{outcome,card}'
        ELSE effect END ORDER BY position), '[]')
    FROM jsonb_array_elements(a_effects) WITH ORDINALITY AS effects (effect, position)
    WHERE effect -> 'outcome' ->> 'type' NOT IN (SELECT type FROM personal_outcome)
$$;

CREATE OR REPLACE FUNCTION erased_session(a_document jsonb)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT a_document
        || '{"attributes": {}, "identifiers": [], "profile_id": "", "loyalty_cards": [],
            "referral_code": ""}'
        || jsonb_build_object(
            'cart_items', (
                SELECT coalesce(jsonb_agg(item - 'attributes' ORDER BY position), '[]')
                FROM jsonb_array_elements(a_document -> 'cart_items')
                    WITH ORDINALITY AS items (item, position)),
            'effects', impersonal_effects(a_document -> 'effects'))
$$;
