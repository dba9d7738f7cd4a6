-- Requests to merge two customers: asked for by one, decided by another.

CREATE SEQUENCE merge_request_id;
CREATE TABLE merge_request (
    victim_id bigint NOT NULL,
    id bigint NOT NULL,
    survivor_id bigint NOT NULL,
    state text NOT NULL,
    comments text NOT NULL,
    created timestamptz NOT NULL,
    created_by jsonb NOT NULL,
    modified timestamptz NOT NULL,
    modified_by jsonb NOT NULL,
    PRIMARY KEY (victim_id, id)
);
CREATE INDEX merge_request_number ON merge_request (id);
CREATE INDEX merge_request_survivor ON merge_request (survivor_id) WHERE state = 'PENDING';
CREATE UNIQUE INDEX merge_request_pending ON merge_request (victim_id) WHERE state = 'PENDING';

-- A request comes to be, with the stored answer to whoever asked; its id.
CREATE FUNCTION add_merge_request(
    a_id bigint, a_victim_id bigint, a_survivor_id bigint, a_comments text, a_now timestamptz,
    a_actor jsonb,
    a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint, a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO merge_request (victim_id, id, survivor_id, state, comments, created, created_by,
        modified, modified_by)
    VALUES (a_victim_id, a_id, a_survivor_id, 'PENDING', a_comments, a_now, a_actor, a_now,
        a_actor);
    IF a_receipt_key IS NOT NULL THEN
        PERFORM save_receipt(a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer,
            a_victim_id, a_now);
    END IF;
END $$;

-- Searches by how a name or an identifier begins take the first ones in order and stop there, also
-- where thousands have the same name.
DROP INDEX customer_name_name;
CREATE INDEX customer_name_name ON customer_name (name text_pattern_ops, customer_id);
DROP INDEX customer_identifier_value;
CREATE INDEX customer_identifier_value
    ON customer_identifier (lower(value) text_pattern_ops, customer_id);
