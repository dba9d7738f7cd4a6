-- Changes of consents in the order in which they were made, whoever the customer is.
CREATE INDEX customer_change_consent ON customer_change (at, id)
WHERE changes @? '$[*].path ? (@ like_regex "^(joined/[0-9]+/)?consents/")';
