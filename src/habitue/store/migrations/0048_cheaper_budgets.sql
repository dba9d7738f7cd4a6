-- Budgets cost less: resources are found without planning a statement for each, and what is read and
-- taken of budgets of whole campaigns, which most are, takes one statement for each.

-- As in 0011. Functions that are known here are called as they are; those of other names are found by
-- their names, with a statement that is planned every time.
CREATE OR REPLACE FUNCTION read_resources(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    a_resource text;
    asked jsonb;
    part jsonb;
    found jsonb := '{}';
    others jsonb := a_asked;
BEGIN
    IF a_asked ? 'achievements' THEN
        found := found || jsonb_build_object('achievements', read_resource_achievements(
            a_customer_id, a_root_id, a_session_id, a_asked -> 'achievements'));
    END IF;
    IF a_asked ? 'audiences' THEN
        found := found || jsonb_build_object('audiences', read_resource_audiences(
            a_customer_id, a_root_id, a_session_id, a_asked -> 'audiences'));
    END IF;
    IF a_asked ? 'budgets' THEN
        found := found || jsonb_build_object('budgets', read_resource_budgets(
            a_customer_id, a_root_id, a_session_id, a_asked -> 'budgets'));
    END IF;
    IF a_asked ? 'catalog' THEN
        found := found || jsonb_build_object('catalog', read_resource_catalog(
            a_customer_id, a_root_id, a_session_id, a_asked -> 'catalog'));
    END IF;
    IF a_asked ? 'points' THEN
        found := found || jsonb_build_object('points', read_resource_points(
            a_customer_id, a_root_id, a_session_id, a_asked -> 'points'));
    END IF;
    others := a_asked - '{achievements,audiences,budgets,catalog,points}'::text[];
    IF others <> '{}' THEN
        FOR a_resource, asked IN SELECT key, value FROM jsonb_each(others) LOOP
            EXECUTE format('SELECT %I($1, $2, $3, $4)', 'read_resource_' || a_resource)
            INTO part USING a_customer_id, a_root_id, a_session_id, asked;
            found := found || jsonb_build_object(a_resource, part);
        END LOOP;
    END IF;
    RETURN found;
END $$;

-- by name, so that nobody waits in a circle
CREATE OR REPLACE FUNCTION write_resources(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz, a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a_resource text;
    changes jsonb;
BEGIN
    -- who closes a session takes of budgets and changes nothing else, as a rule
    IF a_changes ? 'budgets' AND a_changes - 'budgets' = '{}' THEN
        PERFORM write_resource_budgets(a_customer_id, a_root_id, a_session_id, a_now,
            a_changes -> 'budgets');
        RETURN;
    END IF;
    FOR a_resource, changes IN SELECT key, value FROM jsonb_each(a_changes) ORDER BY key LOOP
        IF a_resource = 'budgets' THEN
            PERFORM write_resource_budgets(a_customer_id, a_root_id, a_session_id, a_now, changes);
        ELSE
            EXECUTE format('SELECT %I($1, $2, $3, $4, $5)', 'write_resource_' || a_resource)
            USING a_customer_id, a_root_id, a_session_id, a_now, changes;
        END IF;
    END LOOP;
END $$;

-- The budgets of whole campaigns of those names, each found by its key, and what is taken of it.
CREATE FUNCTION read_campaign_budgets(a_shared jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('budget', wanted - 'session',
            'amount', counted.granted - counted.remaining)), '[]')
        FROM jsonb_array_elements(a_shared) AS asked (wanted)
        CROSS JOIN LATERAL (
            SELECT granted,
                (SELECT sum(remaining) FROM budget_slot WHERE budget_id = budget.id) AS remaining
            FROM budget
            WHERE campaign_id = (wanted -> 'campaign_id')::bigint AND name = wanted ->> 'name'
                AND coupon_id = 0 AND referral_id = 0 AND identifier = '' AND store = ''
            OFFSET 0
        ) AS counted);
END $$;

