import { changePassword } from '../../access/account.service.ts';
import { type Role, roles } from '../../access/access.schema.ts';
import { finishOidcSignIn, signInSeconds, startOidcSignIn } from '../../access/oidc.service.ts';
import type { Principal } from '../../access/principal.ts';
import { endSession, listSessions, signIn, signOut } from '../../access/session.service.ts';
import type { WhoAmI } from '../../access/session.schema.ts';
import {
  changeOwnPasswordRoute,
  endOwnSessionRoute,
  finishOidcRoute,
  listOwnSessionsRoute,
  signInRoute,
  signOutRoute,
  startOidcRoute,
  whoAmIRoute,
} from '../../api/session.routes.ts';
import { AppError } from '../../base/errors.ts';
import type { Ctx } from '../../db/context.ts';
import { type Answer, type Binding, bind, type Call } from '../bind.ts';
import { isRefusal } from '../limits.ts';
import { endedSessionCookie, readSignInCookie, sessionCookie, signInCookie } from '../session-cookie.ts';

export const sessionBindings: readonly Binding[] = [
  bind(signInRoute, async ({ body, ctx, request, security }) => {
    security.requireOwnOrigin(request);
    const { token, principal } = await security.limitSignIn(request, () =>
      signIn(ctx, body, { settings: security.access.session, userAgent: request.headers['user-agent'] }),
    );
    return { status: 200, body: describe(principal), headers: { 'set-cookie': sessionCookie(token, security.isHttps(request)) } };
  }),

  bind(whoAmIRoute, async ({ principal }) => ({ status: 200, body: describe(known(principal)) })),

  bind(signOutRoute, async ({ ctx, principal, request, security }) => {
    await signOut(ctx, known(principal));
    return { status: 204, headers: { 'set-cookie': endedSessionCookie(security.isHttps(request)) } };
  }),

  bind(changeOwnPasswordRoute, async ({ body, ctx, principal }) => {
    const { id, sessionId } = accountOf(principal);
    await changePassword(ctx, id, { input: body, sessionId });
    return { status: 204 };
  }),

  bind(listOwnSessionsRoute, async ({ ctx, principal, security }) => ({
    status: 200,
    body: await listSessions(ctx, accountOf(principal), security.access.session),
  })),

  bind(endOwnSessionRoute, async ({ params, ctx, principal }) => {
    await endSession(ctx, accountOf(principal), params.id);
    return { status: 204 };
  }),

  bind(startOidcRoute, async ({ query, request, security }): Promise<Answer> => {
    const { url, seed } = await startOidcSignIn(security.access.oidc);
    const cookie = signInCookie([seed, ...(query.returnTo === undefined ? [] : [query.returnTo])].join(' '), {
      https: security.isHttps(request),
      seconds: signInSeconds,
    });
    return { status: 302, headers: { location: url, 'set-cookie': cookie } };
  }),

  bind(finishOidcRoute, async (call): Promise<Answer> => {
    const { ctx, request, security } = call;
    const https = security.isHttps(request);
    const [seed, returnTo = '/'] = readSignInCookie(request.headers.cookie, https)?.split(' ') ?? [];
    const { token } = await security.limitSignIn(request, () =>
      countingRefusals(ctx, () =>
        finishOidcSignIn(ctx, {
          settings: security.access.oidc,
          seed,
          query: queryOf(call),
          session: { settings: security.access.session, userAgent: request.headers['user-agent'] },
        }),
      ),
    );
    // The cookie was this browser's to change, so the path is checked again.
    const path = startOidcRoute.query.safeParse({ returnTo }).success ? returnTo : '/';
    call.reply.header('set-cookie', signInCookie('', { https, seconds: 0 }));
    return { status: 303, headers: { location: path, 'set-cookie': sessionCookie(token, https) } };
  }),
];

/** A provider that says no is a refused sign-in too; one that does not answer is none. */
async function countingRefusals<T>({ meter }: Ctx, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error)) meter?.signInRefused('provider');
    throw error;
  }
}

function queryOf({ query }: Call<typeof finishOidcRoute>): URLSearchParams {
  return new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The server lets nobody in here who is not known. */
function known(principal: Principal | undefined): Principal {
  if (!principal)
    throw new AppError('unauthenticated', 'CREDENTIALS_MISSING', 'This route needs a known caller. Sign in, or send a key as Authorization: Bearer.');
  return principal;
}

function accountOf(principal: Principal | undefined): Principal {
  const caller = known(principal);
  if (caller.kind !== 'account')
    throw new AppError('rule', 'SESSION_MISSING', 'This caller has no account here: a key or a token has no sessions and no password.');
  return caller;
}

function describe({ csrf, ...principal }: Principal): WhoAmI {
  return { ...principal, scopes: [...roles[principal.role as Role]], ...(csrf === undefined ? {} : { csrfToken: csrf }) };
}
