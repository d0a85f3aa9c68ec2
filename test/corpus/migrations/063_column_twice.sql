INSERT INTO "rooms" ("name", "code", "name") VALUES ('North', 'N', 'North'); -- finds: column-named-twice
UPDATE "rooms" SET "name" = 'South', "name" = 'West' WHERE "id" = 2; -- finds: column-named-twice
