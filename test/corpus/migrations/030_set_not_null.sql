SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ALTER COLUMN "endsAt" SET NOT NULL; -- finds: not-null-reads-table
