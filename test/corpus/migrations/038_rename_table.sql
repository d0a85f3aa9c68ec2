SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" RENAME TO "appointments"; -- finds: table-renamed
