SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE INDEX CONCURRENTLY "bookings_endsAt_idx" ON "bookings" ("endsAt"); -- finds: concurrently-in-transaction
ALTER TABLE "bookings" ADD COLUMN "cancelledAt" TIMESTAMPTZ(3);
