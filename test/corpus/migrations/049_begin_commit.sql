BEGIN; -- finds: transaction-control
SET LOCAL lock_timeout = '1s';
SET LOCAL statement_timeout = '30s';
ALTER TABLE "users" ADD COLUMN "phone" TEXT;
COMMIT; -- finds: transaction-control
