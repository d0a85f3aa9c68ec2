SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "number" SERIAL; -- finds: column-default-rewrites-table, int-may-overflow, serial-type
