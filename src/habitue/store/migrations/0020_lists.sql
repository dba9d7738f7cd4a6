-- Lists for staff: sessions of an application in the order in which they came to be, and audiences
-- that a file replaces: its members are stamped with the import, and whoever was there before and is
-- not stamped goes with the last row.

CREATE INDEX session_application ON session (application_id, id);

ALTER TABLE audience_member ADD COLUMN import_id bigint;

CREATE OR REPLACE FUNCTION write_resource_audiences(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    an_audience bigint;
    an_import bigint := (a_changes ->> 'import_id')::bigint;
BEGIN
    FOR an_audience IN
        SELECT value::bigint FROM jsonb_array_elements_text(a_changes -> 'joins') ORDER BY 1
    LOOP
        PERFORM FROM audience WHERE id = an_audience AND NOT deleted FOR SHARE;
        IF NOT FOUND THEN
            PERFORM guard_failed('audience');
        END IF;
        INSERT INTO audience_member AS member
            (customer_id, audience_id, root_id, joined, import_id)
        VALUES (a_customer_id, an_audience, a_root_id, a_now, an_import)
        ON CONFLICT (customer_id, audience_id, root_id) DO UPDATE
            SET import_id = excluded.import_id WHERE excluded.import_id IS NOT NULL;
    END LOOP;
    DELETE FROM audience_member
    WHERE customer_id = a_customer_id AND audience_id IN (
        SELECT value::bigint FROM jsonb_array_elements_text(a_changes -> 'leaves'));
END $$;

-- Once every row of an import is carried out, those leave who were there before it and are not in
-- the file.
CREATE FUNCTION replace_members(a_audience_id bigint, a_import_id bigint)
RETURNS void LANGUAGE sql AS $$
    DELETE FROM audience_member AS member USING import
    WHERE import.id = a_import_id AND import.done = import.row_count
        AND audience_id = a_audience_id AND import_id IS DISTINCT FROM a_import_id
        AND joined <= import.created
$$;
