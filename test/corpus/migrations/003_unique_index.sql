SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email"); -- finds: index-blocks-writes
