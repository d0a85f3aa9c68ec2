SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE INDEX visits_room_id_idx ON visits (room_id); -- finds: index-blocks-writes
