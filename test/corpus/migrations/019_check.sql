SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_fee_check" CHECK ("fee" >= 0); -- finds: check-blocks-table
