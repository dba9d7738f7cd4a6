-- Points of a session that its customer does not have: those of the cards that it names.
-- An owner of points is a customer or stands for a card (migration 0012).

-- Which ones a request is about, and in which programs: `a_asked` is {cards, card_programs, session},
-- where cards of null are those of the stored session, and with `session` also everybody in whose
-- ledgers the session has posted. An owner is known under the root that outcomes name.
CREATE FUNCTION points_owners(a_stored session, a_asked jsonb)
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
$$;

-- A list of owners with their points, as `read_resource_points` tells them. Whoever was joined with
-- the customer of the session is not told: the points are the customer's by now.
CREATE FUNCTION read_resource_owners(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    stored session;
BEGIN
    SELECT * INTO stored FROM session
    WHERE customer_id = (a_asked ->> 'holder_id')::bigint AND id = a_session_id;
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', owner.id, 'roots', owner.roots,
            'version', coalesce(card.version, customer.version),
            'card', CASE WHEN card.id IS NOT NULL THEN program_card_document(card) END,
            'attributes', customer.attributes,
            'points', read_resource_points(owner.id, owner.roots[1], a_session_id,
                jsonb_build_object('programs', owner.programs,
                    'session', a_asked -> 'session'))) ORDER BY owner.id), '[]')
        FROM (
            SELECT wanted.id, array_agg(DISTINCT root_id) AS roots,
                array_agg(DISTINCT program_id) AS programs
            FROM points_owners(stored, a_asked) AS wanted
            WHERE wanted.id IS DISTINCT FROM a_customer_id GROUP BY wanted.id
        ) AS owner
        LEFT JOIN program_card AS card ON card.owner_id = owner.id
        LEFT JOIN customer ON customer.id = owner.id
        WHERE card.id IS NOT NULL OR customer.id IS NOT NULL);
END $$;

-- by owner, so that nobody waits in a circle; the customer of the session was guarded before
CREATE FUNCTION write_resource_owners(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    owner record;
BEGIN
    FOR owner IN
        SELECT * FROM jsonb_to_recordset(a_changes)
            AS change (id bigint, version bigint, is_card boolean, ledgers jsonb)
        ORDER BY id
    LOOP
        IF owner.is_card THEN
            PERFORM save_card_points(owner.id, owner.version, a_now, owner.ledgers);
        ELSE
            PERFORM save_points(owner.id, owner.version, a_now, owner.ledgers);
        END IF;
    END LOOP;
END $$;

-- Waits until nobody else writes what those claims own, and what the other owners of points have that
-- a request is about.
CREATE FUNCTION lock_owners(a_keys uuid[], a_asked jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored session;
    others bigint[] := '{}';
BEGIN
    IF a_asked ? 'owners' THEN
        SELECT session.* INTO stored FROM claim JOIN session
            ON session.customer_id = claim.customer_id AND session.id = claim.session_id
        WHERE claim_key = ANY (a_keys);
        others := ARRAY(SELECT id FROM points_owners(stored, a_asked -> 'owners'));
    END IF;
    PERFORM FROM customer
    WHERE id = ANY (others)
        OR id IN (SELECT customer_id FROM claim WHERE claim_key = ANY (a_keys))
    ORDER BY id FOR UPDATE;
    PERFORM FROM program_card WHERE owner_id = ANY (others) ORDER BY owner_id FOR UPDATE;
END $$;

-- What is asked of some resources, with the customer whom the session belonged to when it was read.
CREATE OR REPLACE FUNCTION with_holder(a_asked jsonb, a_holder_id bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a_asked ?| ARRAY['budgets', 'creations', 'owners', 'referrals'] THEN (
        SELECT jsonb_object_agg(key, CASE
            WHEN key IN ('budgets', 'creations', 'owners', 'referrals')
            THEN value || jsonb_build_object('holder_id', a_holder_id) ELSE value
        END) FROM jsonb_each(a_asked)
    ) ELSE a_asked END
$$;
