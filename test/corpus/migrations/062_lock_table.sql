SET lock_timeout = '1s';
SET statement_timeout = '30s';
LOCK TABLE "bookings" IN ACCESS EXCLUSIVE MODE; -- finds: table-locked-by-hand
