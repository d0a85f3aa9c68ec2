VACUUM FULL "bookings"; -- finds: lock-timeout-missing, statement-timeout-missing, vacuum-full-or-cluster
