-- CreateIndex
CREATE INDEX "bookings_startsAt_idx" ON "bookings" ("startsAt"); -- finds: index-blocks-writes, lock-timeout-missing, statement-timeout-missing
