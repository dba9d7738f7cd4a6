-- Whoever is erased is not named any more in what others did, nor in the log of requests.

-- Whose records name which other person, by the effects that were for that person: a session of a
-- friend that gave something to an advocate. `holder_id` is the customer who had the records when
-- they were written, or a root of it: whoever that is a part of now has them.
CREATE TABLE effect_naming (
    profile_id text NOT NULL,
    holder_id bigint NOT NULL,
    PRIMARY KEY (profile_id, holder_id)
);
CREATE INDEX effect_naming_holder ON effect_naming (holder_id);

INSERT INTO effect_naming (profile_id, holder_id)
SELECT DISTINCT effect -> 'outcome' ->> 'profile_id', holder
FROM (
    SELECT customer_id, root_id, document -> 'effects' AS effects FROM session
    UNION ALL
    SELECT customer_id, root_id, effects FROM session_event
) AS recorded
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(effects) WHEN 'array' THEN effects ELSE '[]' END) AS each (effect)
CROSS JOIN LATERAL unnest(ARRAY[customer_id, root_id]) AS holders (holder)
WHERE jsonb_typeof(effect -> 'outcome' -> 'profile_id') = 'string'
    AND effect -> 'outcome' ->> 'profile_id' <> '' AND holder IS NOT NULL;

CREATE FUNCTION write_resource_names(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_changes jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO effect_naming (profile_id, holder_id)
    SELECT DISTINCT named, holder
    FROM jsonb_array_elements_text(a_changes) AS names (named)
    CROSS JOIN unnest(ARRAY[a_customer_id, a_root_id]) AS holders (holder)
    WHERE holder IS NOT NULL
    ON CONFLICT DO NOTHING
$$;

-- Effects without the names of those people.
CREATE FUNCTION unnamed_effects(a_effects jsonb, a_names text[])
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(CASE
        WHEN jsonb_typeof(effect -> 'outcome' -> 'profile_id') = 'string'
            AND effect -> 'outcome' ->> 'profile_id' = ANY (a_names)
        THEN jsonb_set(effect, '{outcome,profile_id}', '""') ELSE effect
    END ORDER BY position), '[]')
    FROM jsonb_array_elements(a_effects) WITH ORDINALITY AS effects (effect, position)
$$;

-- JSON text in which those names stand nowhere as a string of their own.
CREATE FUNCTION unnamed_text(a_text text, a_names text[])
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY a_names LOOP
        a_text := replace(a_text, to_json(name)::text, '""');
    END LOOP;
    RETURN a_text;
END $$;

