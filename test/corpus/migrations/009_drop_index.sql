SET lock_timeout = '1s';
SET statement_timeout = '30s';
DROP INDEX "bookings_roomId_idx"; -- finds: drop-index-blocks
