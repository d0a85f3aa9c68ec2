SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" DROP CONSTRAINT IF EXISTS "booking_roomId_fkey"; -- finds: if-exists-hides-wrong-name
DROP TABLE IF EXISTS "invoice"; -- finds: if-exists-hides-wrong-name
