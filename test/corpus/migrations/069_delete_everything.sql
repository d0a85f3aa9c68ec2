DELETE FROM "bookings"; -- finds: whole-table-changed
