-- What is decided as of a later moment is told now: nobody waits for that moment.
CREATE OR REPLACE FUNCTION write_resource_outbox(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_messages jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (customer_id, root_id, message_id, destination, destination_id, document,
        application_id, campaign_id, created, due)
    SELECT a_customer_id, nullif(a_root_id, a_customer_id),
        (message ->> 'message_id')::uuid, message ->> 'destination',
        (message ->> 'destination_id')::bigint, message -> 'document',
        (message ->> 'application_id')::bigint, (message ->> 'campaign_id')::bigint, a_now,
        least(a_now, now())
    FROM jsonb_array_elements(a_messages) WITH ORDINALITY AS listed (message, position)
    ORDER BY position
$$;
