SET lock_timeout = '1s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."endsAt" := coalesce(NEW."endsAt", NEW."startsAt" + interval '30 minutes');
  RETURN NEW;
END $$;
CREATE TRIGGER bookings_touch BEFORE INSERT ON "bookings" FOR EACH ROW EXECUTE FUNCTION touch();
