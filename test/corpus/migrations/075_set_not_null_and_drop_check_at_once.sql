SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD CONSTRAINT ends_at_present CHECK ("endsAt" IS NOT NULL) NOT VALID;
COMMIT; -- finds: transaction-control
ALTER TABLE "bookings" VALIDATE CONSTRAINT ends_at_present;
COMMIT; -- finds: transaction-control
ALTER TABLE "bookings" ALTER COLUMN "endsAt" SET NOT NULL, DROP CONSTRAINT ends_at_present; -- finds: not-null-reads-table
