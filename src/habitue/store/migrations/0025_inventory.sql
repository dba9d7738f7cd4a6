-- Coupons that everybody has, as every inventory shows them.
CREATE INDEX coupon_for_everybody ON coupon (application_id, id) WHERE implicitly_reserved;
