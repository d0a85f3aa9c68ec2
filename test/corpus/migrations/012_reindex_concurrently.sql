REINDEX TABLE CONCURRENTLY "bookings"; -- finds: concurrently-hangs
