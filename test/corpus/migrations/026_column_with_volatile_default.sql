SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "publicId" UUID NOT NULL DEFAULT gen_random_uuid(); -- finds: column-default-rewrites-table
