import { type Clock, systemClock } from './base/clock.ts';
import { parseDatabaseUrl } from './base/config.ts';
import { AppError } from './base/errors.ts';
import { type NewId, newId } from './base/ids.ts';
import { adoptConnection, createPool, type HostConnection, kyselyOnPool, poolInSchema } from './db/connect.ts';
import type { Actor, Ctx } from './db/context.ts';
import { type DocumentSettings, openDocumentSettings } from './document/content-stores.service.ts';
import type { DocumentOptions } from './document/document.schema.ts';
import { createMrnIssuer, type MrnIssuer } from './identifier/mrn.service.ts';
import { bindTrustedRepository, type PatientRepository } from './patient/patient-repository.ts';
import type { TemporaryNames } from './patient/temporary-name.ts';

export { AppError, type ErrorKind } from './base/errors.ts';
export type { Actor } from './db/context.ts';
export type { HostConnection } from './db/connect.ts';
export type { InspectedFile } from './document/content-stores.service.ts';
export type { DocumentOptions, Photo } from './document/document.schema.ts';
export type { Download, Upload } from './document/document.service.ts';
export type { PartKey, PatientRepository } from './patient/patient-repository.ts';
export type { ChartAddress, NewAddress, PatientAddress } from './patient/address.schema.ts';
export type { Child, IdentifyInput, NewNewborn, NewUnidentified, Placeholder, PlaceholderList } from './patient/identity.schema.ts';
export type { ChartName, EndInput, NewName, PatientName } from './patient/name.schema.ts';
export type { ChartTelecom, NewTelecom, PatientTelecom } from './patient/telecom.schema.ts';
export type { TemporaryNames } from './patient/temporary-name.ts';
export type { ChartIdentifier, IdentifierAuthority, IdentifierAuthorityInput, NewIdentifier, PatientIdentifier } from './identifier/identifier.schema.ts';
export type {
  Allergy,
  Contact,
  Merge,
  NewAllergy,
  NewContact,
  NewDocument,
  NewPatient,
  NewRiskFlag,
  Page,
  Patient,
  PatientChanges,
  PatientDocument,
  PatientList,
  PatientSearch,
  RiskFlag,
} from './patient/patient.schema.ts';

export interface RepositoryOptions {
  /** The schema of the patient tables, when the connection does not find them by itself. */
  readonly schema?: string;
  /** IANA time zone of the facility: which day, and which year of MRNs, it is. UTC unless given. */
  readonly timeZone?: string;
  /** ISO 3166 country whose telephone numbers are written without a country code, such as KE. */
  readonly defaultCountry?: string;
  /** How unidentified patients and newborns without a name are called; see `TemporaryNames` for the words in braces. */
  readonly temporaryNames?: TemporaryNames;
  /** Who acts, for the audit trail. A service named `library` unless given. */
  readonly actor?: Actor;
  readonly requestId?: string;
  readonly reason?: string;
  readonly origin?: string;
  readonly clock?: Clock;
  readonly newId?: NewId;
}

export interface RegistryOptions extends RepositoryOptions {
  readonly databaseUrl?: string;
  /** A pg pool of the host; it stays open when the registry closes. */
  readonly pool?: HostConnection;
  readonly maxConnections?: number;
  /** Where files of documents go and how large they may be: in the database and up to 20 MiB unless said. */
  readonly documents?: DocumentOptions;
  /** Looks at every file before it is taken, such as a malware scanner does; throws an AppError to refuse it. */
  readonly inspectDocument?: DocumentSettings['inspect'];
}

export interface Registry extends AsyncDisposable {
  readonly patientRepository: PatientRepository;
  /** The same repository for another actor, request, or connection: `registry.as({ actor, connection: client })`. */
  as(options: Partial<RepositoryOptions> & { connection?: HostConnection }): PatientRepository;
  /** Gives back unused record numbers and closes the connections that the registry opened itself. */
  close(): Promise<void>;
}

