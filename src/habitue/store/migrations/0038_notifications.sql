-- Notifications: what happens is noted in the outbox by the transaction in which it happens, for those
-- that want to know. Where nobody does, it costs a look at an index.

-- `a_document` for each notification of that type and entity; a_source is where the change came from.
CREATE FUNCTION notify_of(
    a_type text, a_entity_id bigint, a_source text, a_customer_id bigint, a_root_id bigint,
    a_application_id bigint, a_campaign_id bigint, a_now timestamptz, a_document jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (customer_id, root_id, message_id, destination, destination_id, document,
        application_id, campaign_id, created, due)
    SELECT a_customer_id, nullif(a_root_id, a_customer_id), gen_random_uuid(), 'notification', id,
        jsonb_build_object('type', a_type, 'source', a_source) || a_document,
        a_application_id, a_campaign_id, a_now, a_now
    FROM organisation_entry
    WHERE kind = 'notification' AND NOT deleted AND document ->> 'type' = a_type
        AND (document ->> 'entity_id')::bigint = a_entity_id
        AND (document ->> 'enabled')::boolean
        AND document -> 'scopes' ?| ARRAY['all', a_source]
    ORDER BY id
$$;

CREATE FUNCTION anybody_notified() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM organisation_entry WHERE kind = 'notification' AND NOT deleted)
$$;

-- The id that a root of a customer has in the shop's own systems.
CREATE FUNCTION profile_name(a_customer_id bigint, a_root_id bigint)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT value FROM customer_identifier
        WHERE customer_id = a_customer_id AND kind = 'integrationId'
        ORDER BY coalesce(root_id, customer_id) = a_root_id DESC, created, value LIMIT 1
    ), '')
$$;

-- Points that were given or taken. An import may be told to keep quiet, for its transaction.
CREATE FUNCTION notify_of_points() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT anybody_notified() OR current_setting('habitue.notifications', true) = 'off' THEN
        RETURN NULL;
    END IF;
    PERFORM notify_of('loyalty_added_deducted_points', NEW.program_id,
        CASE WHEN NEW.session_id IS NOT NULL OR NEW.cause ? 'campaign_id' THEN 'rule_engine'
            ELSE 'management_api' END,
        NEW.customer_id, NEW.root_id, NULL, (NEW.cause ->> 'campaign_id')::bigint, NEW.booked,
        jsonb_build_object('program_id', NEW.program_id, 'subledger', NEW.subledger,
            'profile_id', profile_name(NEW.customer_id, NEW.root_id),
            'session_key', coalesce(NEW.cause ->> 'session_key', ''),
            'amount', NEW.amount, 'reason', coalesce(NEW.cause ->> 'name', ''),
            'start', NEW.start, 'expiry', NEW.expiry));
    RETURN NULL;
END $$;
CREATE TRIGGER notify_of_points AFTER INSERT ON loyalty_transaction FOR EACH ROW
    WHEN (NEW.amount <> 0
        AND NEW.kind IN ('earn', 'spend', 'post_hold', 'take_back', 'reimburse'))
    EXECUTE FUNCTION notify_of_points();

-- What a tier of that name needs; no tier needs less than the lowest.
CREATE FUNCTION tier_needs(a_program_id bigint, a_name text) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT (tier ->> 'min_points')::numeric
        FROM loyalty_program CROSS JOIN LATERAL
            jsonb_array_elements(document -> 'tiers') AS tiers (tier)
        WHERE id = a_program_id AND tier ->> 'name' = a_name), -1)
$$;

CREATE FUNCTION notify_of_tier() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    difference numeric;
BEGIN
    IF NOT anybody_notified() OR current_setting('habitue.notifications', true) = 'off' THEN
        RETURN NULL;
    END IF;
    difference := tier_needs(NEW.program_id, NEW.new_name)
        - tier_needs(NEW.program_id, NEW.old_name);
    IF difference = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM notify_of(CASE WHEN difference > 0 THEN 'tier_upgrade' ELSE 'tier_downgrade' END,
        NEW.program_id, 'rule_engine', NEW.customer_id, NEW.root_id, NULL, NULL, NEW.at,
        jsonb_build_object('program_id', NEW.program_id, 'subledger', NEW.subledger,
            'profile_id', profile_name(NEW.customer_id, NEW.root_id),
            'old_tier', NEW.old_name, 'new_tier', NEW.new_name, 'at', NEW.at,
            'expiry', NEW.expiry, 'points', (
                SELECT coalesce(sum(active), 0) FROM loyalty_account
                WHERE customer_id = NEW.customer_id AND program_id = NEW.program_id
                    AND subledger = NEW.subledger AND root_id = NEW.root_id)));
    RETURN NULL;
END $$;
CREATE TRIGGER notify_of_tier AFTER INSERT ON loyalty_tier_change FOR EACH ROW
    EXECUTE FUNCTION notify_of_tier();

-- Coupons that came to be, by their ids, some hundreds in one message; a batch is made by staff.
CREATE FUNCTION notify_of_coupons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT anybody_notified() THEN
        RETURN NULL;
    END IF;
    PERFORM notify_of('coupon', application_id, source, 0, 0, application_id,
        CASE WHEN min(campaign_id) = max(campaign_id) THEN min(campaign_id) END, max(created),
        jsonb_build_object('coupon_ids', jsonb_agg(id ORDER BY id)))
    FROM (
        SELECT *, (row_number() OVER (PARTITION BY application_id, source ORDER BY id) - 1) / 500
            AS part
        FROM (
            SELECT id, application_id, campaign_id, created,
                CASE WHEN batch_id = '' THEN 'rule_engine' ELSE 'management_api' END AS source
            FROM made
        ) AS listed
    ) AS parted
    GROUP BY application_id, source, part ORDER BY part;
    RETURN NULL;
END $$;
CREATE TRIGGER notify_of_coupons AFTER INSERT ON coupon REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION notify_of_coupons();

-- Campaigns as staff change them, before and after.
CREATE FUNCTION notify_of_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF anybody_notified() THEN
        PERFORM notify_of('campaign', NEW.application_id, 'management_api', 0, 0,
            NEW.application_id, NEW.entity_id, NEW.at, jsonb_build_object('old', NEW.old,
                'new', NEW.new, 'at', NEW.at, 'by_time', false));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notify_of_campaign AFTER INSERT ON configuration_change FOR EACH ROW
    WHEN (NEW.kind = 'campaign') EXECUTE FUNCTION notify_of_campaign();

-- Up to which moment it has been looked what time has brought about, for each notification.
CREATE TABLE notification_watch (
    notification_id bigint PRIMARY KEY,
    through timestamptz NOT NULL
);
CREATE INDEX loyalty_lot_pending ON loyalty_lot (program_id, start) WHERE start > created;
CREATE INDEX coupon_expiry ON coupon (application_id, expiry_date) WHERE expiry_date IS NOT NULL;
