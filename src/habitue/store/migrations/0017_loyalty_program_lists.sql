-- What a whole program tells: its owners, members and transactions in order.

CREATE INDEX loyalty_account_program ON loyalty_account (program_id, customer_id);
CREATE INDEX loyalty_membership_program ON loyalty_membership (program_id, customer_id);
CREATE INDEX loyalty_transaction_program ON loyalty_transaction (program_id, id);

-- The id under which the shop's systems know a customer, the oldest where there are several.
CREATE FUNCTION profile_id_of(a_customer_id bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT value FROM customer_identifier
    WHERE customer_id = a_customer_id AND kind = 'integrationId'
    ORDER BY created, value LIMIT 1
$$;

-- The accounts of an owner in a program, by subledger, without what they consist of.
CREATE FUNCTION account_documents(a_owner_id bigint, a_program_id bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(subledger,
        jsonb_build_object('accounts', accounts, 'lots', '[]'::jsonb, 'holds', '[]'::jsonb)), '{}')
    FROM (
        SELECT subledger, jsonb_agg(to_jsonb(account)) AS accounts
        FROM loyalty_account AS account
        WHERE customer_id = a_owner_id AND program_id = a_program_id
        GROUP BY subledger
    ) AS by_subledger
$$;

-- Cards with the profiles that they are linked to, which exist and are locked: [{identifier, status,
-- links: [{claim_key, integration_id}]}].
CREATE FUNCTION import_program_cards(
    a_program_id bigint, a_sandbox boolean, a_now timestamptz, a_cards jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted integer := jsonb_array_length(a_cards);
    added integer;
BEGIN
    INSERT INTO program_card
        (program_id, identifier, sandbox, status, generated, created, modified)
    SELECT a_program_id, identifier, a_sandbox, status, false, a_now, a_now
    FROM jsonb_to_recordset(a_cards) AS listed (identifier text, status text)
    ON CONFLICT (program_id, identifier) WHERE deleted IS NULL DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added < wanted THEN
        PERFORM guard_failed('program card');
    END IF;
    INSERT INTO program_card_link (customer_id, root_id, card_id, integration_id, linked)
    SELECT claim.customer_id, coalesce(claim.root_id, claim.customer_id), card.id,
        link.integration_id, a_now
    FROM jsonb_to_recordset(a_cards) AS listed (identifier text, links jsonb)
    CROSS JOIN LATERAL jsonb_to_recordset(listed.links)
        AS link (claim_key uuid, integration_id text)
    JOIN claim ON claim.claim_key = link.claim_key
    JOIN program_card AS card ON card.program_id = a_program_id
        AND card.identifier = listed.identifier AND card.deleted IS NULL
    ON CONFLICT DO NOTHING;
    UPDATE customer SET version = version + 1 WHERE id IN (
        SELECT claim.customer_id FROM jsonb_to_recordset(a_cards) AS listed (links jsonb)
        CROSS JOIN LATERAL jsonb_to_recordset(listed.links) AS link (claim_key uuid)
        JOIN claim ON claim.claim_key = link.claim_key);
END $$;

-- Days of joining, in place of those that are known; the customers are locked.
CREATE FUNCTION import_join_dates(a_program_id bigint, a_dates jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer SET version = version + 1 WHERE id IN (
        SELECT claim.customer_id FROM jsonb_to_recordset(a_dates) AS listed (claim_key uuid)
        JOIN claim ON claim.claim_key = listed.claim_key);
    INSERT INTO loyalty_membership (customer_id, program_id, root_id, joined)
    SELECT claim.customer_id, a_program_id, coalesce(claim.root_id, claim.customer_id),
        listed.joined
    FROM jsonb_to_recordset(a_dates) AS listed (claim_key uuid, joined timestamptz)
    JOIN claim ON claim.claim_key = listed.claim_key
    ON CONFLICT (customer_id, program_id, root_id) DO UPDATE SET joined = excluded.joined;
    UPDATE loyalty_membership AS membership SET joined = listed.joined
    FROM jsonb_to_recordset(a_dates) AS listed (claim_key uuid, joined timestamptz)
    JOIN claim ON claim.claim_key = listed.claim_key
    WHERE membership.customer_id = claim.customer_id AND membership.program_id = a_program_id;
END $$;
