SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TYPE "BookingState" ADD VALUE 'CANCELLED' AFTER 'CONFIRMED';
ALTER TABLE "bookings" ALTER COLUMN "state" SET DEFAULT 'CANCELLED'; -- finds: enum-value-used-in-transaction
