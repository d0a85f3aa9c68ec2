ALTER TYPE "BookingState" RENAME VALUE 'DONE' TO 'FINISHED'; -- finds: enum-value-renamed
