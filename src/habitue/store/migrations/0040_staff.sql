-- What users of the staff sign in with. It stands apart from the configuration, which every worker holds
-- in memory and the log of changes shows: a password as its slow hash, an invitation as a digest.
CREATE TABLE staff_secret (
    user_id bigint PRIMARY KEY,
    password text,
    invitation bytea UNIQUE,
    invited_until timestamptz
);
