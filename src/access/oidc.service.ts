import { createHash, randomBytes } from 'node:crypto';
import type { Configuration, IDToken } from 'openid-client';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { OidcSettings } from './access-settings.schema.ts';
import type { Role } from './access.schema.ts';
import { actorOf } from './account.ts';
import { Username } from './account.schema.ts';
import { findAccountByIdentity, findAccountByUsername, insertAccount, updateAccount } from './account.store.ts';
import { proofsOf } from './proofs.ts';
import { roleOfClaims } from './role-claim.ts';
import { type OpenedSession, openSession, type SignInOptions } from './session.service.ts';

/** How long a person may take at the identity provider. */
export const signInSeconds = 600;
const networkTimeoutSeconds = 5;

/** A sign-in that has left for the identity provider. */
export interface StartedSignIn {
  /** Where the browser goes. */
  readonly url: string;
  /** Stays in a cookie of this browser; state, nonce and PKCE verifier all follow from it, so nothing is kept here. */
  readonly seed: string;
}

/**
 * Begins a sign-in by OpenID Connect: authorization code with PKCE (RFC 7636, S256), state and nonce (OpenID Connect Core 1.0 §3.1.2.1).
 *
 * Errors: `OIDC_NOT_CONFIGURED`, `IDENTITY_PROVIDER_UNREACHABLE`.
 */
export async function startOidcSignIn(settings: OidcSettings | undefined): Promise<StartedSignIn> {
  const wanted = requireSettings(settings);
  const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import('openid-client');
  const config = await discover(wanted);
  const seed = randomBytes(32).toString('base64url');
  const checks = checksOf(seed);
  const url = buildAuthorizationUrl(config, {
    redirect_uri: wanted.redirectUri,
    scope: wanted.scope,
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
  });
  return { url: url.href, seed };
}

export interface OidcReturn {
  readonly settings: OidcSettings | undefined;
  /** What the cookie of this browser has. */
  readonly seed: string | undefined;
  /** The query with which the identity provider sent the browser back. */
  readonly query: URLSearchParams;
  readonly session: SignInOptions;
}

/**
 * Ends a sign-in by OpenID Connect and opens a session. The account is found by issuer and subject, never by name; at the first sign-in it is
 * made, with the mapped role; at each later one the role follows the claim.
 *
 * Errors: `OIDC_NOT_CONFIGURED`, `OIDC_SIGN_IN_LOST`, `OIDC_SIGN_IN_REFUSED`, `OIDC_ROLE_MISSING`, `IDENTITY_PROVIDER_UNREACHABLE`.
 */
export async function finishOidcSignIn(ctx: Ctx, back: OidcReturn): Promise<OpenedSession> {
  const settings = requireSettings(back.settings);
  if (back.seed === undefined || back.query.get('state') !== checksOf(back.seed).state)
    throw new AppError('unauthenticated', 'OIDC_SIGN_IN_LOST', 'This sign-in was not begun in this browser, or it took too long. Begin it again.');
  const claims = await redeem(settings, back.seed, back.query);
  const role = roleOfClaims(claims, settings);
  if (role === undefined) {
    await inTransaction(ctx, (inside) =>
      insertAuditEvent(inside, { action: 'account.sign-in-refused', patientId: null, after: { reason: 'role', issuer: settings.issuer, subject: claims.sub } }),
    );
    throw new AppError(
      'forbidden',
      'OIDC_ROLE_MISSING',
      `You are known to the identity provider, but no value of your claim ${settings.rolesClaim} stands for a role here. Ask for a group that is mapped.`,
      { claim: settings.rolesClaim },
    );
  }
  const opened = await inTransaction(ctx, async (inside) => {
    const account = await accountOf(inside, claims, { settings, role });
    return account && openSession(inside, account, { ...back.session, method: 'OIDC' });
  });
  if (!opened) throw new AppError('unauthenticated', 'OIDC_SIGN_IN_REFUSED', 'This account is disabled here. An administrator can enable it.');
  await proofsOf(ctx.pool).forget((principal) => principal.kind === 'account' && principal.id === opened.principal.id && principal.role !== role);
  return opened;
}

/** The account of an identity, made or brought up to date; undefined when it is disabled. */
async function accountOf(ctx: Ctx, claims: IDToken, given: { settings: OidcSettings; role: Role }) {
  const { settings, role } = given;
  const now = ctx.clock.now();
  const known = (await findAccountByIdentity(ctx.db, { issuer: settings.issuer, subject: claims.sub }))?.account;
  if (known) {
    if (known.disabledAt !== null) {
      await insertAuditEvent(
        { ...ctx, actor: actorOf(known) },
        { action: 'account.sign-in-refused', patientId: null, after: { accountId: known.id, reason: 'disabled' } },
      );
      return undefined;
    }
    const updated = await updateAccount(ctx.db, known.id, { role, lastSignInAt: now });
    if (known.role !== role)
      await insertAuditEvent(ctx, {
        action: 'account.changed',
        patientId: null,
        before: { accountId: known.id, role: known.role },
        after: { accountId: known.id, role },
      });
    return updated;
  }
  const made = await insertAccount(ctx.db, {
    id: ctx.newId(),
    username: await freeUsername(ctx, claims, settings),
    displayName: displayNameOf(claims),
    role,
    oidcIssuer: settings.issuer,
    oidcSubject: claims.sub,
    lastSignInAt: now,
    createdAt: now,
    updatedAt: now,
  });
  await insertAuditEvent(ctx, {
    action: 'account.created',
    patientId: null,
    after: { accountId: made.id, username: made.username, role, issuer: settings.issuer, subject: claims.sub },
  });
  return made;
}

