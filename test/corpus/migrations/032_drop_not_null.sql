SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "users" ALTER COLUMN "email" DROP NOT NULL; -- finds: not-null-dropped
