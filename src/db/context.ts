import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../base/clock.ts';
import type { Meter } from '../base/meter.ts';
import type { NewId } from '../base/ids.ts';
import type { Tables } from './tables.ts';

/** A pool-backed Kysely or an open transaction: the same type, so that no function exists twice. */
export type Db = Kysely<Tables>;

/** Who acts. A `user` has an id of the host's users table; an account of OneChart alone, a service or the system itself has none there. */
export interface Actor {
  readonly kind: 'user' | 'account' | 'service' | 'system';
  readonly id?: string;
  readonly name?: string;
}

/** For whom charts are opened, where that is not the host itself: decides what is shown. */
export interface Viewer {
  /** A role of src/access; an unknown one may nothing. */
  readonly role: string;
  /** Whoever is given a grant: the id of the account or of the key. */
  readonly id: string;
}

/** Everything a use case needs from outside. It is passed on; nothing reads a global. */
export interface Ctx {
  readonly db: Db;
  /** A replica that has caught up with what this caller has written, where one is configured and the request only reads. Use `readerOf(ctx)`; nothing is written through it. */
  readonly laggingDb?: Db;
  /** For work on connections of its own, outside an open transaction. Undefined when the host handed over a single connection or a transaction. */
  readonly pool: Pool | undefined;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly requestId?: string;
  readonly reason?: string;
  /** Where the call came from (`library`, `cli`, an address); recorded in the audit trail. */
  readonly origin?: string;
  /** Undefined for callers inside the process, the library and the command line, who are trusted with everything. */
  readonly viewer?: Viewer;
  /** Who counts what happens; nobody unless given. */
  readonly meter?: Meter | undefined;
  /** The schema of the registry's tables, where it is not the one the connection finds by itself. */
  readonly schema?: string;
}
