import { systemClock } from '../base/clock.ts';
import type { DatabaseAddress } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import type { Meter } from '../base/meter.ts';
import { createPool, kyselyOnPool, type OnAcquire } from '../db/connect.ts';
import type { Actor, Ctx } from '../db/context.ts';
import { openReplicas, type Replicas, type ReplicasOptions } from '../db/replicas.ts';
import { BreakGlassSettings } from '../access/restricted.schema.ts';
import { actorOf as actorOfAccount } from '../access/account.ts';
import type { Principal } from '../access/principal.ts';
import { EventSettings } from '../events/event.schema.ts';
import { type DocumentSettings, openDocumentSettings } from '../document/content-stores.service.ts';
import type { DocumentOptions } from '../document/document.schema.ts';
import { createMrnIssuer, type MrnIssuer } from '../identifier/mrn.service.ts';
import type { RegistrySettings } from '../patient/chart.service.ts';
import { defaultTemporaryNames } from '../patient/identity.schema.ts';
import type { TemporaryNames } from '../patient/temporary-name.ts';

/** What all requests share: the pool, the record numbers, the facility's settings. */
export interface ServerRegistry {
  readonly base: Pick<Ctx, 'db' | 'pool' | 'clock' | 'newId' | 'meter'>;
  readonly settings: RegistrySettings & { mrns: MrnIssuer; documents: DocumentSettings };
  /** Standbys to read from, where some are configured. */
  readonly replicas?: Replicas;
  /** How long a broken glass stays open. */
  readonly breakGlass: BreakGlassSettings;
  /** Size and fonts of printed pages. */
  readonly paper: { readonly size: 'A4' | 'LETTER'; readonly fonts: readonly string[] };
  /** How long an export of the base may take. */
  readonly exportSeconds: number;
  /** Under which key secrets of receivers are kept, and where events may be sent. */
  readonly events: EventSettings;
  /** Gives back unused record numbers and closes the connections. */
  close(): Promise<void>;
}

export interface ServerRegistryOptions {
  readonly maxConnections?: number | undefined;
  /** After how long the server of the database gives a statement up; 0, the default, for never. */
  readonly statementSeconds?: number | undefined;
  /** Standbys to read from; none unless given. */
  readonly replicas?: Omit<ReplicasOptions, 'primary' | 'primaryDb' | 'maxConnections' | 'statementSeconds'> | undefined;
  /** IANA time zone of the facility; UTC unless given. */
  readonly timeZone?: string | undefined;
  readonly defaultCountry?: string | undefined;
  readonly unidentifiedFirstName?: string | undefined;
  readonly unidentifiedLastName?: string | undefined;
  readonly newbornFirstName?: string | undefined;
  readonly breakGlass?: BreakGlassSettings | undefined;
  /** Size and fonts of printed pages; A4 and no further fonts unless given. */
  readonly paper?: ServerRegistry['paper'] | undefined;
  /** How long an export of the base may take; 900 unless given. */
  readonly exportSeconds?: number | undefined;
  readonly events?: EventSettings | undefined;
  /** Where files of documents go and how large they may be. */
  readonly documents?: DocumentOptions | undefined;
  /** Who counts what happens and how long connections are waited for. */
  readonly meter?: (Meter & { acquired: OnAcquire }) | undefined;
}

export function openServerRegistry(address: DatabaseAddress, options: ServerRegistryOptions = {}): ServerRegistry {
  const { maxConnections = 10, statementSeconds } = options;
  const pool = createPool(address, { maxConnections, statementSeconds, applicationName: 'onechart serve' });
  const timeZone = options.timeZone ?? 'UTC';
  const documents = openDocumentSettings(options.documents);
  const mrns = createMrnIssuer({ format: { timeZone } });
  const db = kyselyOnPool(pool, { prepares: !address.pooled, onAcquire: options.meter?.acquired });
  const replicas =
    options.replicas === undefined || options.replicas.replicas.length === 0
      ? undefined
      : openReplicas({ ...options.replicas, primary: address, primaryDb: db, maxConnections, statementSeconds });
  return {
    base: { db, pool, clock: systemClock, newId, ...(options.meter === undefined ? {} : { meter: options.meter }) },
    ...(replicas === undefined ? {} : { replicas }),
    settings: { timeZone, defaultCountry: options.defaultCountry, temporaryNames: temporaryNamesOf(options), mrns, documents },
    breakGlass: options.breakGlass ?? BreakGlassSettings.parse({}),
    events: options.events ?? EventSettings.parse({}),
    paper: options.paper ?? { size: 'A4', fonts: [] },
    exportSeconds: options.exportSeconds ?? 900,
    close: async () => {
      await mrns.close();
      await documents.close();
      await replicas?.close();
      await pool.end();
    },
  };
}

function temporaryNamesOf(options: ServerRegistryOptions): TemporaryNames {
  const { unidentified, newborn } = defaultTemporaryNames;
  return {
    unidentified: { firstName: options.unidentifiedFirstName ?? unidentified.firstName, lastName: options.unidentifiedLastName ?? unidentified.lastName },
    newborn: { firstName: options.newbornFirstName ?? newborn.firstName },
  };
}

/** Who acts when this caller does. */
export function actorOf(principal: Principal): Actor {
  const { kind, id, name, userId = null } = principal;
  return kind === 'account' || userId !== null ? actorOfAccount({ id, username: name, userId }) : { kind: 'service', id, name };
}