function displayNameOf({ name, preferred_username }: IDToken): string {
  const text = [name, preferred_username].find((value): value is string => typeof value === 'string' && value.trim() !== '');
  return (
    text
      ?.replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, 200) || 'Unnamed'
  );
}

/** The claimed name where it is free. A local account of that name stays somebody else's: the new one gets a suffix of its identity. */
async function freeUsername(ctx: Ctx, claims: IDToken, settings: OidcSettings): Promise<string> {
  const mark = createHash('sha256').update(`${settings.issuer}\n${claims.sub}`).digest('hex').slice(0, 8);
  const claimed = Username.safeParse(claims[settings.usernameClaim]);
  if (!claimed.success) return `user-${mark}`;
  return (await findAccountByUsername(ctx.db, claimed.data)) ? `${claimed.data.slice(0, 90)}-${mark}` : claimed.data;
}

async function redeem(settings: OidcSettings, seed: string, query: URLSearchParams): Promise<IDToken> {
  const { authorizationCodeGrant, fetchUserInfo } = await import('openid-client');
  const config = await discover(settings);
  const checks = checksOf(seed);
  try {
    const tokens = await authorizationCodeGrant(config, new URL(`?${query.toString()}`, settings.redirectUri), {
      pkceCodeVerifier: checks.verifier,
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims() as IDToken;
    if (roleOfClaims(claims, settings) !== undefined || config.serverMetadata().userinfo_endpoint === undefined) return claims;
    // Some providers give groups there alone (Core 1.0 §5.3).
    return { ...(await fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims };
  } catch (error) {
    throw isUnreachable(error)
      ? unreachable(settings.issuer, error)
      : new AppError(
          'unauthenticated',
          'OIDC_SIGN_IN_REFUSED',
          'The identity provider did not confirm this sign-in, or what it sent does not stand the checks. Begin it again.',
          { reason: reasonOf(error) },
          { cause: error },
        );
  }
}

/** State, nonce and verifier cannot be told from each other or from the seed by whoever sees one of them. */
function checksOf(seed: string): { state: string; nonce: string; verifier: string } {
  const derive = (name: string) => createHash('sha256').update(`${name} ${seed}`).digest('base64url');
  return { state: derive('state'), nonce: derive('nonce'), verifier: derive('verifier') };
}

const configurations = new Map<string, Promise<Configuration>>();

/** The provider as its discovery document describes it, read once; keys are fetched anew when one is not known. */
function discover(settings: OidcSettings): Promise<Configuration> {
  const name = JSON.stringify([settings.issuer, settings.clientId, settings.clientSecret]);
  const known = configurations.get(name);
  if (known) return known;
  const made = readConfiguration(settings);
  configurations.set(name, made);
  made.catch(() => configurations.delete(name));
  return made;
}

async function readConfiguration(settings: OidcSettings): Promise<Configuration> {
  // With jose 3.5 MB that a server without OpenID Connect does not pay.
  const { allowInsecureRequests, discovery, None } = await import('openid-client');
  const onThisMachine = new URL(settings.issuer).protocol === 'http:';
  try {
    return await discovery(new URL(settings.issuer), settings.clientId, settings.clientSecret, settings.clientSecret === undefined ? None() : undefined, {
      timeout: networkTimeoutSeconds,
      ...(onThisMachine ? { execute: [allowInsecureRequests] } : {}),
    });
  } catch (error) {
    throw unreachable(settings.issuer, error);
  }
}

function requireSettings(settings: OidcSettings | undefined): OidcSettings {
  if (settings) return settings;
  throw new AppError(
    'unsupported',
    'OIDC_NOT_CONFIGURED',
    'Sign-in by OpenID Connect is not set up on this server. Set access.oidc, or sign in with a password.',
  );
}

function unreachable(issuer: string, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    'IDENTITY_PROVIDER_UNREACHABLE',
    'The identity provider does not answer as it should, so the sign-in cannot be checked. Try again; an administrator looks at access.token and access.oidc.',
    { issuer },
    { cause },
  );
}

/** A refused connection or a timeout; what the provider said itself is a refusal. */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && 'code' in error && ['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(String(error.code)));
}

/** The code of the check that failed (`OAUTH_INVALID_RESPONSE`) or of the provider (`access_denied`); never what it wrote. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { error: denied, code } = error as { error?: unknown; code?: unknown };
  return [denied, code].find((value): value is string => typeof value === 'string' && /^\w{1,60}$/.test(value));
}
