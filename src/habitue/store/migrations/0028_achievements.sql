-- Progress in achievements: an iteration is one run of one root of a customer at the target.

CREATE TABLE achievement_progress (
    customer_id bigint NOT NULL,
    achievement_id bigint NOT NULL,
    root_id bigint NOT NULL,
    number bigint NOT NULL,
    id bigint NOT NULL,
    progress numeric NOT NULL CHECK (progress >= 0),
    target numeric NOT NULL,
    started timestamptz NOT NULL,
    ends timestamptz,
    completed timestamptz,
    PRIMARY KEY (customer_id, achievement_id, root_id, number)
) WITH (fillfactor = 80);
CREATE INDEX achievement_progress_achievement ON achievement_progress (achievement_id, customer_id);

-- `asked` is {ids, session}: the last iteration of each root in those achievements, and with
-- `session` those at which it has worked.
CREATE FUNCTION read_resource_achievements(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(a_asked -> 'ids'));
    worked_at bigint[] := '{}';
BEGIN
    IF (a_asked ->> 'session')::boolean THEN
        worked_at := ARRAY(
            SELECT (effect -> 'outcome' ->> 'iteration_id')::bigint
            FROM session CROSS JOIN LATERAL
                jsonb_array_elements(session.document -> 'effects') AS effect
            WHERE session.customer_id = a_customer_id AND session.id = a_session_id
                AND effect -> 'outcome' ->> 'type' = 'IncreaseAchievementProgress');
    END IF;
    RETURN jsonb_build_object('root_id', a_root_id, 'iterations', (
        SELECT coalesce(jsonb_agg(to_jsonb(last)), '[]') FROM (
            SELECT DISTINCT ON (achievement_id, root_id) * FROM achievement_progress
            WHERE customer_id = a_customer_id AND achievement_id = ANY (ids)
            ORDER BY achievement_id, root_id, number DESC
        ) AS last
    ) || (
        SELECT coalesce(jsonb_agg(to_jsonb(iteration)), '[]')
        FROM achievement_progress AS iteration
        WHERE customer_id = a_customer_id AND achievement_id = ANY (ids)
            AND id = ANY (worked_at)
    ));
END $$;

-- The iterations that are new or have changed; the customer has been guarded.
CREATE FUNCTION write_resource_achievements(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO achievement_progress (customer_id, achievement_id, root_id, number, id, progress,
        target, started, ends, completed)
    SELECT a_customer_id, achievement_id, root_id, number, id, progress, target, started, ends,
        completed
    FROM jsonb_to_recordset(a_changes) AS listed (achievement_id bigint, root_id bigint,
        number bigint, id bigint, progress numeric, target numeric, started timestamptz,
        ends timestamptz, completed timestamptz)
    ON CONFLICT (customer_id, achievement_id, root_id, number) DO UPDATE SET
        progress = excluded.progress, completed = excluded.completed
$$;

CREATE FUNCTION erase_resource_achievements(a_customer_id bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM achievement_progress WHERE customer_id = a_customer_id
$$;