CREATE FUNCTION erase_names(a_customer_id bigint, a_names text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    holder bigint;
BEGIN
    FOR holder IN
        SELECT DISTINCT coalesce(merged_into, id) FROM effect_naming
        JOIN customer ON id = holder_id
        WHERE profile_id = ANY (a_names) AND coalesce(merged_into, id) <> a_customer_id
        ORDER BY 1
    LOOP
        -- what is being decided at this moment is decided again, without the name
        UPDATE customer SET version = version + 1 WHERE id = holder;
        UPDATE session SET document = document
            || jsonb_build_object('effects', unnamed_effects(document -> 'effects', a_names))
        WHERE customer_id = holder
            AND document -> 'effects' <> unnamed_effects(document -> 'effects', a_names);
        UPDATE session_event SET effects = unnamed_effects(effects, a_names)
        WHERE customer_id = holder AND effects <> unnamed_effects(effects, a_names);
        UPDATE outbox SET document = unnamed_text(document::text, a_names)::jsonb,
            request = unnamed_text(request, a_names), response = unnamed_text(response, a_names)
        WHERE customer_id = holder;
        UPDATE receipt SET answer = convert_to(
            unnamed_text(convert_from(answer, 'UTF8'), a_names), 'UTF8')
        WHERE customer_id = holder;
    END LOOP;
    DELETE FROM effect_naming WHERE profile_id = ANY (a_names) OR holder_id = a_customer_id
        OR holder_id IN (SELECT id FROM customer WHERE merged_into = a_customer_id);
END $$;

-- What a person is called, while requests that name it may still be on their way into the log: a
-- process writes its rows some time after it has answered.
CREATE TABLE log_erasure (
    name text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- Text as a string in JSON whose writer keeps to ASCII.
CREATE FUNCTION json_in_ascii(a_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(CASE
        WHEN ascii(letter) < 128 THEN letter
        WHEN ascii(letter) < 65536 THEN '\u' || lpad(to_hex(ascii(letter)), 4, '0')
        ELSE '\u' || to_hex(55296 + ((ascii(letter) - 65536) >> 10))
            || '\u' || to_hex(56320 + ((ascii(letter) - 65536) & 1023))
    END, '' ORDER BY position)
    FROM regexp_split_to_table(to_json(a_text)::text, '')
        WITH ORDINALITY AS letters (letter, position)
$$;

-- A pattern of text as it may stand in the path of a request: some write a letter by its bytes.
CREATE FUNCTION path_pattern(a_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(CASE
        WHEN letter ~ '[A-Za-z0-9]' THEN letter
        ELSE '(?:' || CASE WHEN ascii(letter) < 128 THEN '\' || letter || '|' ELSE '' END
            || regexp_replace(encode(convert_to(letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g') || ')'
    END, '' ORDER BY position)
    FROM regexp_split_to_table(a_text, '') WITH ORDINALITY AS letters (letter, position)
$$;

-- Requests and answers that name one of those are known to have been made, and nothing else of them.
CREATE FUNCTION erase_log(a_names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    quoted bytea[] := ARRAY(
        SELECT convert_to(written, 'UTF8') FROM unnest(a_names) AS names (name)
        CROSS JOIN LATERAL (VALUES (to_json(name)::text), (json_in_ascii(name))) AS ways (written)
        GROUP BY written);
    in_path text := '[/=](?:' || (
        SELECT string_agg(path_pattern(name), '|') FROM unnest(a_names) AS names (name)
        ) || ')(?:[/&?#]|$)';
BEGIN
    UPDATE access_log SET uri = '', request = '', response = ''
    WHERE uri ~* in_path OR EXISTS (
        SELECT FROM unnest(quoted) AS each (name)
        WHERE position(name IN request) > 0 OR position(name IN response) > 0);
END $$;

-- Once more for whoever was erased not long ago; those before that moment are done with.
CREATE FUNCTION settle_log_erasures() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(SELECT name FROM log_erasure);
BEGIN
    IF cardinality(names) > 0 THEN
        PERFORM erase_log(names);
        DELETE FROM log_erasure WHERE name = ANY (names) AND at < now() - interval '5 minutes';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION erase_recipients(a_customer_id bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nobody text := 'erased:' || gen_random_uuid();
    erased text[] := ARRAY(
        SELECT value FROM customer_identifier
        WHERE customer_id = a_customer_id AND kind = 'integrationId');
    -- the log is not kept for long: of sessions, the last ones may stand in it
    logged text[] := ARRAY(
        SELECT value FROM customer_identifier WHERE customer_id = a_customer_id AND value <> ''
        UNION
        (SELECT integration_id FROM session WHERE customer_id = a_customer_id
            ORDER BY updated DESC LIMIT 100));
BEGIN
    UPDATE coupon SET recipient_integration_id = nobody
    WHERE recipient_integration_id <> '' AND recipient_integration_id = ANY (erased);
    UPDATE referral SET advocate_id = nobody WHERE advocate_id = ANY (erased);
    UPDATE referral SET friend_id = nobody
    WHERE friend_id <> '' AND friend_id = ANY (erased);
    PERFORM erase_names(a_customer_id, erased);
    IF cardinality(logged) > 0 THEN
        PERFORM erase_log(logged);
        INSERT INTO log_erasure (name, at) SELECT name, now() FROM unnest(logged) AS names (name)
        ON CONFLICT (name) DO UPDATE SET at = excluded.at;
    END IF;
END $$;

-- As in 0022; what was made, kept or given for a person does not say for whom.
CREATE OR REPLACE FUNCTION impersonal_effects(a_effects jsonb)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(CASE
        WHEN effect -> 'outcome' ->> 'type' IN ('AddLoyaltyPoints', 'DeductLoyaltyPoints',
            'RollbackAddedPoints', 'RollbackDeductedPoints')
        THEN effect #- '{outcome,recipient}' #- '{outcome,name}' #- '{outcome,card}'
        WHEN effect -> 'outcome' ->> 'type' IN ('CouponCreated', 'ReserveCoupon', 'AwardGiveaway',
            'WillAwardGiveaway')
        THEN jsonb_set(effect, '{outcome,profile_id}', '""')
        ELSE effect END ORDER BY position), '[]')
    FROM jsonb_array_elements(a_effects) WITH ORDINALITY AS effects (effect, position)
    WHERE effect -> 'outcome' ->> 'type' NOT IN (SELECT type FROM personal_outcome)
$$;
