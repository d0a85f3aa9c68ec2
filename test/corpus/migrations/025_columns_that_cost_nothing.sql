SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD COLUMN "colour" TEXT NOT NULL DEFAULT 'blue',
  ADD COLUMN "checkedAt" TIMESTAMPTZ(3) DEFAULT now(),
  ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];
