import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { finished } from 'node:stream/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { AuditEvent } from '../../audit/audit.schema.ts';
import type { Anchor } from '../../audit/chain.ts';
import { exportAuditTrail, verifyAuditFile } from '../../audit/export.service.ts';
import { maintainAuditPartitions } from '../../audit/partition.service.ts';
import { type RemovedMonth, retainAuditTrail } from '../../audit/retention.service.ts';
import { readSealingKey, readSealVerifier, type SealingKey } from '../../audit/seal.ts';
import type { AuditVerification } from '../../audit/seal.schema.ts';
import { sealAuditTrail } from '../../audit/seal.service.ts';
import type { ExportScope, FileVerification } from '../../audit/trail-file.ts';
import { listAuditTrail, listChartTrail, listListingsOf, recordAuditAct, resolvePatientKey } from '../../audit/trail.service.ts';
import { verifyAuditTrail } from '../../audit/verify.service.ts';
import { AppError, errorFaces } from '../../base/errors.ts';
import { count, duration, plural } from '../../base/quantities.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import type { Ctx } from '../../db/context.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface RangeOptions extends AccessOptions {
  readonly from?: string;
  readonly to?: string;
}
interface SigningOptions {
  readonly signingKey?: string;
}
interface VerifyingOptions extends RangeOptions, SigningOptions {
  readonly publicKey?: readonly string[];
  readonly anchor?: string;
  readonly file?: string;
  readonly seal: boolean;
}

/** How many problems are listed for people; --json has up to a thousand. */
const listed = 20;

