SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ALTER COLUMN "title" SET DATA TYPE TEXT;
