-- The outbox: what leaves for other systems. A message is written in the transaction of what caused
-- it, and leaves afterwards, at least once. Messages about one customer to one destination leave in
-- the order of their ids; messages about nobody have customer 0.
--
-- waiting: leaves at `due`; whoever takes it moves `due` on, so that nobody else takes it meanwhile
-- delivered, dead: kept for a while, to be looked at; a dead one can be made to wait again

CREATE SEQUENCE outbox_id;
CREATE TABLE outbox (
    customer_id bigint NOT NULL,
    id bigint NOT NULL DEFAULT nextval('outbox_id'),
    root_id bigint,
    message_id uuid NOT NULL,
    destination text NOT NULL,
    destination_id bigint NOT NULL,
    document jsonb NOT NULL,
    application_id bigint,
    campaign_id bigint,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    created timestamptz NOT NULL,
    due timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    -- of the last attempt: when it began and ended, what was sent and what came back
    sent timestamptz,
    answered timestamptz,
    url text,
    request text,
    status integer,
    response text,
    PRIMARY KEY (customer_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX outbox_one ON outbox (id);
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'waiting';
CREATE INDEX outbox_order ON outbox (customer_id, destination, destination_id, id)
WHERE state = 'waiting';
CREATE INDEX outbox_answered ON outbox (answered) WHERE state = 'delivered';

CREATE FUNCTION write_resource_outbox(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_messages jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (customer_id, root_id, message_id, destination, destination_id, document,
        application_id, campaign_id, created, due)
    SELECT a_customer_id, nullif(a_root_id, a_customer_id),
        (message ->> 'message_id')::uuid, message ->> 'destination',
        (message ->> 'destination_id')::bigint, message -> 'document',
        (message ->> 'application_id')::bigint, (message ->> 'campaign_id')::bigint, a_now, a_now
    FROM jsonb_array_elements(a_messages) WITH ORDINALITY AS listed (message, position)
    ORDER BY position
$$;

-- What has not left about a person does not leave any more.
CREATE FUNCTION erase_resource_outbox(a_customer_id bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM outbox WHERE customer_id = a_customer_id
$$;

-- The first messages of their customers and destinations that are due, taken until a_until.
CREATE FUNCTION take_messages(a_now timestamptz, a_until timestamptz, a_count integer)
RETURNS SETOF outbox LANGUAGE sql AS $$
    WITH taken AS (
        SELECT customer_id, id FROM outbox AS message
        WHERE state = 'waiting' AND due <= a_now AND NOT EXISTS (
            SELECT FROM outbox AS earlier
            WHERE earlier.customer_id = message.customer_id
                AND earlier.destination = message.destination
                AND earlier.destination_id = message.destination_id
                AND earlier.id < message.id AND earlier.state = 'waiting')
        ORDER BY due LIMIT a_count FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox SET due = a_until, attempts = attempts + 1 FROM taken
    WHERE outbox.customer_id = taken.customer_id AND outbox.id = taken.id
    RETURNING outbox.*
$$;

-- Effects that say something of a person, by the type of their outcome: they go when the person is
-- erased. Whoever adds such an effect adds it here.
CREATE TABLE personal_outcome (type text PRIMARY KEY);
INSERT INTO personal_outcome (type) VALUES ('UpdateAttribute'), ('ShowNotification'),
    ('CustomEffect'), ('AddToAudience'), ('RemoveFromAudience'), ('TriggerWebhook');

DROP FUNCTION erased_session(jsonb);
CREATE FUNCTION erased_session(a_document jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT a_document
        || '{"attributes": {}, "identifiers": [], "profile_id": "", "loyalty_cards": [],
            "referral_code": ""}'
        || jsonb_build_object(
            'cart_items', (
                SELECT coalesce(jsonb_agg(item - 'attributes' ORDER BY position), '[]')
                FROM jsonb_array_elements(a_document -> 'cart_items')
                    WITH ORDINALITY AS items (item, position)),
            'effects', (
                SELECT coalesce(jsonb_agg(effect ORDER BY position), '[]')
                FROM jsonb_array_elements(a_document -> 'effects')
                    WITH ORDINALITY AS effects (effect, position)
                WHERE effect -> 'outcome' ->> 'type' NOT IN (SELECT type FROM personal_outcome)))
$$;
