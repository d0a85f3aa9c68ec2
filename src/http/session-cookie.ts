import { parseCookie, stringifySetCookie } from 'cookie';

/** `__Host-` (RFC 6265bis §4.1.3.2): for https alone, this host alone, the whole of it; no other host can plant one. */
function nameOf(name: string, https: boolean): string {
  return https ? `__Host-${name}` : name;
}

const session = 'onechart-session';
const signIn = 'onechart-sign-in';

/** The token of the session, if the request has one. */
export function readSessionCookie(header: string | undefined, https: boolean): string | undefined {
  return readCookie(header, nameOf(session, https));
}

/** Strict: no request that another site starts carries it. It ends with the browser; the server ends it sooner. */
export function sessionCookie(token: string, https: boolean): string {
  return stringifySetCookie({ name: nameOf(session, https), value: token, httpOnly: true, sameSite: 'strict', secure: https, path: '/' });
}

export function endedSessionCookie(https: boolean): string {
  return stringifySetCookie({ name: nameOf(session, https), value: '', httpOnly: true, sameSite: 'strict', secure: https, path: '/', maxAge: 0 });
}

/** What ties the return from the identity provider to the browser that left for it. */
export function readSignInCookie(header: string | undefined, https: boolean): string | undefined {
  return readCookie(header, nameOf(signIn, https));
}

/** Lax, as the way back starts at the identity provider. */
export function signInCookie(seed: string, options: { https: boolean; seconds: number }): string {
  const { https, seconds } = options;
  return stringifySetCookie({ name: nameOf(signIn, https), value: seed, httpOnly: true, sameSite: 'lax', secure: https, path: '/', maxAge: seconds });
}

function readCookie(header: string | undefined, name: string): string | undefined {
  // Most requests carry a key and no cookie at all.
  return header === undefined || !header.includes(name) ? undefined : parseCookie(header)[name];
}
