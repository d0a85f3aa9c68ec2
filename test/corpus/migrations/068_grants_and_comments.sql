COMMENT ON TABLE "bookings" IS 'What was booked; one row for each booking';
GRANT SELECT ON "bookings" TO CURRENT_USER;
CREATE EXTENSION IF NOT EXISTS btree_gist;
