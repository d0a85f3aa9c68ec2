SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "ticket" TEXT UNIQUE; -- finds: unique-constraint-blocks-table
