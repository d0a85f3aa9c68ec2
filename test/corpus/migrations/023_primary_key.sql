SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE visits_2026 ADD PRIMARY KEY (visit_day); -- finds: primary-key-blocks-table