/**
 * Opens the registry on a database.
 *
 * @example
 * const registry = await openRegistry({ databaseUrl: 'postgresql://ehr:secret@127.0.0.1:5432/ehr', timeZone: 'Africa/Nairobi' });
 * const patient = await registry.patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
 * console.log('MRN:', patient.mrn);
 * await registry.close();
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  requireTimeZone(options.timeZone);
  const own = options.pool === undefined ? ownPool(options) : undefined;
  const adopted = own ? { db: kyselyOnPool(own.pool, { prepares: own.prepares }), pool: own.pool } : adoptConnection(options.pool as HostConnection);
  const leasePool = adopted.pool && !own && options.schema !== undefined ? poolInSchema(adopted.pool, options.schema) : undefined;
  const mrns = createMrnIssuer({ format: { timeZone: options.timeZone ?? 'UTC' } });
  const documents = openDocumentSettings(options.documents, options.inspectDocument);
  const ctx = contextOf({ ...adopted, pool: leasePool ?? adopted.pool }, options);
  let closing: Promise<void> | undefined;
  const close = async () => {
    await mrns.close();
    await documents.close();
    await leasePool?.end();
    await own?.pool.end();
  };
  const registry: Registry = {
    patientRepository: bindTrustedRepository(ctx, { ...settingsOf(options), mrns, documents }),
    as: ({ connection, ...changed }) => {
      const merged = { ...options, ...changed };
      const base = connection === undefined ? { db: ctx.db, pool: ctx.pool } : { db: adoptConnection(connection).db, pool: undefined };
      return bindTrustedRepository(contextOf(base, merged), { ...settingsOf(merged), mrns, documents });
    },
    close: () => {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => registry.close(),
  };
  return registry;
}

/**
 * A repository on what the host has at hand: its pool, its client inside a transaction, or its Kysely (transaction).
 * On a client or a transaction everything belongs to the host's transaction, the issued MRN included.
 *
 * Use `openRegistry` for a long-lived registry on a pool: it leases record numbers and gives the unused ones back.
 *
 * @example
 * await client.query('BEGIN');
 * const patientRepository = createPatientRepository(client);
 * const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
 * await client.query('UPDATE surgical_cases SET "patientId" = $1 WHERE id = $2', [patient.id, caseId]);
 * await client.query('COMMIT');
 */
export function createPatientRepository(connection: HostConnection, options: RepositoryOptions = {}): PatientRepository {
  requireTimeZone(options.timeZone);
  const { db } = adoptConnection(connection);
  // Without a pool each number is taken inside the transaction, so nothing is left to be given back when nobody closes.
  const mrns: MrnIssuer = createMrnIssuer({ format: { timeZone: options.timeZone ?? 'UTC' } });
  return bindTrustedRepository(contextOf({ db, pool: undefined }, options), { ...settingsOf(options), mrns });
}

function ownPool(options: RegistryOptions) {
  if (options.databaseUrl === undefined) {
    throw new AppError('invalid', 'DATABASE_NOT_GIVEN', 'openRegistry needs databaseUrl or pool. Give one of them.');
  }
  const address = parseDatabaseUrl(options.databaseUrl);
  const settings = options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections };
  return { pool: createPool(options.schema === undefined ? address : { ...address, schema: options.schema }, settings), prepares: !address.pooled };
}

function contextOf(connection: Pick<Ctx, 'db' | 'pool'>, options: RepositoryOptions): Ctx {
  return {
    ...connection,
    actor: options.actor ?? { kind: 'service', name: 'library' },
    clock: options.clock ?? systemClock,
    newId: options.newId ?? newId,
    origin: options.origin ?? 'library',
    ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.schema === undefined ? {} : { schema: options.schema }),
  };
}

function settingsOf(options: RepositoryOptions) {
  return { timeZone: options.timeZone ?? 'UTC', defaultCountry: options.defaultCountry, temporaryNames: options.temporaryNames };
}

function requireTimeZone(timeZone: string | undefined): void {
  if (timeZone === undefined) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new AppError('invalid', 'TIME_ZONE_UNKNOWN', 'timeZone is not an IANA time zone. Give one such as Africa/Nairobi or UTC.', { field: 'timeZone' });
  }
}
