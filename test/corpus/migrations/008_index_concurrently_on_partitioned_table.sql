CREATE INDEX CONCURRENTLY visits_room_id_idx ON visits (room_id); -- finds: concurrently-hangs, concurrently-on-partitioned-table
