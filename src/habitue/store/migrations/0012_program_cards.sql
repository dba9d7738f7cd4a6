-- Cards of card-based loyalty programs. A number is one card at every door: what the registration
-- door says of it (who holds it, its label) stands in loyalty_card, what it has in a program stands
-- here. Its points are those of `owner_id`, an id out of the sequence of customers, which goes to
-- another card with all that it owns when a card is replaced.

CREATE SEQUENCE program_card_id;
CREATE TABLE program_card (
    id bigint PRIMARY KEY DEFAULT nextval('program_card_id'),
    program_id bigint NOT NULL,
    identifier text NOT NULL,
    owner_id bigint NOT NULL DEFAULT nextval('customer_id'),
    version bigint NOT NULL DEFAULT 1,
    sandbox boolean NOT NULL,
    status text NOT NULL,
    block_reason text NOT NULL DEFAULT '',
    batch_id text NOT NULL DEFAULT '',
    generated boolean NOT NULL,
    old_identifier text NOT NULL DEFAULT '',
    new_identifier text NOT NULL DEFAULT '',
    created timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    deleted timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX program_card_identifier ON program_card (program_id, identifier)
WHERE deleted IS NULL;
CREATE UNIQUE INDEX program_card_owner ON program_card (owner_id);
CREATE INDEX program_card_batch ON program_card (program_id, batch_id)
WHERE batch_id <> '' AND deleted IS NULL;

-- Which profiles a card is linked to: the link belongs to the customer and moves with it.
CREATE TABLE program_card_link (
    customer_id bigint NOT NULL,
    root_id bigint NOT NULL,
    card_id bigint NOT NULL,
    integration_id text NOT NULL,
    linked timestamptz NOT NULL,
    PRIMARY KEY (customer_id, root_id, card_id)
);
CREATE INDEX program_card_link_card ON program_card_link (card_id);

-- A card as a document, with its links and what the registration door says of its number. Whoever
-- holds it there is linked to it here, if a profile of theirs is known.
CREATE FUNCTION program_card_document(a_card program_card) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH held AS (
        SELECT * FROM loyalty_card WHERE number = a_card.identifier AND NOT a_card.sandbox
    ), link AS (
        SELECT customer_id, root_id, integration_id, linked, false AS by_registration
        FROM program_card_link WHERE card_id = a_card.id
        UNION ALL
        SELECT held.customer_id, coalesce(held.root_id, held.customer_id), known.value,
            coalesce(held.issued, held.created), true
        FROM held CROSS JOIN LATERAL (
            SELECT value FROM customer_identifier
            WHERE customer_id = held.customer_id AND kind = 'integrationId'
            ORDER BY created, value LIMIT 1
        ) AS known
        WHERE NOT EXISTS (SELECT FROM program_card_link AS linked
            WHERE linked.card_id = a_card.id AND linked.customer_id = held.customer_id)
    )
    SELECT to_jsonb(a_card) || jsonb_build_object(
        'links', (SELECT coalesce(jsonb_agg(to_jsonb(link) ORDER BY linked, integration_id), '[]')
            FROM link),
        'registered', (SELECT jsonb_build_object('status', status, 'expiry', expiry) FROM held))
$$;

-- New cards under those identifiers; the identifiers of those that were added: others are taken.
CREATE FUNCTION add_program_cards(
    a_program_id bigint, a_sandbox boolean, a_status text, a_batch_id text, a_generated boolean,
    a_now timestamptz, a_identifiers text[]
) RETURNS SETOF program_card LANGUAGE sql AS $$
    INSERT INTO program_card
        (program_id, identifier, sandbox, status, batch_id, generated, created, modified)
    SELECT a_program_id, identifier, a_sandbox, a_status, a_batch_id, a_generated, a_now, a_now
    FROM unnest(a_identifiers) AS identifier
    ON CONFLICT (program_id, identifier) WHERE deleted IS NULL DO NOTHING
    RETURNING *
$$;

-- The card at that version; whatever is written of a card or of its points goes through here.
CREATE FUNCTION guard_program_card(a_owner_id bigint, a_version bigint)
RETURNS program_card LANGUAGE plpgsql AS $$
DECLARE
    moved program_card;
BEGIN
    UPDATE program_card SET version = version + 1
    WHERE owner_id = a_owner_id AND version = a_version
    RETURNING * INTO moved;
    IF NOT FOUND THEN
        PERFORM guard_failed('program card');
    END IF;
    RETURN moved;
END $$;

CREATE FUNCTION save_card_points(
    a_owner_id bigint, a_version bigint, a_now timestamptz, a_ledgers jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM guard_program_card(a_owner_id, a_version);
    PERFORM write_points(a_owner_id, a_now, a_ledgers);
END $$;

CREATE FUNCTION save_program_card_status(
    a_owner_id bigint, a_version bigint, a_status text, a_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    card program_card := guard_program_card(a_owner_id, a_version);
BEGIN
    UPDATE program_card SET status = a_status, modified = a_now WHERE id = card.id;
END $$;

CREATE FUNCTION link_program_card(
    a_owner_id bigint, a_version bigint, a_customer_id bigint, a_customer_version bigint,
    a_root_id bigint, a_integration_id text, a_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    card program_card;
BEGIN
    PERFORM update_customer(a_customer_id, a_customer_version, NULL, NULL, 0, 0, 0);
    card := guard_program_card(a_owner_id, a_version);
    INSERT INTO program_card_link (customer_id, root_id, card_id, integration_id, linked)
    VALUES (a_customer_id, a_root_id, card.id, a_integration_id, a_now)
    ON CONFLICT DO NOTHING;
    UPDATE program_card SET modified = a_now WHERE id = card.id;
END $$;

CREATE FUNCTION unlink_program_card(
    a_owner_id bigint, a_version bigint, a_customer_id bigint, a_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    card program_card := guard_program_card(a_owner_id, a_version);
BEGIN
    DELETE FROM program_card_link WHERE card_id = card.id AND customer_id = a_customer_id;
    UPDATE program_card SET modified = a_now WHERE id = card.id;
END $$;

-- All that a card has goes to a new one, which takes its place; the old one is blocked for good.
CREATE FUNCTION transfer_program_card(
    a_owner_id bigint, a_version bigint, a_new_identifier text, a_block_reason text,
    a_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    card program_card := guard_program_card(a_owner_id, a_version);
    a_new_id bigint;
BEGIN
    UPDATE program_card SET owner_id = nextval('customer_id'), status = 'inactive',
        block_reason = a_block_reason, new_identifier = a_new_identifier, modified = a_now
    WHERE id = card.id;
    INSERT INTO program_card (program_id, identifier, owner_id, sandbox, status, generated,
        old_identifier, created, modified)
    VALUES (card.program_id, a_new_identifier, a_owner_id, card.sandbox, 'active', false,
        card.identifier, a_now, a_now)
    ON CONFLICT DO NOTHING RETURNING id INTO a_new_id;
    IF a_new_id IS NULL THEN
        PERFORM guard_failed('program card');
    END IF;
    UPDATE program_card_link SET card_id = a_new_id WHERE card_id = card.id;
END $$;

-- The card goes, the books of its points stay; its identifier is free.
CREATE FUNCTION delete_program_card(
    a_owner_id bigint, a_version bigint, a_now timestamptz, a_ledgers jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    card program_card := guard_program_card(a_owner_id, a_version);
BEGIN
    PERFORM write_points(a_owner_id, a_now, a_ledgers);
    DELETE FROM program_card_link WHERE card_id = card.id;
    UPDATE program_card SET deleted = a_now, modified = a_now WHERE id = card.id;
END $$;

-- The books stay, without the reasons that people wrote; cards stay, without who they were of.
CREATE OR REPLACE FUNCTION erase_points(a_customer_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loyalty_transaction SET cause = cause - 'name'
    WHERE customer_id = a_customer_id AND cause ? 'name';
    UPDATE program_card SET version = version + 1 FROM program_card_link AS link
    WHERE link.customer_id = a_customer_id AND program_card.id = link.card_id;
    DELETE FROM program_card_link WHERE customer_id = a_customer_id;
END $$;
