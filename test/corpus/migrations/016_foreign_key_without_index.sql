SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_bookingId_fkey" FOREIGN KEY ("bookingId") REFERENCES "bookings" ("id") NOT VALID; -- finds: foreign-key-without-index, never-validated
