import { createHash } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import type { TokenSettings } from './access-settings.schema.ts';
import type { Principal } from './principal.ts';
import { type Proven, proofsOf } from './proofs.ts';
import { roleOfClaims } from './role-claim.ts';

/** Clocks of two machines differ; more than this is a fault to be mended there. */
const clockToleranceSeconds = 30;
const networkTimeoutMs = 5_000;

/**
 * Who a JWT of the identity provider speaks of (RFC 7519, RFC 9068 without its demand for `typ`, which few providers meet).
 *
 * Signature by a key of the issuer, an allowed algorithm, issuer, audience and expiry are checked (RFC 8725 §3); a role must be mapped.
 * Keys are fetched when a token names one that is not known, so rotation needs no restart, and at most every 30 seconds.
 *
 * Errors: `TOKEN_MALFORMED`, `TOKEN_EXPIRED`, `TOKEN_NOT_FOR_US`, `TOKEN_SIGNATURE_WRONG`, `TOKEN_CLAIM_MISSING`, `TOKEN_ROLE_MISSING`, `IDENTITY_PROVIDER_UNREACHABLE`.
 */
export async function authenticateToken(ctx: Ctx, token: string, settings: TokenSettings): Promise<Principal> {
  const hash = createHash('sha256').update(token).digest('hex');
  const now = ctx.clock.now();
  const principal = await proofsOf(ctx.pool).get(hash, now, async (): Promise<Proven> => {
    const claims = await verify(token, settings, now);
    const role = roleOfClaims(claims, settings);
    if (role === undefined)
      throw new AppError(
        'forbidden',
        'TOKEN_ROLE_MISSING',
        `The token is good, but no value of its claim ${settings.rolesClaim} stands for a role here. Give its owner a group that is mapped.`,
        { claim: settings.rolesClaim },
      );
    const { sub, exp } = claims as { sub: string; exp: number };
    const name = [claims.preferred_username, claims.client_id, claims.azp].find((value) => typeof value === 'string') ?? sub;
    return {
      // The trail keeps 255 characters of an id.
      principal: { kind: 'token', id: `${settings.issuer}#${sub}`.slice(0, 255), name: String(name).slice(0, 255), role },
      expiresAt: (exp + clockToleranceSeconds) * 1000,
    };
  });
  if (!principal) throw expired();
  return principal;
}

async function verify(token: string, settings: TokenSettings, now: Date): Promise<JWTPayload> {
  // 3 MB that a server without tokens does not pay.
  const { errors, jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(token, await keysOf(settings), {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: settings.algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: now,
      requiredClaims: ['exp', 'sub'],
    });
    if (typeof payload.sub !== 'string' || payload.sub === '') throw claimMissing('sub');
    return payload;
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof errors.JWTExpired) throw expired();
    if (error instanceof errors.JWTClaimValidationFailed) {
      if (error.claim === 'aud' || error.claim === 'iss') throw notForUs(error.claim);
      throw claimMissing(error.claim);
    }
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
      throw refuse('TOKEN_SIGNATURE_WRONG', 'The token is not signed by a key of the issuer. Fetch a new one.');
    if (error instanceof errors.JOSEAlgNotAllowed)
      throw refuse('TOKEN_SIGNATURE_WRONG', `The token is signed in a way that is not taken here. Taken are ${settings.algorithms.join(', ')}.`);
    if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC')
      throw unreachable(settings.issuer, error);
    throw refuse('TOKEN_MALFORMED', 'The bearer is neither a key of this server nor a token that can be read. Fetch a new one.');
  }
}

function refuse(code: string, message: string): AppError {
  return new AppError('unauthenticated', code, message);
}
const expired = () => refuse('TOKEN_EXPIRED', 'The token has expired. Fetch a new one.');
const notForUs = (claim: string) =>
  claim === 'aud'
    ? refuse('TOKEN_NOT_FOR_US', 'The token was issued for somebody else: its audience is not this server. Ask the issuer for one with the right audience.')
    : refuse('TOKEN_NOT_FOR_US', 'The token comes from an issuer that this server does not know.');
const claimMissing = (claim: string) => refuse('TOKEN_CLAIM_MISSING', `The token lacks ${claim}, or it is not valid yet. Fetch a new one.`);

function unreachable(issuer: string, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    'IDENTITY_PROVIDER_UNREACHABLE',
    'The identity provider does not answer as it should, so the sign-in cannot be checked. Try again; an administrator looks at access.token and access.oidc.',
    { issuer },
    { cause },
  );
}

/** One set of keys for each issuer, shared by all requests; jose keeps it ten minutes and asks again for an unknown key. */
const keySets = new Map<string, Promise<JWTVerifyGetKey>>();

async function keysOf(settings: TokenSettings): Promise<JWTVerifyGetKey> {
  const name = `${settings.issuer} ${settings.jwksUri ?? ''}`;
  const known = keySets.get(name);
  if (known) return known;
  const made = openKeySet(settings);
  keySets.set(name, made);
  // A provider that does not answer now is asked anew by the next request.
  made.catch(() => keySets.delete(name));
  return made;
}

async function openKeySet(settings: TokenSettings): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet } = await import('jose');
  const uri = settings.jwksUri ?? (await discoverKeys(settings.issuer));
  return createRemoteJWKSet(new URL(uri), { timeoutDuration: networkTimeoutMs, cooldownDuration: 30_000, cacheMaxAge: 600_000 });
}

/** OpenID Connect Discovery 1.0 §4. The document must name the issuer it was asked from (§4.3). */
async function discoverKeys(issuer: string): Promise<string> {
  try {
    const reply = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(networkTimeoutMs),
      redirect: 'error',
    });
    const document = (await reply.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (!reply.ok || document.issuer !== issuer || typeof document.jwks_uri !== 'string') throw new Error('The discovery document is not that of the issuer.');
    return document.jwks_uri;
  } catch (cause) {
    throw unreachable(issuer, cause);
  }
}
