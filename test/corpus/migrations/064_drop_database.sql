DROP DATABASE practice; -- finds: database-dropped
