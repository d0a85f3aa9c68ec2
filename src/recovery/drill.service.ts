import { createHash } from 'node:crypto';
import { verifyAuditTrail } from '../audit/verify.service.ts';
import type { Anchor } from '../audit/chain.ts';
import type { SealVerifier } from '../audit/seal.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import type { StoreName } from '../document/content-store.ts';
import type { DocumentSettings } from '../document/content-stores.service.ts';
import { listAuthorityCodes, reportAllMrns } from '../identifier/mrn-recovery.service.ts';
import type { PatientRepository } from '../patient/patient-repository.ts';
import { searchTyped } from '../search/search.service.ts';
import { type Counts, countRegistry, findNewestRow, findRepeatedMrns, listFiles, type ListedFile, sampleCharts } from './drill.store.ts';

/** One thing that was tried on a restored registry. */
export interface DrillItem {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

export interface DrillFindings {
  readonly items: readonly DrillItem[];
  readonly counts: Counts;
  /** When the last thing happened that is in the backup; undefined in an empty registry. */
  readonly newestRow: string | undefined;
}

export interface DrillSettings {
  /** Bound to the restored database. */
  readonly patients: PatientRepository;
  readonly documents: DocumentSettings;
  /** How many charts are opened and searched for. */
  readonly sample: number;
  /** Which files are read and compared with their digests; of a sample as many as of charts. */
  readonly files: 'all' | 'sample' | 'none';
  readonly verifiers?: readonly SealVerifier[];
  readonly anchors?: readonly Anchor[];
}

/**
 * Works with a restored registry as its users would: the trail is verified, numbers are accounted for, charts are searched for and
 * opened with their parts, files are read. Writes audit rows of its own, so never run it on a database that is to be kept.
 */
export async function tryRegistry(ctx: Ctx, settings: DrillSettings): Promise<DrillFindings> {
  // Before anything of ours is written.
  const newestRow = await findNewestRow(ctx.db);
  const counts = await countRegistry(ctx.db);
  const items = [
    await tried('audit trail', () => tryTrail(ctx, settings)),
    await tried('record numbers', () => tryNumbers(ctx)),
    await tried('charts', () => tryCharts(ctx, settings)),
    await tried('search', () => trySearch(ctx, settings)),
    await tried('typed search', () => tryTypedSearch(ctx, settings)),
    await tried('files', () => tryFiles(ctx, settings)),
  ];
  return { items, counts, newestRow };
}

type Found = Omit<DrillItem, 'name'>;

/** What cannot be tried has failed. */
async function tried(name: string, work: () => Promise<Found>): Promise<DrillItem> {
  try {
    return { name, ...(await work()) };
  } catch (error) {
    return { name, ok: false, found: error instanceof AppError ? `${error.code}: ${error.message}` : 'an unexpected error' };
  }
}

async function tryTrail({ db }: Ctx, { verifiers = [], anchors = [] }: DrillSettings): Promise<Found> {
  const { ok, problemCount, rowsVerified, seals } = await verifyAuditTrail(db, { verifiers, anchors });
  return {
    ok,
    found: ok ? `${rowsVerified} rows under ${seals} seals` : `${problemCount} problems: onechart audit verify on the restored database names them`,
  };
}

async function tryNumbers(ctx: Ctx): Promise<Found> {
  const repeated = await findRepeatedMrns(ctx.db);
  if (repeated > 0) return { ok: false, found: `${repeated} record numbers stand in more than one chart` };
  const reports = await reportAllMrns(ctx.db);
  const unexplained = reports.reduce((sum, report) => sum + report.unexplained, 0);
  const inUse = reports.reduce((sum, report) => sum + report.inUse, 0);
  const authorities = (await listAuthorityCodes(ctx.db)).length;
  return {
    ok: unexplained === 0,
    found: `each is unique; ${inUse} issued by ${authorities} authorities are in use${unexplained === 0 ? '' : `, ${unexplained} are unexplained (onechart mrn report)`}`,
  };
}

async function tryCharts(ctx: Ctx, { patients, sample }: DrillSettings): Promise<Found> {
  const charts = await sampleCharts(ctx.db, sample);
  let parts = 0;
  for (const { id, mrn } of charts) {
    const chart = await patients.findById(id);
    if (chart?.mrn !== mrn) return { ok: false, found: `the chart ${id} is not found by its id` };
    const lists = await Promise.all([
      patients.listNames(id),
      patients.listAddresses(id),
      patients.listTelecoms(id),
      patients.listIdentifiers(id),
      patients.listContacts(id),
      patients.listAllergies(id),
      patients.listRiskFlags(id),
      patients.listDocuments(id),
    ]);
    parts += lists.reduce((sum, list) => sum + list.length, 0);
  }
  return { ok: true, found: `${charts.length} opened, with ${parts} parts` };
}

/** By number, and by name with date of birth: through the indexes, so that one of them that is broken is noticed. */
async function trySearch(ctx: Ctx, { patients, sample }: DrillSettings): Promise<Found> {
  const charts = await sampleCharts(ctx.db, sample);
  for (const { id, mrn, lastName, firstName, dateOfBirth } of charts) {
    if ((await patients.findByMrn(mrn))?.id !== id) return { ok: false, found: `the chart ${id} is not found by its record number` };
    const page = await patients.search({
      lastName,
      ...(firstName === null ? {} : { firstName }),
      ...(dateOfBirth === null ? {} : { dateOfBirth }),
      includeArchived: true,
      limit: 100,
    });
    if (page.nextCursor === null && !page.items.some((item) => item.id === id))
      return { ok: false, found: `the chart ${id} is not found by name and date of birth` };
  }
  return { ok: true, found: `${charts.length} charts found by number and by name` };
}

/** By what people type: through entries of their own, which a chart that was written past OneChart lacks. */
async function tryTypedSearch(ctx: Ctx, { sample }: DrillSettings): Promise<Found> {
  const charts = await sampleCharts(ctx.db, sample);
  let lost = 0;
  try {
    for (const { id, mrn } of charts) {
      const { items } = await searchTyped(ctx, { q: mrn, limit: 10 });
      if (!items.some((item) => item.id === id)) lost += 1;
    }
  } catch (error) {
    const thrown = translateDatabaseError(error);
    if (thrown instanceof AppError && thrown.code === 'REGISTRY_NOT_MIGRATED')
      return { ok: true, found: 'comes with a migration that is to be applied after a restore' };
    throw thrown;
  }
  return {
    ok: lost === 0,
    found:
      lost === 0
        ? `${charts.length} charts found by what is typed`
        : `${lost} of ${charts.length} charts are not found by what is typed: onechart search rebuild`,
  };
}

const pageSize = 500;

/** Files in the database have come with it, those in S3 have not: they are where they were, or are not. */
async function tryFiles(ctx: Ctx, { documents, files, sample }: DrillSettings): Promise<Found> {
  if (files === 'none') return { ok: true, found: 'not looked at' };
  const wrong: string[] = [];
  let [read, listed, bytes] = [0, 0, 0];
  for (let after: string | undefined; ; ) {
    const page = await listFiles(ctx.db, { after, limit: pageSize });
    listed += page.length;
    for (const file of page) {
      if (files === 'sample' && read >= sample) break;
      read += 1;
      bytes += file.size;
      if (!(await isIntact(ctx, documents, file))) wrong.push(file.id);
    }
    after = page.at(-1)?.id;
    if (page.length < pageSize) break;
  }
  const some = wrong.length > 3 ? `${wrong.slice(0, 3).join(', ')} and ${wrong.length - 3} more` : wrong.join(', ');
  return {
    ok: wrong.length === 0,
    found: `${read} of ${listed} read (${Math.round(bytes / 1000)} kB)${wrong.length === 0 ? ', each with its digest' : `; missing or changed: ${some}`}`,
  };
}

async function isIntact(ctx: Ctx, { stores }: DocumentSettings, file: ListedFile): Promise<boolean> {
  const store = stores.get(file.store as StoreName);
  if (!store)
    throw new AppError(
      'operator',
      'CONTENT_STORE_MISSING',
      `Files are kept in ${file.store}, which is not set up here. Give the settings of the server with --config.`,
      {
        store: file.store,
      },
    );
  const hash = createHash('sha256');
  let size = 0;
  try {
    if (file.size > 0)
      for await (const piece of store.read(ctx, file.id, { first: 0, last: file.size - 1 })) {
        hash.update(piece);
        size += piece.length;
      }
  } catch (error) {
    if (error instanceof AppError && error.code === 'CONTENT_LOST') return false;
    throw error;
  }
  return size === file.size && hash.digest('hex') === file.sha256;
}
