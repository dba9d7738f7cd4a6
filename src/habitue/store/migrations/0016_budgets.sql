-- Budgets: what campaigns may spend. A shared budget is split over slots, so that requests that take
-- from it at the same moment do not queue: each takes from a slot that nobody else holds. What is
-- left is the sum over the slots; where no slot has enough, they are gathered, and the last of a
-- budget is given out exactly.

-- `granted` is the limit that the slots were filled for, as of that version of the configuration:
-- what is taken is what was granted without what remains.
CREATE TABLE budget (
    campaign_id bigint NOT NULL,
    name text NOT NULL,
    coupon_id bigint NOT NULL,
    referral_id bigint NOT NULL,
    identifier text NOT NULL,
    store text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    granted numeric NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (campaign_id, name, coupon_id, referral_id, identifier, store)
);

-- Below zero is only the first slot, alone, after a limit was lowered below what was taken.
CREATE TABLE budget_slot (
    budget_id bigint NOT NULL,
    slot integer NOT NULL,
    remaining numeric NOT NULL,
    PRIMARY KEY (budget_id, slot)
) WITH (fillfactor = 50);

-- What sessions took. `shared` ones were taken of a shared budget, or of a coupon's own; the others
-- are the customer's budget themselves. `kept` ones are never given back.
CREATE SEQUENCE budget_use_id;
CREATE TABLE budget_use (
    customer_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    id bigint NOT NULL,
    root_id bigint NOT NULL,
    session_id bigint,
    name text NOT NULL,
    coupon_id bigint NOT NULL,
    referral_id bigint NOT NULL,
    identifier text NOT NULL,
    store text NOT NULL,
    amount numeric NOT NULL CHECK (amount > 0),
    shared boolean NOT NULL,
    kept boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, campaign_id, id)
);

ALTER TABLE coupon
    ADD COLUMN discount_limit numeric NOT NULL DEFAULT 0 CHECK (discount_limit >= 0),
    ADD COLUMN discount_counter numeric NOT NULL DEFAULT 0 CHECK (discount_counter >= 0);

