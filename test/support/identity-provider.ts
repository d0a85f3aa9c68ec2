import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider from 'oidc-provider';

/** A person of the identity provider: the claims that it tells. */
export type Person = Readonly<Record<string, unknown>>;

/** A real OpenID Connect provider on this machine, where whoever is set signs in without being asked. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** By subject. */
  readonly people: Map<string, Person>;
  /** Who signs in next; undefined refuses, as somebody who presses "cancel". */
  next: string | undefined;
  /** A token signed by the present key, with these claims over valid ones. */
  token(claims?: Readonly<Record<string, unknown>>, options?: { key?: CryptoKey | Uint8Array; kid?: string; alg?: string }): Promise<string>;
  /** New keys instead of the old ones. */
  rotate(): Promise<void>;
  /** How often the keys were fetched. */
  keyRequests(): number;
  /** Walks a browser from the authorization endpoint to the way back; the address has code and state. */
  walk(url: string): Promise<URL>;
}

export async function startIdentityProvider(options: { redirectUri: string; audience: string }): Promise<IdentityProvider> {
  const { redirectUri, audience } = options;
  const [clientId, clientSecret] = ['onechart-test', 'a-client-secret-of-the-tests'];
  const people = new Map<string, Person>();
  let keyRequests = 0;
  let provider: Provider;
  let signing: { key: CryptoKey; kid: string };
  let made = 0;
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await rotate();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/jwks')) keyRequests += 1;
    if (!request.url?.startsWith('/interaction/')) return provider.callback()(request, response);
    const result = self.next === undefined ? { error: 'access_denied', error_description: 'The person pressed cancel.' } : { login: { accountId: self.next } };
    return provider.interactionFinished(request, response, result);
  }

  async function rotate(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    made += 1;
    signing = { key: privateKey, kid: `key-${made}` };
    provider = new Provider(issuer, {
      clients: [
        { client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri], grant_types: ['authorization_code'], response_types: ['code'] },
      ],
      jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: signing.kid, alg: 'RS256', use: 'sig' }] },
      cookies: { keys: ['a-cookie-key-of-the-tests'] },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'roles'] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_ctx: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
      ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
      pkce: { required: () => true },
      findAccount: (_ctx: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
      loadExistingGrant: async (ctx: {
        oidc: {
          client: { clientId: string };
          session: { accountId: string };
          provider: { Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> } };
        };
      }) => {
        const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
    });
  }

  const self: IdentityProvider = {
    issuer,
    clientId,
    clientSecret,
    people,
    next: undefined,
    async token(claims = {}, { key = signing.key, kid = signing.kid, alg = 'RS256' } = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: issuer, aud: audience, sub: 'somebody', iat: now, exp: now + 300, ...claims }).setProtectedHeader({ alg, kid }).sign(key);
    },
    rotate,
    keyRequests: () => keyRequests,
    async walk(start) {
      const jar = new Map<string, string>();
      let url = new URL(start);
      for (let step = 0; step < 10; step += 1) {
        const reply = await fetch(url, { redirect: 'manual', headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') } });
        for (const cookie of reply.headers.getSetCookie()) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          if (name !== undefined) jar.set(name, value ?? '');
        }
        const location = reply.headers.get('location');
        if (location === null) throw new Error(`The identity provider answered ${reply.status} instead of going on: ${(await reply.text()).slice(0, 300)}`);
        url = new URL(location, url);
        if (url.href.startsWith(redirectUri)) return url;
      }
      throw new Error('The identity provider never came back.');
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return self;
}
