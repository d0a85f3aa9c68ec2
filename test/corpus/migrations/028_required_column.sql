SET lock_timeout = '1s';
SET statement_timeout = '30s';
-- Warnings: Added the required column without a default value. This is not possible if the table is not empty.
ALTER TABLE "bookings" ADD COLUMN "locationId" BIGINT NOT NULL; -- finds: required-column
