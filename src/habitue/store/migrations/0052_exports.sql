-- Files that staff have exported: of what, and which part of it was asked for. Rows are only added.
CREATE TABLE export (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    entity text NOT NULL,
    application_id bigint,
    campaign_id bigint,
    filter jsonb NOT NULL
);
