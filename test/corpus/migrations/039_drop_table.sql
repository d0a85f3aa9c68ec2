SET lock_timeout = '1s';
SET statement_timeout = '30s';
-- DropTable
DROP TABLE "invoices"; -- finds: table-dropped
