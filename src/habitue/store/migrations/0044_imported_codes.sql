-- The import that made a coupon or a referral code; 0 where none did.
ALTER TABLE coupon ADD COLUMN import_id bigint NOT NULL DEFAULT 0;
ALTER TABLE referral ADD COLUMN import_id bigint NOT NULL DEFAULT 0;
