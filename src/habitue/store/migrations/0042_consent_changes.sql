-- Changes of cards in the order in which they were made, whoever the customer is.
CREATE INDEX customer_change_at ON customer_change (at, id);
