SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE visits ATTACH PARTITION visits_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); -- finds: partition-attach-reads-table
