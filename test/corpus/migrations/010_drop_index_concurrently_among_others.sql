SET lock_timeout = '1s';
SET statement_timeout = '30s';
DROP INDEX CONCURRENTLY "bookings_roomId_idx"; -- finds: concurrently-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS "bookings_userId_startsAt_idx"; -- finds: concurrently-in-transaction
