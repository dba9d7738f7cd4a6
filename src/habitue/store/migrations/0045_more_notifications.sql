-- Which points of a program come to their end when, whosever they are.
CREATE INDEX loyalty_lot_expiry ON loyalty_lot (program_id, expiry)
WHERE expiry IS NOT NULL AND remaining > 0;

-- Coupons that staff have changed, by their ids, and coupons that they have deleted, as they were but
-- for whose they were; some hundreds in one message.
CREATE FUNCTION notify_of_changed_coupons(
    a_operation text, a_application_id bigint, a_now timestamptz, a_coupons jsonb[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notify_of('coupon', a_application_id, 'management_api', 0, 0, a_application_id,
        CASE WHEN min(campaign_id) = max(campaign_id) THEN min(campaign_id) END, a_now,
        jsonb_build_object('operation', a_operation) || CASE a_operation
            WHEN 'Updated' THEN jsonb_build_object('coupon_ids', jsonb_agg(coupon -> 'id'))
            ELSE jsonb_build_object('coupons', jsonb_agg(coupon - 'recipient_integration_id'))
        END)
    FROM (
        SELECT coupon, (coupon ->> 'campaign_id')::bigint AS campaign_id, (place - 1) / 500 AS part
        FROM unnest(a_coupons) WITH ORDINALITY AS listed (coupon, place) ORDER BY place
    ) AS parted
    GROUP BY part ORDER BY part;
    RETURN true;
END $$;
