SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ALTER COLUMN "endsAt" SET DATA TYPE TIMESTAMPTZ(6);
ALTER TABLE "bookings" ALTER COLUMN "endsAt" SET DATA TYPE TIMESTAMPTZ(0); -- finds: column-type-rewrites-table
ALTER TABLE "bookings" ALTER COLUMN "fee" SET DATA TYPE NUMERIC(14,2);
ALTER TABLE "bookings" ALTER COLUMN "title" SET DATA TYPE VARCHAR(40); -- finds: column-type-rewrites-table, varchar-limit
ALTER TABLE "bookings" ALTER COLUMN "remark" SET DATA TYPE VARCHAR(40); -- finds: column-type-rewrites-table, varchar-limit
