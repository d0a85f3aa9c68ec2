-- Who may sign in: local accounts, their sessions in browsers, and the keys of services. No secret stands here in a form that could be used.

-- CreateTable
-- The user of the host is named without a foreign key, so that no lock is taken on the host's live table for it.
CREATE TABLE "access_accounts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "username" VARCHAR(100) NOT NULL,
    "displayName" VARCHAR(200) NOT NULL,
    "role" VARCHAR(30) NOT NULL,
    "userId" UUID,
    "passwordHash" VARCHAR(255),
    "passwordChangedAt" TIMESTAMPTZ(3),
    "oidcIssuer" VARCHAR(255),
    "oidcSubject" VARCHAR(255),
    "failedSignIns" INTEGER NOT NULL DEFAULT 0,
    "lockedUntil" TIMESTAMPTZ(3),
    "lastSignInAt" TIMESTAMPTZ(3),
    "disabledAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "access_accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "access_sessions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "accountId" UUID NOT NULL,
    "tokenHash" VARCHAR(64) NOT NULL,
    "method" VARCHAR(20) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastSeenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    "address" VARCHAR(100),
    "userAgent" VARCHAR(255),

    CONSTRAINT "access_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "access_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" VARCHAR(100) NOT NULL,
    "role" VARCHAR(30) NOT NULL,
    "prefix" VARCHAR(20) NOT NULL,
    "secretHash" VARCHAR(64) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "access_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: signing in by name.
CREATE UNIQUE INDEX "access_accounts_username_key" ON "access_accounts"("username");

-- CreateIndex
-- Serves: signing in by OpenID Connect.
CREATE UNIQUE INDEX "access_accounts_oidcIssuer_oidcSubject_key" ON "access_accounts"("oidcIssuer", "oidcSubject");

-- CreateIndex
-- Serves: whose session a cookie is.
CREATE UNIQUE INDEX "access_sessions_tokenHash_key" ON "access_sessions"("tokenHash");

-- CreateIndex
-- Serves: the sessions of an account, newest first.
CREATE INDEX "access_sessions_accountId_createdAt_idx" ON "access_sessions"("accountId", "createdAt");

-- CreateIndex
-- Serves: which key a request carries.
CREATE UNIQUE INDEX "access_keys_prefix_key" ON "access_keys"("prefix");

-- AddForeignKey
ALTER TABLE "access_sessions" ADD CONSTRAINT "access_sessions_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "access_accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "access_accounts" ADD CONSTRAINT "access_accounts_username_check" CHECK ("username" <> '' AND "username" = lower("username"));
ALTER TABLE "access_accounts" ADD CONSTRAINT "access_accounts_role_check" CHECK ("role" IN ('ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM', 'AUDITOR'));
ALTER TABLE "access_accounts" ADD CONSTRAINT "access_accounts_oidc_check" CHECK (("oidcIssuer" IS NULL) = ("oidcSubject" IS NULL));
ALTER TABLE "access_accounts" ADD CONSTRAINT "access_accounts_failedSignIns_check" CHECK ("failedSignIns" >= 0);
ALTER TABLE "access_sessions" ADD CONSTRAINT "access_sessions_method_check" CHECK ("method" IN ('PASSWORD', 'OIDC'));
ALTER TABLE "access_keys" ADD CONSTRAINT "access_keys_role_check" CHECK ("role" IN ('ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM', 'AUDITOR'));

