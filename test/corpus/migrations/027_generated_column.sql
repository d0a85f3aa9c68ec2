SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "length" INTERVAL GENERATED ALWAYS AS ("endsAt" - "startsAt") STORED; -- finds: column-default-rewrites-table
