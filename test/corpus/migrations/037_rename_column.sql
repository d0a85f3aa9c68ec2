SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" RENAME COLUMN "remark" TO "comment"; -- finds: column-renamed
