SET lock_timeout = '1s';
SET statement_timeout = '30s';
DROP TABLE "rooms" CASCADE; -- finds: drop-cascade, table-dropped
