SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "bookings" ADD CONSTRAINT "bookings_the_end_must_not_lie_before_the_start_of_the_very_same_booking_check" CHECK ("endsAt" >= "startsAt") NOT VALID; -- finds: identifier-too-long, never-validated
