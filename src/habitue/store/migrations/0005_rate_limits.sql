-- How many requests a credential has sent to an endpoint since its window began. A window that has
-- run out counts as none. Nothing is lost that matters when the server crashes, so it is not logged;
-- the free space on a page lets the row be rewritten where it stands.

CREATE UNLOGGED TABLE rate_window (
    credential_id bigint NOT NULL,
    endpoint text NOT NULL,
    began timestamptz NOT NULL,
    requests integer NOT NULL,
    PRIMARY KEY (credential_id, endpoint)
) WITH (fillfactor = 50);
