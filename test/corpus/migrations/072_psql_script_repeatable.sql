-- runner: autocommit
SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE TABLE IF NOT EXISTS leaflets (id BIGINT PRIMARY KEY);
ALTER TABLE "bookings" ADD COLUMN IF NOT EXISTS leaflet_id BIGINT;
CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_leaflet_id_idx ON "bookings" (leaflet_id); -- finds: if-not-exists-hides-invalid-index
