SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "paid" BOOLEAN;
UPDATE "bookings" SET "paid" = false; -- finds: lock-held-over-data-change, whole-table-changed
