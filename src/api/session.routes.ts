import { z } from 'zod';
import { PasswordChange, SignIn } from '../access/account.schema.ts';
import { SessionList, WhoAmI } from '../access/session.schema.ts';
import type { RouteContract } from './contract.ts';
import { json, problem } from './responses.ts';

const tag = 'session';
const refused = problem('Refused; the code says what may be said.');
const noContent = { description: 'Done.' } as const;

export const signInRoute = {
  method: 'POST',
  path: '/api/v1/session',
  operationId: 'signIn',
  summary: 'Sign in with username and password',
  description:
    'Sets an HttpOnly cookie. A request with that cookie that changes something has to send csrfToken of this answer as x-csrf-token. The same refusal is given for a wrong password, an unknown name, a disabled and a locked account.',
  tag,
  access: 'public',
  body: SignIn,
  responses: {
    200: { ...json(WhoAmI, 'Signed in.'), headers: { 'Set-Cookie': 'The session.' } },
    401: refused,
    429: problem('Too many attempts from this address.'),
  },
} as const satisfies RouteContract;

export const whoAmIRoute = {
  method: 'GET',
  path: '/api/v1/session',
  operationId: 'whoAmI',
  summary: 'Who is calling, and what they may do',
  tag,
  access: 'signed-in',
  responses: { 200: json(WhoAmI, 'The caller.') },
} as const satisfies RouteContract;

export const signOutRoute = {
  method: 'DELETE',
  path: '/api/v1/session',
  operationId: 'signOut',
  summary: 'Sign out: end this session',
  tag,
  access: 'signed-in',
  responses: { 204: noContent, 422: problem('A key or a token has no session.') },
} as const satisfies RouteContract;

export const changeOwnPasswordRoute = {
  method: 'POST',
  path: '/api/v1/session/password',
  operationId: 'changeOwnPassword',
  summary: 'Change the own password',
  description: 'Ends every other session of the account.',
  tag,
  access: 'signed-in',
  body: PasswordChange,
  responses: { 204: noContent, 403: problem('The current password does not fit.'), 422: problem('A key or a token has no password.') },
} as const satisfies RouteContract;

export const listOwnSessionsRoute = {
  method: 'GET',
  path: '/api/v1/sessions',
  operationId: 'listOwnSessions',
  summary: 'Where the own account is signed in',
  tag,
  access: 'signed-in',
  responses: { 200: json(SessionList, 'Sessions that still work, newest first.'), 422: problem('A key or a token has no sessions.') },
} as const satisfies RouteContract;

export const endOwnSessionRoute = {
  method: 'DELETE',
  path: '/api/v1/sessions/{id}',
  operationId: 'endOwnSession',
  summary: 'End one of the own sessions',
  tag,
  access: 'signed-in',
  params: z.object({ id: z.string().min(1).max(255) }),
  responses: { 204: noContent, 404: problem('The account has no such open session.') },
} as const satisfies RouteContract;

export const startOidcRoute = {
  method: 'GET',
  path: '/api/v1/session/oidc',
  operationId: 'startOidcSignIn',
  summary: 'Sign in by OpenID Connect',
  description: 'For a browser: leads to the identity provider, which leads back to the callback.',
  tag,
  access: 'public',
  query: z.object({
    returnTo: z
      .string()
      .max(500)
      // A path of this server and nothing that a browser takes for another host.
      .regex(/^\/(?![/\\])[\w\-./?=&%#]*$/, { error: 'must be a path of this server, such as /patients' })
      .optional()
      .describe('Where to go after the sign-in; / unless given.'),
  }),
  responses: {
    302: { description: 'To the identity provider.', headers: { Location: 'The identity provider.', 'Set-Cookie': 'What ties the way back to this browser.' } },
    422: problem('OpenID Connect is not set up.'),
  },
} as const satisfies RouteContract;

export const finishOidcRoute = {
  method: 'GET',
  path: '/api/v1/session/oidc/callback',
  operationId: 'finishOidcSignIn',
  summary: 'The way back from the identity provider',
  tag,
  access: 'public',
  query: z.object({
    code: z.string().max(4096).optional(),
    state: z.string().max(200).optional(),
    iss: z.string().max(500).optional(),
    session_state: z.string().max(500).optional(),
    error: z.string().max(200).optional(),
    error_description: z.string().max(2000).optional(),
    error_uri: z.string().max(2000).optional(),
  }),
  responses: {
    303: { description: 'Signed in.', headers: { Location: 'Where the sign-in was begun.', 'Set-Cookie': 'The session.' } },
    401: refused,
    403: problem('No role is mapped to this person.'),
  },
} as const satisfies RouteContract;

export const sessionRoutes = [
  signInRoute,
  whoAmIRoute,
  signOutRoute,
  changeOwnPasswordRoute,
  listOwnSessionsRoute,
  endOwnSessionRoute,
  startOidcRoute,
  finishOidcRoute,
] as const satisfies readonly RouteContract[];
