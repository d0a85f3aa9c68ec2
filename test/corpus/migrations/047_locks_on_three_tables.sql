ALTER TABLE "users" ADD COLUMN "phone" TEXT; -- finds: lock-timeout-missing, statement-timeout-missing
ALTER TABLE "rooms" ADD COLUMN "floor" TEXT; -- finds: locks-pile-up
ALTER TABLE "bookings" ADD COLUMN "phone" TEXT;
