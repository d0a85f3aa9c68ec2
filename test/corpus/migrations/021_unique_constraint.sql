SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "users" ADD CONSTRAINT "users_email_key" UNIQUE ("email"); -- finds: unique-constraint-blocks-table
