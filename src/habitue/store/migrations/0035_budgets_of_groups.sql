-- Closings that travel together take from the same slot of a budget, and those that travel apart from
-- different ones.

CREATE OR REPLACE FUNCTION write_resource_budgets(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
    taken record;
    -- one for all that is taken in a transaction, so that a group of closings holds few slots
    preferred CONSTANT integer := (pg_current_xact_id()::text::bigint % 16)::integer;
BEGIN
    -- in the order of budgets, as below, so that nobody waits in a circle
    IF (a_changes -> 'release')::boolean THEN
        FOR given IN
            WITH gone AS (
                DELETE FROM budget_use
                WHERE customer_id = a_customer_id AND session_id = a_session_id AND NOT kept
                RETURNING *
            )
            SELECT * FROM gone WHERE shared
            ORDER BY campaign_id, name COLLATE "C", coupon_id, referral_id, identifier COLLATE "C",
                store COLLATE "C"
        LOOP
            PERFORM give_budget(given.campaign_id, given.name, given.coupon_id, given.referral_id,
                given.identifier, given.store, given.amount);
        END LOOP;
    END IF;
    IF a_changes ? 'gives' THEN
        FOR given IN
            SELECT budget.*, amount
            FROM jsonb_to_recordset(a_changes -> 'gives') AS gives (budget jsonb, amount numeric),
                jsonb_to_record(gives.budget) AS budget (campaign_id bigint, name text,
                    coupon_id bigint, referral_id bigint, identifier text, store text)
        LOOP
            PERFORM lessen_use(a_customer_id, a_session_id, given.campaign_id, given.name,
                given.coupon_id, given.referral_id, given.identifier, given.store, given.amount);
        END LOOP;
    END IF;
    IF NOT a_changes ? 'takes' THEN
        RETURN;
    END IF;
    FOR taken IN
        SELECT budget.*, amount, "limit" AS granted, coalesce(shared, false) AS shared,
            coalesce(kept, false) AS kept
        FROM jsonb_to_recordset(a_changes -> 'takes') AS takes (budget jsonb, amount numeric,
                "limit" numeric, shared boolean, kept boolean),
            jsonb_to_record(takes.budget) AS budget (campaign_id bigint, name text,
                coupon_id bigint, referral_id bigint, identifier text, store text)
    LOOP
        IF taken.name = 'discountLimit' THEN
            UPDATE coupon SET discount_counter = discount_counter + taken.amount
            WHERE campaign_id = taken.campaign_id AND id = taken.coupon_id
                AND discount_counter + taken.amount <= discount_limit;
            IF NOT FOUND THEN
                PERFORM guard_failed('discount limit');
            END IF;
        ELSIF taken.shared THEN
            PERFORM take_budget(ROW(taken.campaign_id, taken.name, taken.coupon_id,
                taken.referral_id, taken.identifier, taken.store, 0, taken.granted,
                (a_changes -> 'version')::bigint)::budget, taken.amount,
                preferred);
        END IF;
        INSERT INTO budget_use (customer_id, campaign_id, id, root_id, session_id, name, coupon_id,
            referral_id, identifier, store, amount, shared, kept, at)
        VALUES (a_customer_id, taken.campaign_id, nextval('budget_use_id'), a_root_id,
            a_session_id, taken.name, taken.coupon_id, taken.referral_id, taken.identifier,
            taken.store, taken.amount, taken.shared, taken.kept, a_now);
    END LOOP;
END $$;
