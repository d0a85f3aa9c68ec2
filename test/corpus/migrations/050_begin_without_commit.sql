BEGIN; -- finds: transaction-control, transaction-never-ends
CREATE TABLE IF NOT EXISTS "leaflets" ("id" BIGINT PRIMARY KEY);
