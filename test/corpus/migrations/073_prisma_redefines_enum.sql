-- AlterEnum: how Prisma takes a value out of an enum
BEGIN; -- finds: transaction-control
CREATE TYPE "BookingState_new" AS ENUM ('REQUESTED', 'DONE');
ALTER TABLE "bookings" ALTER COLUMN "state" DROP DEFAULT; -- finds: lock-timeout-missing, statement-timeout-missing
ALTER TABLE "bookings" ALTER COLUMN "state" TYPE "BookingState_new" USING ("state"::text::"BookingState_new"); -- finds: column-type-rewrites-table
ALTER TYPE "BookingState" RENAME TO "BookingState_old";
ALTER TYPE "BookingState_new" RENAME TO "BookingState";
DROP TYPE "BookingState_old";
ALTER TABLE "bookings" ALTER COLUMN "state" SET DEFAULT 'REQUESTED';
COMMIT; -- finds: transaction-control
