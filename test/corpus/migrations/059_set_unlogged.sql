SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE visits_2026 SET UNLOGGED; -- finds: table-rewritten
