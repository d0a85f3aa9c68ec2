-- runner: autocommit
SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE TABLE leaflets (id BIGINT PRIMARY KEY); -- finds: not-repeatable
CREATE INDEX leaflets_id_idx ON leaflets (id); -- finds: not-repeatable
ALTER TABLE "bookings" ADD COLUMN leaflet_id BIGINT; -- finds: not-repeatable
CREATE INDEX CONCURRENTLY bookings_leaflet_id_idx ON "bookings" (leaflet_id); -- finds: not-repeatable
DROP INDEX bookings_leaflet_id_idx; -- finds: drop-index-blocks, not-repeatable
