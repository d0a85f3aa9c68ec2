CREATE TABLE "shelves" ("id" BIGINT PRIMARY KEY);
ALTER TABLE "rooms" ADD COLUM "shelf" TEXT NOT NULL DEFAULT ''; -- finds: syntax-error
