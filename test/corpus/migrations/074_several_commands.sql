SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" -- finds: not-null-reads-table
  ADD COLUMN "slot" TEXT,
  ADD CONSTRAINT "bookings_title_check" CHECK (length("title") > 0), -- finds: check-blocks-table
  ADD CONSTRAINT "bookings_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users" ("id"), -- finds: foreign-key-blocks-writes
  ALTER COLUMN "roomId" SET NOT NULL;