CREATE FUNCTION budget_value(
    a_campaign_id bigint, a_name text, a_coupon_id bigint, a_referral_id bigint,
    a_identifier text, a_store text
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('campaign_id', a_campaign_id, 'name', a_name,
        'coupon_id', a_coupon_id, 'referral_id', a_referral_id, 'identifier', a_identifier,
        'store', a_store)
$$;

-- How much is left goes into as many slots as can each serve some more requests of that size, and
-- what does not divide into the first.
CREATE FUNCTION spread_budget(a_budget_id bigint, a_total numeric, a_amount numeric)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    slots integer := (SELECT count(*) FROM budget_slot WHERE budget_id = a_budget_id);
    filled integer := least(slots, greatest(1, floor(a_total / (8 * a_amount))));
    share numeric := trunc(a_total / filled, 2);
BEGIN
    UPDATE budget_slot SET remaining = CASE
        WHEN slot = 0 THEN a_total - share * (filled - 1)
        WHEN slot < filled THEN share
        ELSE 0
    END
    WHERE budget_id = a_budget_id;
END $$;

-- The sum of what is left, with every slot held until the end.
CREATE FUNCTION hold_budget(a_budget_id bigint) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM budget_slot WHERE budget_id = a_budget_id ORDER BY slot FOR UPDATE;
    RETURN (SELECT sum(remaining) FROM budget_slot WHERE budget_id = a_budget_id);
END $$;

-- The budget comes to be with the limit that it has now. One that belongs to a single coupon,
-- referral or identifier has one slot: few want it at once.
CREATE FUNCTION open_budget(a_key budget, a_amount numeric) RETURNS budget LANGUAGE plpgsql AS $$
DECLARE
    opened budget;
    is_single boolean := a_key.coupon_id > 0 OR a_key.referral_id > 0 OR a_key.identifier <> '';
BEGIN
    INSERT INTO budget (campaign_id, name, coupon_id, referral_id, identifier, store, granted,
        version)
    VALUES (a_key.campaign_id, a_key.name, a_key.coupon_id, a_key.referral_id, a_key.identifier,
        a_key.store, a_key.granted, a_key.version)
    ON CONFLICT DO NOTHING RETURNING * INTO opened;
    IF FOUND THEN
        INSERT INTO budget_slot (budget_id, slot, remaining)
        SELECT opened.id, slot, 0
        FROM generate_series(0, CASE WHEN is_single THEN 0 ELSE 15 END) AS slots (slot);
        PERFORM spread_budget(opened.id, opened.granted, a_amount);
    ELSE
        SELECT * INTO opened FROM budget
        WHERE campaign_id = a_key.campaign_id AND name = a_key.name
            AND coupon_id = a_key.coupon_id AND referral_id = a_key.referral_id
            AND identifier = a_key.identifier AND store = a_key.store;
    END IF;
    RETURN opened;
END $$;

-- A limit was changed: the newer configuration says how much there is.
CREATE FUNCTION regrant_budget(
    a_budget_id bigint, a_key budget, a_amount numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known budget;
BEGIN
    SELECT * INTO known FROM budget
    WHERE campaign_id = a_key.campaign_id AND name = a_key.name AND coupon_id = a_key.coupon_id
        AND referral_id = a_key.referral_id AND identifier = a_key.identifier
        AND store = a_key.store
    FOR UPDATE;
    IF known.granted = a_key.granted THEN
        RETURN;
    END IF;
    IF known.version > a_key.version THEN
        PERFORM guard_failed('budget');
    END IF;
    PERFORM spread_budget(a_budget_id,
        hold_budget(a_budget_id) + a_key.granted - known.granted, a_amount);
    UPDATE budget SET granted = a_key.granted, version = a_key.version
    WHERE campaign_id = a_key.campaign_id AND name = a_key.name AND coupon_id = a_key.coupon_id
        AND referral_id = a_key.referral_id AND identifier = a_key.identifier
        AND store = a_key.store;
END $$;

-- Takes the amount from the preferred slot or from another that nobody holds; from one that somebody holds, where all are held;
-- from all together, where none has enough.
CREATE FUNCTION take_budget(a_key budget, a_amount numeric, a_preferred integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known budget;
    chosen integer;
    total numeric;
BEGIN
    SELECT * INTO known FROM budget
    WHERE campaign_id = a_key.campaign_id AND name = a_key.name AND coupon_id = a_key.coupon_id
        AND referral_id = a_key.referral_id AND identifier = a_key.identifier
        AND store = a_key.store;
    IF NOT FOUND THEN
        known := open_budget(a_key, a_amount);
    END IF;
    IF known.granted <> a_key.granted THEN
        PERFORM regrant_budget(known.id, a_key, a_amount);
    END IF;
    UPDATE budget_slot SET remaining = remaining - a_amount
    WHERE budget_id = known.id AND slot = (
        SELECT slot FROM budget_slot
        WHERE budget_id = known.id AND slot = a_preferred AND remaining >= a_amount
        FOR UPDATE SKIP LOCKED);
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT slot INTO chosen FROM budget_slot
    WHERE budget_id = known.id AND remaining >= a_amount
    ORDER BY (slot + a_preferred) % 16 LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT slot INTO chosen FROM budget_slot
        WHERE budget_id = known.id AND remaining >= a_amount
        ORDER BY (slot + a_preferred) % 16 LIMIT 1;
    END IF;
    UPDATE budget_slot SET remaining = remaining - a_amount
    WHERE budget_id = known.id AND slot = chosen AND remaining >= a_amount;
    IF FOUND THEN
        RETURN;
    END IF;
    total := hold_budget(known.id);
    IF total < a_amount THEN
        PERFORM guard_failed('budget');
    END IF;
    PERFORM spread_budget(known.id, total - a_amount, a_amount);
END $$;

-- Gives back what was taken. All slots are held, so that a debt in the first is paid before anything
-- can be taken again.
CREATE FUNCTION give_budget(
    a_campaign_id bigint, a_name text, a_coupon_id bigint, a_referral_id bigint,
    a_identifier text, a_store text, a_amount numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
BEGIN
    IF a_name = 'discountLimit' THEN
        UPDATE coupon SET discount_counter = greatest(0, discount_counter - a_amount)
        WHERE campaign_id = a_campaign_id AND id = a_coupon_id;
        RETURN;
    END IF;
    SELECT id INTO known FROM budget
    WHERE campaign_id = a_campaign_id AND name = a_name AND coupon_id = a_coupon_id
        AND referral_id = a_referral_id AND identifier = a_identifier AND store = a_store;
    IF FOUND THEN
        PERFORM spread_budget(known, hold_budget(known) + a_amount, a_amount);
    END IF;
END $$;

-- Questions that are answered out of the stored session are told whose it is.
CREATE FUNCTION with_holder(a_asked jsonb, a_holder_id bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a_asked ?| ARRAY['budgets', 'creations', 'referrals'] THEN (
        SELECT jsonb_object_agg(key, CASE
            WHEN key IN ('budgets', 'creations', 'referrals')
            THEN value || jsonb_build_object('holder_id', a_holder_id) ELSE value
        END) FROM jsonb_each(a_asked)
    ) ELSE a_asked END
$$;

-- Which budgets of those names the request can take from: of which coupons, identifiers and stores.
CREATE FUNCTION read_shared_budgets(a_session_id bigint, a_asked jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    stored session;
    codes text[];
    coupons bigint[] := '{0}';
    identifiers text[] := '{""}';
    stores text[] := '{""}';
    referrals bigint[] := '{0}';
BEGIN
    IF (a_asked -> 'addressed')::boolean THEN
        -- the session may still be with whom it had before
        SELECT * INTO stored FROM session
        WHERE customer_id = (a_asked ->> 'holder_id')::bigint AND id = a_session_id;
        codes := ARRAY(SELECT jsonb_array_elements_text(coalesce(
            nullif(a_asked -> 'coupon_codes', 'null'), to_jsonb(stored.coupon_codes), '[]')));
        coupons := coupons || ARRAY(
            SELECT id FROM coupon
            WHERE application_id = (a_asked ->> 'application_id')::bigint AND code = ANY (codes));
        identifiers := identifiers || ARRAY(
            SELECT encode(sha256(convert_to(identifier, 'UTF8')), 'hex')
            FROM jsonb_array_elements_text(coalesce(
                nullif(a_asked -> 'identifiers', 'null'), stored.document -> 'identifiers', '[]'))
                AS given (identifier));
        referrals := referrals || ARRAY(
            SELECT id FROM referral
            WHERE application_id = (a_asked ->> 'application_id')::bigint
                AND code = spelled(coalesce(a_asked ->> 'referral_code',
                    stored.document ->> 'referral_code', ''), a_asked ->> 'spelling'));
        stores := stores || coalesce(a_asked ->> 'store_integration_id',
            stored.document ->> 'store_integration_id', '');
    END IF;
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('budget', budget_value(
                budget.campaign_id, budget.name, coupon_id, referral_id, identifier, store),
            'amount', granted - (SELECT sum(remaining) FROM budget_slot
                WHERE budget_id = budget.id))), '[]')
        FROM jsonb_to_recordset(a_asked -> 'shared') AS wanted (campaign_id bigint, name text)
        JOIN budget ON budget.campaign_id = wanted.campaign_id AND budget.name = wanted.name
            AND budget.coupon_id = ANY (coupons) AND budget.identifier = ANY (identifiers)
            AND budget.store = ANY (stores) AND budget.referral_id = ANY (referrals));
END $$;

CREATE FUNCTION read_resource_budgets(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    found jsonb := '{}';
BEGIN
    IF a_asked -> 'shared' <> '[]' THEN
        found := jsonb_build_object('shared', read_shared_budgets(a_session_id, a_asked));
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

CREATE FUNCTION write_resource_budgets(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
    taken record;
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
                (a_customer_id % 16)::integer);
        END IF;
        INSERT INTO budget_use (customer_id, campaign_id, id, root_id, session_id, name, coupon_id,
            referral_id, identifier, store, amount, shared, kept, at)
        VALUES (a_customer_id, taken.campaign_id, nextval('budget_use_id'), a_root_id,
            a_session_id, taken.name, taken.coupon_id, taken.referral_id, taken.identifier,
            taken.store, taken.amount, taken.shared, taken.kept, a_now);
    END LOOP;
END $$;

-- A session keeps less than it has taken.
CREATE FUNCTION lessen_use(
    a_customer_id bigint, a_session_id bigint, a_campaign_id bigint, a_name text,
    a_coupon_id bigint, a_referral_id bigint, a_identifier text, a_store text, a_amount numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    used budget_use;
BEGIN
    SELECT * INTO used FROM budget_use
    WHERE customer_id = a_customer_id AND session_id = a_session_id AND NOT kept
        AND campaign_id = a_campaign_id AND name = a_name AND coupon_id = a_coupon_id
        AND referral_id = a_referral_id AND identifier = a_identifier AND store = a_store
        AND amount >= a_amount;
    IF NOT FOUND THEN
        PERFORM guard_failed('use of a budget');
    END IF;
    IF used.amount > a_amount THEN
        UPDATE budget_use SET amount = amount - a_amount
        WHERE customer_id = a_customer_id AND campaign_id = a_campaign_id AND id = used.id;
    ELSE
        DELETE FROM budget_use
        WHERE customer_id = a_customer_id AND campaign_id = a_campaign_id AND id = used.id;
    END IF;
    IF used.shared THEN
        PERFORM give_budget(a_campaign_id, a_name, a_coupon_id, a_referral_id, a_identifier,
            a_store, a_amount);
    END IF;
END $$;

CREATE FUNCTION delete_budgets(a_campaign_id bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM budget_slot WHERE budget_id IN (
        SELECT id FROM budget WHERE campaign_id = a_campaign_id);
    DELETE FROM budget WHERE campaign_id = a_campaign_id;
$$;