/** `onechart audit`: who did what, and the proof that nobody changed it. */
export function addAuditCommands(program: Command, io: CliIo): void {
  const audit = program.command('audit').description('the audit trail: who did what, and the proof that nobody changed it');

  addSigning(addAccessOptions(audit.command('seal')))
    .description('seal the rows written since the last seal; a server that runs does this by itself')
    .action((options: AccessOptions & SigningOptions) =>
      withAccess(options, io, async ({ db }) => {
        const result = await sealAuditTrail(db, { key: await signingKey(options, io), waitMilliseconds: 10_000 });
        if (options.json) return printJson(io, result);
        print(io, `${plural(result.rows, 'row')} sealed${result.head ? `; the chain ends with seal ${result.head.number}, ${result.head.hash}` : ''}.`);
        if (result.waitingFor > 0) note(io, `${plural(result.waitingFor, 'transaction')} still writing; what they write is sealed the next time.`);
      }),
    );

  addSigning(addRange(addAccessOptions(audit.command('verify'))))
    .description('find every altered, removed or inserted row and every altered, removed or replaced seal; exits with 4 when there is one')
    .option('--public-key <file>', 'key that seals must be signed with (PEM); may be given several times', collect)
    .option('--anchor <file>', 'an earlier export, or lines of {"number", "hash"}: the chain must still hold these seals')
    .option('--file <file>', 'look at an export instead of a database')
    .option('--no-seal', 'do not seal what waits first, for a role that may only read')
    .action(async (options: VerifyingOptions) => {
      const verifiers = await Promise.all((options.publicKey ?? []).map(async (file) => readSealVerifier(await text(file))));
      if (options.file !== undefined) return showFileVerification(await verifyAuditFile(options.file, { verifiers }), options, io);
      await withAccess(options, io, async (ctx) => {
        if (options.seal) await sealFirst(ctx.db, options, io);
        const began = performance.now();
        const verification = await verifyAuditTrail(ctx.db, {
          from: options.from === undefined ? undefined : new Date(options.from),
          to: options.to === undefined ? undefined : new Date(options.to),
          verifiers,
          anchors: options.anchor === undefined ? [] : readAnchors(await text(options.anchor)),
          onProgress: progress(io),
        });
        if (options.seal) await recordAuditAct(ctx, 'audit.verified', { head: verification.head, problems: verification.problemCount });
        showVerification(verification, { options, io, milliseconds: performance.now() - began });
      });
    });

  addSigning(addRange(addAccessOptions(audit.command('export'))))
    .description('write rows and seals as NDJSON that proves itself without the database: onechart audit verify --file')
    .option('--patient <mrn-or-id>', 'only the rows of one chart; seals then prove each row by its first 64 bits')
    .option('--out <file>', 'file to write (default: standard output)')
    .action((options: RangeOptions & SigningOptions & { patient?: string; out?: string }) =>
      withAccess(options, io, async (ctx) => {
        const times = { from: instantOf(options.from), to: instantOf(options.to) };
        const scope: ExportScope =
          options.patient === undefined ? { kind: 'range', ...times } : { kind: 'patient', patientId: await resolvePatientKey(ctx, options.patient), ...times };
        await sealFirst(ctx.db, options, io);
        await recordAuditAct(ctx, 'audit.exported', times, scope.kind === 'patient' ? scope.patientId : null);
        const exported = await writeLines(options.out, io, (write) => exportAuditTrail(ctx.db, { scope, write, now: ctx.clock.now() }));
        note(io, `${plural(exported.rows, 'row')} and ${plural(exported.seals, 'seal')} written. They hold patient data: keep them as you keep the database.`);
      }),
    );

  addRange(addAccessOptions(audit.command('show')))
    .description('who looked at a chart or changed it, when, why and from where; newest first')
    .requiredOption('--patient <mrn-or-id>', 'record number or id')
    .option('--action <name>', 'only this action, such as patient.viewed')
    .option('--listings', 'searches and lists that showed it among others, of --from to --to (default: the last 7 days)')
    .option('--limit <count>', 'at most so many (1 to 200)', wholeNumber, 50)
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action((options: RangeOptions & { patient: string; action?: string; listings?: boolean; limit: number; cursor?: string }) =>
      withAccess(options, io, async (ctx) => {
        const id = await resolvePatientKey(ctx, options.patient);
        if (options.listings) {
          const to = instantOf(options.to) ?? ctx.clock.now().toISOString();
          const from = instantOf(options.from) ?? new Date(Date.parse(to) - 7 * 86_400_000).toISOString();
          const items = await listListingsOf(ctx, id, { from, to, limit: options.limit });
          return showEvents({ items, nextCursor: null }, options, io);
        }
        showEvents(await listChartTrail(ctx, id, filterOf(options)), options, io);
      }),
    );

  addRange(addAccessOptions(audit.command('list')))
    .description('the trail of everything, newest first')
    .option('--actor <id>', 'only what this user, account or key did')
    .option('--action <name>', 'only this action, such as account.signed-in')
    .option('--limit <count>', 'at most so many (1 to 200)', wholeNumber, 50)
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action((options: RangeOptions & { actor?: string; action?: string; limit: number; cursor?: string }) =>
      withAccess(options, io, async (ctx) =>
        showEvents(await listAuditTrail(ctx, { ...filterOf(options), ...(options.actor === undefined ? {} : { actorId: options.actor }) }), options, io),
      ),
    );

  addAccessOptions(audit.command('maintain'))
    .description('make the partitions of the coming months; needs the rights of the tables’ owner, once a month')
    .option('--months <count>', 'how many months ahead', wholeNumber, 3)
    .action((options: AccessOptions & { months: number }) =>
      withAccess(options, io, async ({ db, clock }) => {
        const result = await maintainAuditPartitions(db, { now: clock.now(), monthsAhead: options.months });
        if (options.json) return printJson(io, result);
        print(io, result.made.length === 0 ? 'Every partition is there.' : `Made ${result.made.join(', ')}; ${plural(result.moved, 'row')} moved there.`);
      }),
    );

  addSigning(addAccessOptions(audit.command('retain')))
    .description('remove months whose time of keeping has passed: write them to files, prove the files, drop the partitions, record it in the chain')
    .requiredOption('--older-than <time>', 'how long rows are kept, such as 6y or 80m', keptSince)
    .requiredOption('--export <folder>', 'folder for the rows, a file a month')
    .option('--dry-run', 'say what would be removed')
    .action((options: AccessOptions & SigningOptions & { olderThan: number; export: string; dryRun?: boolean }) =>
      withAccess(options, io, async (ctx) => {
        const now = ctx.clock.now();
        const removed = await retainAuditTrail(ctx.db, {
          olderThan: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - options.olderThan, 1)),
          folder: options.export,
          by: `${userInfo().username}@${hostname()}`,
          key: await signingKey(options, io),
          now,
          ...(options.dryRun ? { dryRun: true } : {}),
        });
        showRemoved(removed, options, io);
      }),
    );
}

