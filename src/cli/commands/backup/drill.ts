import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { DatabaseAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import { duration, plural } from '../../../base/quantities.ts';
import { readSealVerifier } from '../../../audit/seal.ts';
import { openDocumentSettings } from '../../../document/content-stores.service.ts';
import { withServerOnCopy } from '../../../embedded/proof-server.ts';
import { homeFolder } from '../../../embedded/index.ts';
import { createMrnIssuer } from '../../../identifier/mrn.service.ts';
import { type BackupManifest, inspectCopy, newestBackup, readManifest, withRestoredBackup } from '../../../migrate/backup/index.ts';
import { type MigrateOptions, verifyMigration } from '../../../migrate/index.ts';
import { assertSame } from '../../../migrate/backup/index.ts';
import { assertCopyIntact } from '../../../embedded/copied-files.ts';
import { bindPatientRepository, type PatientRepository } from '../../../patient/patient-repository.ts';
import { type DrillFindings, type DrillItem, tryRegistry } from '../../../recovery/drill.service.ts';
import { loadSettings } from '../../../settings/load.ts';
import { coldManifest } from '../../embedded-backup.ts';
import { type CliIo, print, printJson } from '../../io.ts';
import { addBackupOptions, type BackupCommandOptions, backupFolder, showBackupProgress, toolsAndKeys } from '../migrate/backup.ts';
import { collect, engineOptions } from '../migrate/options.ts';
import { onDatabase } from './on-database.ts';
import { readFile } from 'node:fs/promises';

interface DrillOptions extends BackupCommandOptions {
  readonly sample: string;
  readonly files: 'all' | 'sample' | 'none';
  readonly publicKey?: string[];
  readonly config?: string;
  readonly maxAgeHours?: string;
  readonly maxRestoreMinutes?: string;
  readonly restoredUrl?: string;
}

/** What a drill found; `--json` prints it as it is. */
export interface DrillReport {
  readonly ok: boolean;
  /** Null where the database was restored in another way. */
  readonly backup: { readonly file: string; readonly database: string; readonly startedAt: string; readonly method: string } | null;
  /** From the first byte read to a database that may be worked with: the time without a registry, on a server like this one. Null where somebody else restored it. */
  readonly rtoSeconds: number | null;
  /** Age of the newest row: what would be lost if the database were lost now. Null for an empty registry. */
  readonly rpoSeconds: number | null;
  readonly restoreSeconds: number | null;
  readonly compareSeconds: number | null;
  readonly checkSeconds: number;
  readonly counts: DrillFindings['counts'];
  readonly items: readonly DrillItem[];
}

/** `onechart backup drill`: a restore that is tried before it is needed. */
export function addDrillCommand({ io, command }: { io: CliIo; command: (name: string, description: string) => Command }): void {
  addBackupOptions(
    command('drill', 'restore the newest backup into a scratch database and work with it; exits with 4 when anything is wrong; leaves nothing behind'),
  )
    .argument('[file]', 'another backup than the newest of the folder')
    .option('--sample <number>', 'how many charts are searched for and opened', '50')
    .addOption(
      new Option('--files <which>', 'which files of documents are read and compared with their digests').choices(['all', 'sample', 'none']).default('sample'),
    )
    .option('--public-key <file>', 'key that seals of the audit trail must be signed with (PEM); may be given several times', collect)
    .option('--config <file>', 'configuration of the server, which says where files are (default: as for onechart serve)')
    .option(
      '--restored-url <url>',
      'try a database that was restored in another way, such as to a point in time; the drill writes to it, so throw it away afterwards',
    )
    .option('--max-age-hours <hours>', 'fails when the newest row is older')
    .option('--max-restore-minutes <minutes>', 'fails when the restore takes longer')
    .action(async (file: string | undefined, options: DrillOptions) => {
      const report = await drill(file, options, io);
      if (!report.ok) io.exitCode = new AppError('drift', 'RESTORE_DRILL_FAILED', '').face.exitCode;
      if (options.json) printJson(io, report);
      else show(report, io);
    });
}

async function drill(given: string | undefined, options: DrillOptions, io: CliIo): Promise<DrillReport> {
  const limits = { age: readLimit('max-age-hours', options.maxAgeHours), restore: readLimit('max-restore-minutes', options.maxRestoreMinutes) };
  const sample = readLimit('sample', options.sample) ?? 0;
  const engine = await engineOptions(options.restoredUrl === undefined ? options : { ...options, databaseUrl: options.restoredUrl }, io);
  if (options.restoredUrl !== undefined) await assertNotLive(engine.address, options, io);
  const file =
    options.restoredUrl !== undefined
      ? undefined
      : given === undefined
        ? (await newestBackup(backupFolder(io, options.out), engine.address.database)).file
        : resolve(io.cwd, given);
  const verifiers = await Promise.all((options.publicKey ?? []).map(async (path) => readSealVerifier(await readFile(resolve(io.cwd, path), 'utf8'))));
  const onProgress = options.json ? undefined : showBackupProgress(io);
  const settings = {
    sample,
    verifiers,
    files: options.files,
    documents: (await loadSettings({ config: options.config, env: io.env, cwd: io.cwd })).settings.documents,
  };

  const finish = async (
    address: DatabaseAddress,
    times: { manifest: BackupManifest; restore: number; compare: number; withRights: boolean } | undefined,
  ): Promise<DrillReport> => {
    const begun = performance.now();
    const migrations = times?.withRights !== false ? await tryMigrations({ ...engine, address }) : withoutRights;
    const findings = await work(address, settings);
    const rpoSeconds = findings.newestRow === undefined ? null : Math.round((Date.now() - Date.parse(findings.newestRow)) / 1000);
    const rtoSeconds = times === undefined ? null : seconds(times.restore + times.compare);
    const items = [
      ...(times === undefined ? [] : [{ name: 'restore', ok: true, found: 'without an error, and as the manifest says' }]),
      migrations,
      ...findings.items,
      ...(limits.age === undefined ? [] : [limitItem('age of the newest row', { found: rpoSeconds ?? 0, most: limits.age * 3600 })]),
      ...(limits.restore === undefined || rtoSeconds === null ? [] : [limitItem('time of the restore', { found: rtoSeconds, most: limits.restore * 60 })]),
    ];
    return {
      ok: items.every(({ ok }) => ok),
      backup:
        times === undefined || file === undefined
          ? null
          : { file, database: times.manifest.database.name, startedAt: times.manifest.startedAt, method: times.manifest.method },
      rtoSeconds,
      rpoSeconds,
      restoreSeconds: times === undefined ? null : seconds(times.restore),
      compareSeconds: times === undefined ? null : seconds(times.compare),
      checkSeconds: seconds(performance.now() - begun),
      counts: findings.counts,
      items,
    };
  };

  if (file === undefined) return finish(engine.address, undefined);
  if ((await readManifest(file))?.method === 'cold copy') {
    const manifest = await coldManifest(file);
    const home = homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
    const begun = performance.now();
    await assertCopyIntact(file, manifest.files, (done, of) => onProgress?.({ phase: 'check', done, of, unit: 'files' }));
    return withServerOnCopy({ home, copy: file }, async (server) => {
      const address = { ...server, database: manifest.database.name, schema: engine.address.schema };
      const restored = performance.now();
      const { inventory } = await inspectCopy(address, (done, of) => onProgress?.({ phase: 'compare', done, of, unit: 'tables' }));
      assertSame(manifest, inventory, { file, definitions: true });
      return finish(address, { manifest, restore: restored - begun, compare: performance.now() - restored, withRights: true });
    });
  }
  return withRestoredBackup(file, { address: engine.address, onProgress, ...toolsAndKeys(options, io) }, (address, { manifest, ...times }) =>
    finish(address, { manifest, restore: times.restoreMilliseconds, compare: times.compareMilliseconds, withRights: times.withRights }),
  );
}

/** A drill opens charts and issues searches: its rows have no place in the trail of a registry that is used. */
async function assertNotLive(restored: DatabaseAddress, { restoredUrl: _restored, ...options }: DrillOptions, io: CliIo): Promise<void> {
  const live = await engineOptions(options, io).catch(() => undefined);
  if (live === undefined || live.address.host !== restored.host || live.address.port !== restored.port || live.address.database !== restored.database) return;
  throw new AppError(
    'unsafe',
    'DRILL_ON_LIVE_DATABASE',
    '--restored-url names the live database. A drill writes to what it tries: name a copy that can be thrown away.',
  );
}

async function work(
  address: DatabaseAddress,
  {
    documents: options,
    ...settings
  }: { documents: Parameters<typeof openDocumentSettings>[0]; sample: number; files: DrillOptions['files']; verifiers: ReturnType<typeof readSealVerifier>[] },
): Promise<DrillFindings> {
  const documents = openDocumentSettings(options);
  const mrns = createMrnIssuer();
  try {
    return await onDatabase(address, async (ctx) => {
      const patients = bindPatientRepository(ctx, { timeZone: 'UTC', mrns, documents }) as PatientRepository;
      return tryRegistry(ctx, { ...settings, patients, documents });
    });
  } finally {
    await mrns.close();
    await documents.close();
  }
}

/** Objects were compared with the manifest; what needs the roles of the backup can only be tried where they are. */
const withoutRights: DrillItem = {
  name: 'migrations',
  ok: true,
  found: 'not verified: this server does not know the roles of the backup, or the user is no superuser; objects are as the manifest says',
};

/** What was saved before an upgrade lacks the newest migrations: the restore goes on with `migrate apply`. */
async function tryMigrations(engine: MigrateOptions): Promise<DrillItem> {
  const { ok, pending, items } = await verifyMigration(engine);
  const wrong = items.filter((item) => !item.ok).map(({ name }) => name);
  if (ok) return { name: 'migrations', ok: true, found: `${items.length} of ${items.length} as they must be` };
  if (pending)
    return { name: 'migrations', ok: true, found: `${plural(wrong.length, 'migration')} to apply after a restore: the backup is of an earlier version` };
  return {
    name: 'migrations',
    ok: false,
    found: `not as they must be: ${wrong.slice(0, 3).join(', ')}${wrong.length > 3 ? ` and ${wrong.length - 3} more` : ''}`,
  };
}

function limitItem(name: string, { found, most }: { found: number; most: number }): DrillItem {
  return { name, ok: found <= most, found: `${duration(found * 1000)}, at most ${duration(most * 1000)} wanted` };
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}

function readLimit(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new AppError('invalid', 'DRILL_LIMIT_INVALID', `--${name} is a number above 0.`, { field: name });
}

function show(report: DrillReport, io: CliIo): void {
  const { backup, items, rtoSeconds, rpoSeconds, checkSeconds, counts } = report;
  print(io, backup === null ? 'Drill with the restored database' : `Drill with ${backup.file} (${backup.database}, saved ${backup.startedAt})`);
  for (const { name, ok, found } of items) print(io, `${ok ? 'ok    ' : 'FAILED'}  ${name}: ${found}`);
  print(io, `${plural(counts.patients, 'patient')}, ${plural(counts.auditRows, 'audit row')}, ${plural(counts.files, 'file')}.`);
  const restore =
    rtoSeconds === null ? 'How long the restore took is yours to note (RTO)' : `A restore takes ${duration(rtoSeconds * 1000)} on this server (RTO)`;
  print(io, `${restore}; the checks took ${duration(checkSeconds * 1000)}.`);
  if (rpoSeconds !== null) print(io, `The newest row is ${duration(rpoSeconds * 1000)} old (RPO).`);
  print(io, report.ok ? 'It can be relied on.' : 'It cannot be relied on. Make another backup: onechart backup create');
}
