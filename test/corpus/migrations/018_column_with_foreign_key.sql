SET lock_timeout = '1s';
SET statement_timeout = '30s';
ALTER TABLE "invoices" ADD COLUMN "paidById" UUID REFERENCES "users" ("id"); -- finds: foreign-key-blocks-writes
CREATE INDEX "invoices_paidById_idx" ON "invoices" ("paidById"); -- finds: index-blocks-writes, locks-pile-up
