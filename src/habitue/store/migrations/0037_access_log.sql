-- Requests that an application's systems have made, as they came and as they were answered. Rows are
-- only ever added, in the order of time, and deleted when they are old.
CREATE TABLE access_log (
    application_id bigint NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    method text NOT NULL,
    uri text NOT NULL,
    status smallint NOT NULL,
    request bytea NOT NULL,
    response bytea NOT NULL
);
CREATE INDEX access_log_application ON access_log (application_id, at);
CREATE INDEX access_log_at ON access_log USING brin (at);
