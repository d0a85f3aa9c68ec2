SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" DISABLE TRIGGER ALL; -- finds: triggers-disabled
INSERT INTO "bookings" ("roomId", "startsAt") SELECT room_id, visit_day FROM visits; -- finds: lock-held-over-data-change
ALTER TABLE "bookings" ENABLE TRIGGER ALL;
