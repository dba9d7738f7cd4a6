-- Which points of a program come to their end when, whosever they are.
CREATE INDEX loyalty_lot_expiry ON loyalty_lot (program_id, expiry)
WHERE expiry IS NOT NULL AND remaining > 0;
