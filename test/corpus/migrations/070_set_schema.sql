SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE SCHEMA archive;
ALTER TABLE "invoices" SET SCHEMA archive; -- finds: table-renamed
