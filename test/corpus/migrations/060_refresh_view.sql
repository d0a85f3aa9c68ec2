SET lock_timeout = '1s';
SET statement_timeout = '30s';
REFRESH MATERIALIZED VIEW busy_rooms; -- finds: view-refresh-blocks
