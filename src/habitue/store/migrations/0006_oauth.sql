-- The secret that access tokens are signed with: one for all processes, made by the first that
-- needs it. It cannot be kept as a digest, for it is what the signature is made of.

CREATE TABLE oauth_secret (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    secret bytea NOT NULL
);
