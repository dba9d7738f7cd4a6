-- Reading a ledger without reading its lots: the order in which they are spent and end, and the
-- order in which they start.

CREATE INDEX loyalty_lot_order ON loyalty_lot
    (customer_id, program_id, subledger, coalesce(expiry, 'infinity'), created, key)
WHERE remaining > 0;
CREATE INDEX loyalty_lot_start ON loyalty_lot (customer_id, program_id, subledger, start)
WHERE remaining > 0;
DROP INDEX loyalty_lot_open;

-- A write of points of its own that answers a request under a key: both, or neither.
CREATE FUNCTION save_answered_points(
    a_of_card boolean, a_customer_id bigint, a_version bigint, a_root_id bigint, a_now timestamptz,
    a_ledgers jsonb, a_receipt_key uuid, a_receipt_hash bytea, a_receipt_status smallint,
    a_receipt_answer bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM save_receipt(a_receipt_key, a_receipt_hash, a_receipt_status, a_receipt_answer,
        CASE WHEN a_of_card THEN NULL ELSE a_customer_id END, a_now);
    UPDATE receipt SET root_id = a_root_id
    WHERE key_digest = a_receipt_key AND NOT a_of_card AND a_root_id <> a_customer_id;
    IF a_of_card THEN
        PERFORM save_card_points(a_customer_id, a_version, a_now, a_ledgers);
    ELSE
        PERFORM save_points(a_customer_id, a_version, a_now, a_ledgers);
    END IF;
END $$;
