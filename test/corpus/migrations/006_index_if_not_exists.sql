CREATE INDEX CONCURRENTLY IF NOT EXISTS "bookings_endsAt_idx" ON "bookings" ("endsAt"); -- finds: concurrently-hangs, if-not-exists-hides-invalid-index
