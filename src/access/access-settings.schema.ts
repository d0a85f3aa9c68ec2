import { z } from 'zod';
import { Role } from './access.schema.ts';

/** What a deployment decides about signing in. The configuration of the server embeds this. */

const Url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https://' })
  .refine((text) => isProtected(text), { error: 'must begin with https://; http:// is taken on this machine (localhost, 127.0.0.1) only' });

/** A token or a code that crosses a network unencrypted belongs to whoever listens. */
function isProtected(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** RFC 8725 §3.1: the verifier decides on the algorithms, never the token. `none` and shared secrets (HS256) are no choice. */
export const TokenAlgorithm = z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);

/** From the values of a claim to a role of ours; the first entry that fits wins. */
const roleMapping = {
  rolesClaim: z.string().min(1).default('roles').describe('The claim with the roles or groups of the caller; a dot leads into an object: realm_access.roles.'),
  roles: z.record(z.string(), Role).describe('From a value of that claim to a role; the first that fits wins.'),
};
export type RoleMapping = { rolesClaim: string; roles: Record<string, Role> };

export const TokenSettings = z.strictObject({
  issuer: Url.describe('Who issues the tokens (iss).'),
  audience: z.string().min(1).describe('For whom they are issued (aud): the name of this server there.'),
  jwksUri: Url.optional().describe('Where the keys are; left out, the discovery document of the issuer says so.'),
  algorithms: z.array(TokenAlgorithm).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']).describe('Signatures that are taken.'),
  ...roleMapping,
});
export type TokenSettings = z.infer<typeof TokenSettings>;

export const OidcSettings = z.strictObject({
  issuer: Url.describe('Who signs people in: the address under which its discovery document is.'),
  clientId: z.string().min(1).describe('The name of this server there.'),
  clientSecret: z.string().min(1).optional().describe('Left out for a public client.'),
  redirectUri: Url.describe('The address of /api/v1/session/oidc/callback of this server, as registered with the issuer.'),
  scope: z.string().min(1).default('openid profile email').describe('What is asked for at sign-in.'),
  usernameClaim: z.string().min(1).default('preferred_username').describe('The claim that becomes the user name of the account.'),
  ...roleMapping,
});
export type OidcSettings = z.infer<typeof OidcSettings>;

/** NIST SP 800-63B-4 §2.2.3 (AAL2): at most 24 hours, at most one hour without a request. A hospital's shared desks want less. */
export const SessionSettings = z.strictObject({
  idleMinutes: z.int().min(1).max(1440).default(30).describe('A session ends this long after its last request.'),
  absoluteHours: z.int().min(1).max(168).default(12).describe('A session ends this long after the sign-in, whatever happens.'),
});
export type SessionSettings = z.infer<typeof SessionSettings>;

export const AccessSettings = z.strictObject({
  session: SessionSettings.prefault({}),
  oidc: OidcSettings.optional(),
  token: TokenSettings.optional(),
});
export type AccessSettings = z.infer<typeof AccessSettings>;
