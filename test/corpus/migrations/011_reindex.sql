SET lock_timeout = '1s';
SET statement_timeout = '30s';
REINDEX TABLE "bookings"; -- finds: reindex-blocks
