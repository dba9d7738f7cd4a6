-- What reports sum: what of a session was bought, and what came back in one return.

-- A line's price for one unit, with the costs of its own.
CREATE FUNCTION unit_total(a_item jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT (a_item ->> 'price')::numeric + coalesce((
        SELECT sum(value::numeric) FROM jsonb_each_text(a_item -> 'additional_costs')), 0)
$$;

-- The total before anything came back.
CREATE FUNCTION bought_total(a_document jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT session_total(a_document) + coalesce((
        SELECT sum((item ->> 'returned_quantity')::numeric * unit_total(item))
        FROM jsonb_array_elements(a_document -> 'cart_items') AS items (item)
        WHERE item ? 'returned_quantity'), 0)
$$;

-- The worth of the lines of one return; positions count from 0, as elements of arrays do.
CREATE FUNCTION return_total(a_document jsonb, a_lines jsonb)
RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(sum((line ->> 'quantity')::numeric
        * unit_total(a_document -> 'cart_items' -> (line ->> 'position')::integer)), 0)
    FROM jsonb_array_elements(a_lines) AS lines (line)
$$;
