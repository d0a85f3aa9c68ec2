SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE bookings DROP CONSTRAINT IF EXISTS bookings_roomId_fkey; -- finds: unquoted-mixed-case
DROP INDEX IF EXISTS bookings_roomId_idx; -- finds: unquoted-mixed-case
