import type { Role } from './access.schema.ts';

/** Who calls, as proven by a session, a key or a token. `trusted` is a caller of the same process that needs no proof: the library, a test. */
export interface Principal {
  readonly kind: 'account' | 'key' | 'token' | 'trusted';
  /** Of the account or the key; for a token its issuer and subject. */
  readonly id: string;
  /** For the audit trail and the screen: the user name, the name of the key, the subject. */
  readonly name: string;
  readonly role: Role;
  /** The user of the host's users table behind it, where there is one. */
  readonly userId?: string;
  readonly sessionId?: string;
  /** What a state-changing request of this session has to send in `x-csrf-token`; undefined where no cookie is involved. */
  readonly csrf?: string;
}
