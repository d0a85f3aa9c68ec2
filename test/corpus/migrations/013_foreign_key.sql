SET lock_timeout = '1s';
SET statement_timeout = '30s';
-- AddForeignKey
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users" ("id") ON DELETE RESTRICT ON UPDATE CASCADE; -- finds: foreign-key-blocks-writes
