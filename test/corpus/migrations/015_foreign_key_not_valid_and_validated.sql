SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users" ("id") NOT VALID;
ALTER TABLE "bookings" VALIDATE CONSTRAINT "bookings_userId_fkey"; -- finds: validate-in-same-transaction
