-- Whether a text is the one that is looked for, or holds it in whatever case.
CREATE FUNCTION text_matches(a_text text, a_wanted text, a_partial boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a_partial THEN strpos(lower(a_text), lower(a_wanted)) > 0
        ELSE a_text = a_wanted END
$$;
