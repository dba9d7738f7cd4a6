-- The log of what staff configured: each entity before and after a change, and who changed it. Secrets
-- do not stand in it. Nothing of it is ever changed.
CREATE TABLE configuration_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    entity_id bigint NOT NULL,
    application_id bigint,
    campaign_id bigint,
    key_id bigint,
    actor text NOT NULL,
    old jsonb,
    new jsonb
);
CREATE INDEX configuration_change_application ON configuration_change (application_id, id);

-- An entity as it is before the statement that asks.
CREATE FUNCTION configuration_document(a_kind text, a_table text, a_id bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    found jsonb;
BEGIN
    EXECUTE format('SELECT document FROM %I WHERE id = $1 AND NOT deleted', a_table)
    INTO found USING a_id;
    RETURN found;
END $$;

CREATE FUNCTION without_secrets(a_document jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT (a_document - 'secret') #- '{settings,tracker_secret}'
$$;
