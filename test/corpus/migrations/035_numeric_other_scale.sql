SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ALTER COLUMN "fee" SET DATA TYPE NUMERIC(12,4); -- finds: column-type-rewrites-table
