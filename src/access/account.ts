import type { Actor } from '../db/context.ts';

/** Rules about accounts that need nothing but their data. */

export interface AccountName {
  readonly id: string;
  readonly username: string;
  readonly userId: string | null;
}

/** Who acts when this account does: the user of the host behind it, or the account itself where there is none. */
export function actorOf({ id, username, userId }: AccountName): Actor {
  return userId === null ? { kind: 'account', id, name: username } : { kind: 'user', id: userId, name: username };
}

/**
 * How long sign-in is locked after so many failed attempts in a row, in seconds: the fifth costs half a minute, each further one
 * twice as much, up to a quarter of an hour. A person who mistypes waits little; a program gets 100 guesses a day (NIST SP 800-63B-4 §3.2.2
 * allows 100 in a row at most). Not longer, because whoever knows a username can lock it.
 */
export const lockSeconds: readonly number[] = [0, 0, 0, 0, 30, 60, 120, 240, 480, 900];

/** What decides whether an account may sign in. */
export interface SignInState {
  readonly disabledAt: Date | string | null;
  readonly lockedUntil: Date | string | null;
}

/** Why an attempt is refused before any password is looked at; the caller is not told which. */
export function refusalOf(state: SignInState | undefined, now: Date): 'unknown' | 'disabled' | 'locked' | undefined {
  if (!state) return 'unknown';
  if (state.disabledAt !== null) return 'disabled';
  return state.lockedUntil !== null && new Date(state.lockedUntil) > now ? 'locked' : undefined;
}