function addRange(command: Command): Command {
  return command.option('--from <instant>', 'from here on, such as 2026-11-01T00:00:00Z', instant).option('--to <instant>', 'before this', instant);
}

function addSigning(command: Command): Command {
  return command.option('--signing-key <file>', 'private key that signs seals, Ed25519 in PEM (default: ONECHART_AUDIT_SIGNING_KEY_FILE)');
}

/** Seals what waits, where that can be done here; what is not sealed is told by the command itself. */
async function sealFirst(db: Ctx['db'], options: SigningOptions, io: CliIo): Promise<void> {
  try {
    await sealAuditTrail(db, { key: await signingKey(options, io), waitMilliseconds: 2_000 });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'AUDIT_KEY_MISSING') throw error;
    note(io, 'The seals are signed and no key was given: rows since the last seal are left to the server.');
  }
}

async function signingKey({ signingKey: file }: SigningOptions, io: CliIo): Promise<SealingKey | undefined> {
  const path = file ?? io.env.ONECHART_AUDIT_SIGNING_KEY_FILE;
  return path ? readSealingKey(await text(path)) : undefined;
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('unavailable', 'AUDIT_FILE_MISSING', `The file ${path} cannot be read. Check its name and its rights.`, { path }, { cause });
  }
}

/** Seals out of an export or a file of anchors: any line with number and hash. */
function readAnchors(lines: string): Anchor[] {
  const anchors = lines.split('\n').flatMap((line): Anchor[] => {
    const found = parseJson(line) as Partial<Anchor> | undefined;
    return typeof found?.number === 'number' && typeof found.hash === 'string' ? [{ number: found.number, hash: found.hash }] : [];
  });
  if (anchors.length === 0)
    throw new AppError('invalid', 'AUDIT_ANCHOR_EMPTY', 'The anchor file names no seal. Give an export, or lines such as {"number": 7, "hash": "…"}.');
  return anchors;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function writeLines<T>(out: string | undefined, io: CliIo, work: (write: (line: string) => Promise<void>) => Promise<T>): Promise<T> {
  const target = out === undefined ? io.stdout : createWriteStream(out, { flags: 'wx', mode: 0o600, flush: true });
  const failed = out === undefined ? undefined : finished(target);
  failed?.catch(() => undefined);
  try {
    const result = await work(async (line) => {
      if (!target.write(`${line}\n`)) await (failed ? Promise.race([once(target, 'drain'), failed]) : once(target, 'drain'));
    });
    if (failed) {
      target.end();
      await failed;
    }
    return result;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (out === undefined || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
    throw new AppError(
      'unavailable',
      'AUDIT_EXPORT_FAILED',
      `${out} could not be written (${code}). Nothing is lost; name another file.`,
      { code },
      { cause: error },
    );
  }
}

function showVerification(verification: AuditVerification, { options, io, milliseconds }: { options: AccessOptions; io: CliIo; milliseconds: number }): void {
  if (!verification.ok) io.exitCode = errorFaces.drift.exitCode;
  if (options.json) return printJson(io, verification);
  const { rowsVerified, seals, unsealed, removed, problems, problemCount, head, signedBy } = verification;
  print(
    io,
    `${plural(rowsVerified, 'row')} and ${plural(seals, 'seal')} looked at in ${duration(milliseconds)}${signedBy.length > 0 ? `, signatures of ${signedBy.join(', ')}` : ''}.`,
  );
  if (head) print(io, `The chain ends with seal ${head.number}, ${head.hash}. Keep this line elsewhere.`);
  if (unsealed.rows > 0)
    print(
      io,
      `${plural(unsealed.rows, 'row')} not sealed yet, the oldest ${unsealed.oldest === null ? '' : duration(Math.max(0, Date.now() - Date.parse(unsealed.oldest)))} old.`,
    );
  for (const each of removed)
    print(io, `${count(each.rows)} rows of ${each.month} removed under retention on ${each.at.slice(0, 10)} by ${each.note ?? 'somebody unknown'}.`);
  showProblems(problems, problemCount, io);
}

function showFileVerification(verification: FileVerification, options: AccessOptions, io: CliIo): void {
  if (!verification.ok) io.exitCode = errorFaces.drift.exitCode;
  if (options.json) return printJson(io, verification);
  print(io, `${plural(verification.rowsVerified, 'row')} proven by ${plural(verification.seals, 'seal')}.`);
  if (verification.unsealed > 0) print(io, `${plural(verification.unsealed, 'row')} not sealed when the file was written.`);
  showProblems(verification.problems, verification.problemCount, io);
}

function showProblems(problems: readonly { text: string; id: string | null }[], total: number, io: CliIo): void {
  if (total === 0) return print(io, 'Everything is as it was sealed.');
  print(io, `${plural(total, 'problem')}:`);
  for (const { text: sentence, id } of problems.slice(0, listed)) print(io, `  ${sentence}${id === null ? '' : ` Id ${id}.`}`);
  if (total > listed) print(io, `  and ${count(total - listed)} more; --json lists up to a thousand`);
}

function showEvents(page: { items: readonly AuditEvent[]; nextCursor: string | null }, options: AccessOptions, io: CliIo): void {
  if (options.json) return printJson(io, page);
  if (page.items.length === 0) return note(io, 'No rows.');
  const rows = page.items.map((each) => [
    each.occurredAt,
    each.action,
    [each.actorKind, each.actorName ?? each.actorId].filter(Boolean).join(' '),
    each.origin ?? '-',
    each.patientId ?? '-',
    each.reason ?? '',
  ]);
  for (const line of columns([['WHEN', 'WHAT', 'WHO', 'FROM', 'CHART', 'WHY'], ...rows])) print(io, line.trimEnd());
  if (page.nextCursor !== null) note(io, `More: --cursor ${page.nextCursor}`);
}

function showRemoved(removed: readonly RemovedMonth[], options: AccessOptions & { dryRun?: boolean }, io: CliIo): void {
  if (options.json) return printJson(io, { removed });
  if (removed.length === 0) return print(io, 'No month is old enough.');
  for (const { month, rows, file } of removed)
    print(
      io,
      options.dryRun
        ? `${month}: ${plural(rows, 'row')} would be removed`
        : `${month}: ${plural(rows, 'row')} removed${file === undefined ? '' : `, kept in ${file}`}`,
    );
}

function filterOf({ action, from, to, limit, cursor }: { action?: string; from?: string; to?: string; limit: number; cursor?: string }) {
  return {
    limit,
    ...(action === undefined ? {} : { action }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function progress(io: CliIo): ((rows: number) => void) | undefined {
  if (!io.interactive) return undefined;
  let told = 0;
  return (rows) => {
    if (rows - told < 100_000) return;
    told = rows;
    io.stderr.write(`\r${count(rows)} rows`);
  };
}

function instantOf(given: string | undefined): string | null {
  return given ?? null;
}

function instant(given: string): string {
  const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(given) ? `${given}T00:00:00Z` : given);
  if (Number.isNaN(at.getTime()) || !/^\d{4}-\d{2}-\d{2}(?:$|T.*(?:Z|[+-]\d{2}:\d{2})$)/.test(given))
    throw new InvalidArgumentError('It must be a day or an instant with its offset, such as 2026-11-23 or 2026-11-23T08:30:00Z.');
  return at.toISOString();
}

/** Months out of `6y` or `80m`. */
function keptSince(given: string): number {
  const [, number, unit] = /^(\d{1,3})([ym])$/.exec(given) ?? [];
  const months = Number(number) * (unit === 'y' ? 12 : 1);
  if (!months) throw new InvalidArgumentError('It must be a number of years or months, such as 6y or 80m.');
  return months;
}

function wholeNumber(given: string): number {
  if (!/^\d{1,4}$/.test(given)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(given);
}

function collect(given: string, before: readonly string[] = []): string[] {
  return [...before, given];
}
