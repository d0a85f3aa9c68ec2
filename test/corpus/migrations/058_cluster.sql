SET lock_timeout = '1s';
SET statement_timeout = '30s';
CLUSTER "bookings" USING "bookings_userId_startsAt_idx"; -- finds: vacuum-full-or-cluster
