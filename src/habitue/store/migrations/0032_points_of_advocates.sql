-- Points of a session that go to the advocate of its referral code.

-- `a_asked` may have an advocate too: {application_id, code, spelling, programs}, where a code of null
-- is that of the stored session.
CREATE OR REPLACE FUNCTION points_owners(a_stored session, a_asked jsonb)
RETURNS TABLE (id bigint, root_id bigint, program_id bigint) LANGUAGE sql STABLE AS $$
    SELECT card.owner_id, card.owner_id, card.program_id
    FROM jsonb_array_elements_text(coalesce(nullif(a_asked -> 'cards', 'null'),
        a_stored.document -> 'loyalty_cards', '[]')) AS named (identifier)
    JOIN program_card AS card ON card.identifier = named.identifier AND card.deleted IS NULL
    WHERE card.program_id IN (
        SELECT value::bigint FROM jsonb_array_elements_text(a_asked -> 'card_programs'))
    UNION
    SELECT coalesce(customer.merged_into, given.root_id), given.root_id, given.program_id
    FROM (
        SELECT (effect -> 'outcome' ->> 'owner')::bigint AS root_id,
            (effect -> 'outcome' ->> 'program_id')::bigint AS program_id
        FROM jsonb_array_elements(a_stored.document -> 'effects') AS effect
        WHERE (a_asked -> 'session')::boolean AND effect -> 'outcome' ? 'owner'
    ) AS given LEFT JOIN customer ON customer.id = given.root_id
    UNION
    SELECT customer.id, coalesce(claim.root_id, customer.id), value::bigint
    FROM jsonb_to_record(nullif(a_asked -> 'advocate', 'null'))
        AS wanted (application_id bigint, code text, spelling text, programs jsonb)
    JOIN referral ON referral.application_id = wanted.application_id AND referral.code = spelled(
        coalesce(wanted.code, a_stored.document ->> 'referral_code'), wanted.spelling)
    JOIN claim ON claim.claim_key = referral.advocate_key
    JOIN customer ON customer.id = claim.customer_id AND NOT anonymous AND erased IS NULL
    CROSS JOIN jsonb_array_elements_text(wanted.programs)
$$;

-- Who is erased is not named any more in sessions of others in which points were given to them, nor
-- in what happened in those.
CREATE FUNCTION erase_resource_owners(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    roots bigint[] := ARRAY(
        SELECT id FROM customer WHERE id = a_customer_id OR merged_into = a_customer_id);
    other record;
BEGIN
    FOR other IN
        SELECT session.customer_id, session.id
        FROM (
            SELECT DISTINCT session_id, (cause ->> 'application_id')::bigint AS application_id
            FROM loyalty_transaction WHERE customer_id = a_customer_id AND session_id IS NOT NULL
        ) AS posted
        JOIN session ON session.application_id = posted.application_id
            AND session.id = posted.session_id AND session.customer_id <> a_customer_id
        ORDER BY session.customer_id, session.id
    LOOP
        UPDATE customer SET version = version + 1 WHERE id = other.customer_id;
        UPDATE session SET document = document
            || jsonb_build_object('effects', nameless_effects(document -> 'effects', roots))
        WHERE customer_id = other.customer_id AND id = other.id;
        UPDATE session_event SET effects = nameless_effects(effects, roots)
        WHERE customer_id = other.customer_id AND session_id = other.id AND effects IS NOT NULL;
    END LOOP;
END $$;

CREATE FUNCTION nameless_effects(a_effects jsonb, a_roots bigint[])
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(CASE
        WHEN (effect -> 'outcome' ->> 'owner')::bigint = ANY (a_roots)
        THEN effect #- '{outcome,recipient}' #- '{outcome,name}' ELSE effect
    END ORDER BY position), '[]')
    FROM jsonb_array_elements(a_effects) WITH ORDINALITY AS effects (effect, position)
$$;
