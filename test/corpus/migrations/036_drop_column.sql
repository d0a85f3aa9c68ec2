SET lock_timeout = '1s';
SET statement_timeout = '30s';
-- AlterTable
ALTER TABLE "bookings" DROP COLUMN "remark", ADD COLUMN "comment" TEXT; -- finds: column-dropped
