SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE visits DETACH PARTITION visits_2025; -- finds: partition-detach-blocks
