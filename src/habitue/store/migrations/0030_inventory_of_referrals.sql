-- Whom a code has brought.
CREATE INDEX referral_use_referral ON referral_use (referral_id);