-- AddComment
COMMENT ON TABLE "access_accounts" IS 'People who may sign in, by password or by OpenID Connect.';
COMMENT ON COLUMN "access_accounts"."id" IS 'Key of the account; the actor of the audit trail where no user of the host is linked.';
COMMENT ON COLUMN "access_accounts"."username" IS 'What is typed to sign in, in lower case.';
COMMENT ON COLUMN "access_accounts"."displayName" IS 'The name that others see.';
COMMENT ON COLUMN "access_accounts"."role" IS 'What the account may do: a role of the access matrix.';
COMMENT ON COLUMN "access_accounts"."userId" IS 'The user of the host behind the account; its changes of charts carry this id. Null: there is none.';
COMMENT ON COLUMN "access_accounts"."passwordHash" IS 'scrypt with its parameters and salt, as a PHC string; null when the account has no password.';
COMMENT ON COLUMN "access_accounts"."passwordChangedAt" IS 'When the password was set last.';
COMMENT ON COLUMN "access_accounts"."oidcIssuer" IS 'Issuer of the identity that signs in to this account; null for local accounts.';
COMMENT ON COLUMN "access_accounts"."oidcSubject" IS 'The subject of that identity (OpenID Connect Core 2, sub).';
COMMENT ON COLUMN "access_accounts"."failedSignIns" IS 'Attempts since the last success; sign-in is locked for longer and longer as it grows.';
COMMENT ON COLUMN "access_accounts"."lockedUntil" IS 'Until when every attempt is refused; null when there is no lock.';
COMMENT ON COLUMN "access_accounts"."lastSignInAt" IS 'The last successful sign-in.';
COMMENT ON COLUMN "access_accounts"."disabledAt" IS 'Since when the account may not sign in; null while it may.';
COMMENT ON COLUMN "access_accounts"."createdAt" IS 'When the account was made.';
COMMENT ON COLUMN "access_accounts"."updatedAt" IS 'When a person changed it last.';
COMMENT ON TABLE "access_sessions" IS 'Signed-in browsers. The cookie holds a random token, this table its hash alone.';
COMMENT ON COLUMN "access_sessions"."id" IS 'Key of the session; names it in lists and in the audit trail.';
COMMENT ON COLUMN "access_sessions"."accountId" IS 'Whose session it is.';
COMMENT ON COLUMN "access_sessions"."tokenHash" IS 'SHA-256 of the token, hexadecimal.';
COMMENT ON COLUMN "access_sessions"."method" IS 'How the account signed in: PASSWORD or OIDC.';
COMMENT ON COLUMN "access_sessions"."createdAt" IS 'When the account signed in.';
COMMENT ON COLUMN "access_sessions"."lastSeenAt" IS 'The last request, to the minute; the session ends when this is too long ago.';
COMMENT ON COLUMN "access_sessions"."expiresAt" IS 'When it ends whatever happens.';
COMMENT ON COLUMN "access_sessions"."endedAt" IS 'When it was ended by sign-out, change of password or an administrator.';
COMMENT ON COLUMN "access_sessions"."address" IS 'Network address of the sign-in.';
COMMENT ON COLUMN "access_sessions"."userAgent" IS 'What the browser said of itself, so that people recognise their sessions.';
COMMENT ON TABLE "access_keys" IS 'Keys of services. A key is shown once; this table has its hash alone.';
COMMENT ON COLUMN "access_keys"."id" IS 'Key of the row; the actor of the audit trail.';
COMMENT ON COLUMN "access_keys"."name" IS 'Which service has it.';
COMMENT ON COLUMN "access_keys"."role" IS 'What the service may do: a role of the access matrix.';
COMMENT ON COLUMN "access_keys"."prefix" IS 'The open part of the key, by which it is recognised and found.';
COMMENT ON COLUMN "access_keys"."secretHash" IS 'SHA-256 of the whole key, hexadecimal. The key is 256 random bits, so that a slow hash would add nothing.';
COMMENT ON COLUMN "access_keys"."createdAt" IS 'When it was made.';
COMMENT ON COLUMN "access_keys"."expiresAt" IS 'From when it is refused; null: never.';
COMMENT ON COLUMN "access_keys"."revokedAt" IS 'Since when it is revoked; null while it works.';
COMMENT ON COLUMN "access_keys"."lastUsedAt" IS 'The last use, to the minute.';
COMMENT ON INDEX "access_accounts_pkey" IS 'Serves: one account; the keys of its sessions.';
COMMENT ON INDEX "access_accounts_username_key" IS 'Serves: signing in by name.';
COMMENT ON INDEX "access_accounts_oidcIssuer_oidcSubject_key" IS 'Serves: signing in by OpenID Connect.';
COMMENT ON INDEX "access_sessions_pkey" IS 'Serves: ending one session.';
COMMENT ON INDEX "access_sessions_tokenHash_key" IS 'Serves: whose session a cookie is.';
COMMENT ON INDEX "access_sessions_accountId_createdAt_idx" IS 'Serves: the sessions of an account, newest first.';
COMMENT ON INDEX "access_keys_pkey" IS 'Serves: revoking a key.';
COMMENT ON INDEX "access_keys_prefix_key" IS 'Serves: which key a request carries.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- Readers see none of these tables. Sessions are deleted once they are long over; accounts and keys stay, as the audit trail names them.
-- onechart:undo-not-needed The grants go with the tables.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'onechart_app') THEN pg_catalog.has_table_privilege('onechart_app', pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('access_accounts', 'SELECT'), ('access_accounts', 'INSERT'), ('access_accounts', 'UPDATE'), ('access_sessions', 'SELECT'), ('access_sessions', 'INSERT'), ('access_sessions', 'UPDATE'), ('access_sessions', 'DELETE'), ('access_keys', 'SELECT'), ('access_keys', 'INSERT'), ('access_keys', 'UPDATE')) AS wanted(relation, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %I.access_accounts, %I.access_keys TO onechart_app', current_schema(), current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.access_sessions TO onechart_app', current_schema());
  END IF;
END
$onechart$;
