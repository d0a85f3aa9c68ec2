SET lock_timeout = '1s';
SET statement_timeout = '30s';
TRUNCATE TABLE "rooms" CASCADE; -- finds: truncate
