SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "seats" BIGINT NOT NULL DEFAULT 1 CONSTRAINT "bookings_seats_check" CHECK ("seats" > 0); -- finds: check-blocks-table
ALTER TABLE "bookings" ADD COLUMN "ownerId" UUID DEFAULT '00000000-0000-0000-0000-000000000000' REFERENCES "users" ("id"); -- finds: foreign-key-blocks-writes, foreign-key-without-index, locks-pile-up
