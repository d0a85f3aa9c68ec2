SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" DROP CONSTRAINT "bookings_roomId_fkey";
DROP TABLE "rooms"; -- finds: table-dropped
