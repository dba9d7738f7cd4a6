-- Imports: what was taken in out of files, and how far it has come. `identity` says that it is the
-- same file for the same place; an import that was cut off goes on where it stopped.

CREATE SEQUENCE import_id;
CREATE TABLE import (
    id bigint PRIMARY KEY DEFAULT nextval('import_id'),
    identity uuid NOT NULL,
    digest bytea NOT NULL,
    entity text NOT NULL,
    row_count bigint NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    actor text NOT NULL,
    created timestamptz NOT NULL,
    finished timestamptz
);
CREATE INDEX import_identity ON import (identity, id);
CREATE UNIQUE INDEX import_unfinished ON import (identity) WHERE finished IS NULL;
