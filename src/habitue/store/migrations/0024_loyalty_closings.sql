-- What the books of a loyalty program came to at the end of a day, in the program's time zone. Rows
-- are added and never change. A closing counts the postings of moments before `until` among the
-- transactions up to `through`; what is booked later for an earlier moment is in the next one.

CREATE TABLE loyalty_closing (
    program_id bigint NOT NULL,
    day date NOT NULL,
    until timestamptz NOT NULL,
    through bigint NOT NULL,
    created timestamptz NOT NULL,
    issued numeric NOT NULL,
    spent numeric NOT NULL,
    expired numeric NOT NULL,
    voided numeric NOT NULL,
    held numeric NOT NULL,
    open numeric NOT NULL,
    debt numeric NOT NULL,
    transferred numeric NOT NULL,
    PRIMARY KEY (program_id, day),
    CHECK (issued = spent + expired + voided + held + open + debt + transferred)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are added and never change', TG_TABLE_NAME;
END $$;
CREATE TRIGGER loyalty_closing_stays BEFORE UPDATE OR DELETE ON loyalty_closing
FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The sums of some postings by place, with the sign of issued turned.
CREATE FUNCTION close_days(
    a_program_id bigint, a_days date[], a_untils timestamptz[], a_through bigint, a_now timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO loyalty_closing (program_id, day, until, through, created, issued, spent, expired,
        voided, held, open, debt, transferred)
    SELECT a_program_id, closed.day, closed.until, a_through, a_now, sums.*
    FROM unnest(a_days, a_untils) AS closed (day, until) CROSS JOIN LATERAL (
        SELECT -coalesce(sum(amount) FILTER (WHERE place = 'issued'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'spent'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'expired'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'voided'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'held'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'open'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'debt'), 0),
            coalesce(sum(amount) FILTER (WHERE place = 'transferred'), 0)
        FROM (
            SELECT posting.place, posting.amount FROM loyalty_transaction AS transaction
            JOIN loyalty_posting AS posting ON posting.customer_id = transaction.customer_id
                AND posting.transaction_id = transaction.id
            WHERE transaction.program_id = a_program_id AND transaction.at < closed.until
                AND transaction.id <= a_through
        ) AS counted
    ) AS sums
    ON CONFLICT (program_id, day) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END $$;
