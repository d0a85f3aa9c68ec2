CREATE INDEX CONCURRENTLY "bookings_startsAt_idx" ON "bookings" ("startsAt"); -- finds: concurrently-hangs