CREATE OR REPLACE FUNCTION read_resource_budgets(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    found jsonb := '{}';
BEGIN
    IF a_asked -> 'shared' <> '[]' THEN
        found := jsonb_build_object('shared', CASE
            WHEN (a_asked -> 'addressed')::boolean THEN read_shared_budgets(a_session_id, a_asked)
            ELSE read_campaign_budgets(a_asked -> 'shared')
        END);
    END IF;
    IF a_asked -> 'own' <> '[]' THEN
        found := found || jsonb_build_object('own', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('budget', budget, 'amount', amount)), '[]')
            FROM (
                SELECT budget_value(used.campaign_id, used.name, coupon_id, referral_id,
                        identifier, store) AS budget,
                    sum(amount) AS amount
                FROM jsonb_to_recordset(a_asked -> 'own')
                    AS wanted (campaign_id bigint, name text, session boolean)
                JOIN budget_use AS used ON used.customer_id = a_customer_id
                    AND used.campaign_id = wanted.campaign_id AND used.name = wanted.name
                    AND NOT used.shared
                    AND (NOT wanted.session OR used.session_id = a_session_id)
                GROUP BY 1
            ) AS sums));
    END IF;
    IF (a_asked -> 'gives_back')::boolean THEN
        found := found || jsonb_build_object('session', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('budget', budget_value(
                campaign_id, name, coupon_id, referral_id, identifier, store),
                'amount', amount)), '[]')
            FROM budget_use
            WHERE customer_id = a_customer_id AND session_id = a_session_id AND NOT kept));
    END IF;
    RETURN found;
END $$;

-- Takes of a budget whose limit has not changed, from a slot that nobody holds and that has enough:
-- the usual case. Answers whether that has been done.
CREATE FUNCTION take_slot(
    a_campaign_id bigint, a_name text, a_coupon_id bigint, a_referral_id bigint,
    a_identifier text, a_store text, a_granted numeric, a_amount numeric, a_preferred integer
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
BEGIN
    SELECT id INTO known FROM budget
    WHERE campaign_id = a_campaign_id AND name = a_name AND coupon_id = a_coupon_id
        AND referral_id = a_referral_id AND identifier = a_identifier AND store = a_store
        AND granted = a_granted;
    UPDATE budget_slot SET remaining = remaining - a_amount
    WHERE budget_id = known AND slot = (
        SELECT slot FROM budget_slot
        WHERE budget_id = known AND slot = a_preferred AND remaining >= a_amount
        FOR UPDATE SKIP LOCKED);
    RETURN FOUND;
END $$;

-- As in 0035, but what is taken is read one after the other without a query.
CREATE OR REPLACE FUNCTION write_resource_budgets(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
    takes CONSTANT jsonb := coalesce(a_changes -> 'takes', '[]');
    taken jsonb;
    key jsonb;
    of_campaign bigint;
    of_name text;
    of_coupon bigint;
    of_referral bigint;
    of_identifier text;
    of_store text;
    taken_amount numeric;
    is_shared boolean;
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
    FOR place IN 0 .. jsonb_array_length(takes) - 1 LOOP
        taken := takes -> place;
        key := taken -> 'budget';
        of_campaign := (key -> 'campaign_id')::bigint;
        of_name := key ->> 'name';
        of_coupon := (key -> 'coupon_id')::bigint;
        of_referral := (key -> 'referral_id')::bigint;
        of_identifier := key ->> 'identifier';
        of_store := key ->> 'store';
        taken_amount := (taken -> 'amount')::numeric;
        is_shared := coalesce((taken -> 'shared')::boolean, false);
        IF of_name = 'discountLimit' THEN
            UPDATE coupon SET discount_counter = discount_counter + taken_amount
            WHERE campaign_id = of_campaign AND id = of_coupon
                AND discount_counter + taken_amount <= discount_limit;
            IF NOT FOUND THEN
                PERFORM guard_failed('discount limit');
            END IF;
        ELSIF is_shared THEN
            IF NOT take_slot(of_campaign, of_name, of_coupon, of_referral, of_identifier, of_store,
                (taken -> 'limit')::numeric, taken_amount, preferred) THEN
                PERFORM take_budget(ROW(of_campaign, of_name, of_coupon, of_referral,
                    of_identifier, of_store, 0, (taken -> 'limit')::numeric,
                    (a_changes -> 'version')::bigint)::budget, taken_amount, preferred);
            END IF;
        END IF;
        INSERT INTO budget_use (customer_id, campaign_id, id, root_id, session_id, name, coupon_id,
            referral_id, identifier, store, amount, shared, kept, at)
        VALUES (a_customer_id, of_campaign, nextval('budget_use_id'), a_root_id,
            a_session_id, of_name, of_coupon, of_referral, of_identifier, of_store,
            taken_amount, is_shared, coalesce((taken -> 'kept')::boolean, false), a_now);
    END LOOP;
END $$;
