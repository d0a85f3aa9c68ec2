import { readFile, writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readSealingKey, readSealVerifier, type SealingKey, type SealVerifier } from '../../audit/seal.ts';
import { AppError } from '../../base/errors.ts';
import type { Ctx } from '../../db/context.ts';
import {
  blockFile,
  type BlockWithNumbers,
  closeDowntimeBlock,
  getDowntimeBlock,
  issueDowntimeBlock,
  listDowntimeBlocks,
  type RestOfBlock,
} from '../../downtime/block.service.ts';
import { DowntimeBlockFile } from '../../downtime/downtime.schema.ts';
import { type ReconciledLine, reconcileDowntimeBlock } from '../../downtime/reconcile.service.ts';
import { printDowntimeSheets } from '../../downtime/sheets.service.ts';
import { slipTemplate } from '../../downtime/slips.ts';
import { blockIsGenuine, readSheetCode } from '../../downtime/statement.ts';
import { createMrnIssuer } from '../../identifier/mrn.service.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface KeyOptions {
  readonly signingKey?: string;
}
interface ZoneOptions {
  readonly timeZone: string;
  readonly defaultCountry?: string;
}

/** `onechart downtime`: record numbers on paper for when the system is down, and their way back. docs/runbooks/downtime.md tells it step by step. */
export function addDowntimeCommands(program: Command, io: CliIo): void {
  const downtime = program.command('downtime').description('record numbers on paper for when the system is down: issue, print, verify, reconcile, close');

  addZone(addKey(addAccessOptions(downtime.command('issue'))))
    .description('give a desk a block of record numbers for good')
    .requiredOption('--desk <name>', 'the desk that may use them')
    .requiredOption('--count <number>', 'how many numbers, at most 500', whole)
    .requiredOption('--valid-until <date>', 'last day on which the sheets may be used')
    .option('--valid-from <date>', 'first day (default: today)')
    .option('--authority <code>', 'the assigning authority', 'default')
    .option('--file <file>', 'write the signed block here, for checks without the system')
    .option('--sheets <file>', 'write the PDF to print here')
    .action(
      (
        options: AccessOptions &
          KeyOptions &
          ZoneOptions & { desk: string; count: number; validUntil: string; validFrom?: string; authority: string; file?: string; sheets?: string },
      ) =>
        withAccess(options, io, async (ctx) => {
          const key = await signingKey(options, io);
          const { desk, count, authority, validUntil, validFrom } = options;
          const input = { desk, count, authority, validUntil, ...(validFrom === undefined ? {} : { validFrom }) };
          const made = await issueDowntimeBlock(ctx, input as Parameters<typeof issueDowntimeBlock>[1], { key, timeZone: options.timeZone });
          if (options.file !== undefined) await write(options.file, `${JSON.stringify(blockFile(made), null, 2)}\n`);
          if (options.sheets !== undefined) await write(options.sheets, await printDowntimeSheets(made, { key, now: ctx.clock.now() }));
          if (options.json) return printJson(io, made);
          print(io, describe(made));
        }),
    );

  addAccessOptions(downtime.command('list'))
    .description('list the blocks, oldest first')
    .option('--open', 'only those that are not accounted for')
    .action((options: AccessOptions & { open?: boolean }) =>
      withAccess(options, io, async (ctx) => {
        const items = await listDowntimeBlocks(ctx, { open: options.open ?? false });
        if (options.json) return printJson(io, { items });
        if (items.length === 0) return note(io, 'There are no such blocks.');
        const rows = items.map(({ code, desk, validUntil, counts, closedAt }) => [
          code,
          closedAt === null ? 'open' : 'closed',
          String(counts.open),
          String(counts.used),
          String(counts.void + counts.returned),
          String(counts.missing),
          validUntil,
          desk,
        ]);
        for (const line of columns([['BLOCK', 'STATE', 'OPEN', 'USED', 'NOT USED', 'MISSING', 'VALID UNTIL', 'DESK'], ...rows])) print(io, line);
      }),
    );

  withBlock(downtime.command('show'))
    .description('show a block with what became of each of its numbers')
    .action((code: string, options: AccessOptions) =>
      withAccess(options, io, async (ctx) => {
        const found = await getDowntimeBlock(ctx, code);
        if (options.json) return printJson(io, found);
        print(io, describe(found));
        const rows = found.numbers.map(({ place, mrn, checkCharacter, state, reason }) => [
          String(place),
          `${mrn}${checkCharacter && ` / ${checkCharacter}`}`,
          state,
          reason ?? '',
        ]);
        for (const line of columns([['SHEET', 'NUMBER', 'STATE', 'REASON'], ...rows])) print(io, line);
      }),
    );

  addKey(withBlock(downtime.command('sheets')))
    .description('write the PDF of a block to print: forms, labels, list of who is here')
    .requiredOption('--output <file>', 'where to write; an existing file is refused')
    .addOption(new Option('--paper <size>', 'size of the paper').choices(['A4', 'LETTER']).default('A4'))
    .action((code: string, options: AccessOptions & KeyOptions & { output: string; paper: 'A4' | 'LETTER' }) =>
      withAccess(options, io, async (ctx) => {
        const found = await getDowntimeBlock(ctx, code);
        const key = await signingKey(options, io);
        await write(options.output, await printDowntimeSheets(found, { key, now: ctx.clock.now(), size: options.paper }));
        note(io, `${found.block.counts.open} forms written.`);
      }),
    );

  withBlock(downtime.command('template'))
    .description('write the table into which the desk types its sheets, as CSV')
    .option('--output <file>', 'where to write (default: standard output); an existing file is refused')
    .action((code: string, options: AccessOptions & { output?: string }) =>
      withAccess(options, io, async (ctx) => {
        const text = slipTemplate(await getDowntimeBlock(ctx, code));
        if (options.output === undefined) io.stdout.write(text);
        else await write(options.output, text);
      }),
    );

  downtime
    .command('verify')
    .description('check the file of a block or the code of a sheet, without the system; exits with 4 when the signature is not right')
    .argument('[file]', 'the file that issue --file wrote')
    .option('--scan <text>', 'what the scanner read from the square code of a sheet')
    .requiredOption('--public-key <file>', 'public key (Ed25519, PEM); may be given several times', collect)
    .option('--json', 'print the result as JSON for machines')
    .action(async (file: string | undefined, options: { scan?: string; publicKey: string[]; json?: boolean }) => {
      const keys = await Promise.all(options.publicKey.map(async (path) => readSealVerifier(await text(path))));
      const found = options.scan === undefined ? await verifyFile(file, keys) : readSheetCode(options.scan, keys);
      if (options.json) printJson(io, found);
      else
        print(
          io,
          `${found.genuine ? 'genuine' : 'NOT GENUINE'}: block ${found.code}, desk ${found.desk}, ${'mrn' in found ? `number ${found.mrn}` : `${found.numbers.length} numbers`}, valid ${found.validFrom} to ${found.validUntil}`,
        );
      if (!found.genuine) io.exitCode = new AppError('drift', 'DOWNTIME_SIGNATURE_WRONG', '').face.exitCode;
    });

  addZone(withBlock(downtime.command('reconcile')))
    .description('enter what the desk wrote: every number checked, every person compared with the base; exits with 2 while lines are left')
    .argument('<file>', 'the filled table, as CSV')
    .option('--dry-run', 'check only; nothing is written')
    .action((code: string, file: string, options: AccessOptions & ZoneOptions & { dryRun?: boolean }) =>
      withAccess(options, io, async (ctx) => {
        const csv = await text(file);
        const { timeZone, defaultCountry, dryRun } = options;
        const mrns = createMrnIssuer();
        try {
          const result = await reconcileDowntimeBlock(ctx, code, { csv, settings: { timeZone, defaultCountry, mrns }, ...(dryRun ? { dryRun } : {}) });
          if (result.lines.some(({ outcome }) => outcome === 'refused' || outcome === 'duplicate')) io.exitCode = 2;
          if (options.json) return printJson(io, result);
          for (const line of result.lines) print(io, describeLine(line));
          print(io, `${result.open} numbers of the block are still open.`);
        } finally {
          await mrns.close();
        }
      }),
    );

  withBlock(downtime.command('close'))
    .description('close a block when every number is accounted for; numbers that are still open need --rest and a reason')
    .addOption(new Option('--rest <what>', 'what became of all numbers that are still open').choices(['void', 'return', 'missing']))
    .action((code: string, options: AccessOptions & { rest?: RestOfBlock }) =>
      withAccess(options, io, async (ctx: Ctx) => {
        const { rest, reason } = options;
        const closed = await closeDowntimeBlock(ctx, code, { ...(rest === undefined ? {} : { rest }), ...(reason === undefined ? {} : { reason }) });
        if (options.json) printJson(io, closed);
        else print(io, describe(closed));
      }),
    );
}

function withBlock(command: Command): Command {
  return addAccessOptions(command).argument('<block>', 'code of the block, as it stands on every sheet');
}

function addKey(command: Command): Command {
  return command.option('--signing-key <file>', 'private key (Ed25519, PEM) with which sheets are signed (default: ONECHART_DOWNTIME_SIGNING_KEY_FILE)');
}

function addZone(command: Command): Command {
  return command
    .option('--time-zone <zone>', 'time zone of the facility, which says what day it is', 'UTC')
    .option('--default-country <code>', 'country whose telephone numbers are written without a country code, such as KE');
}

function describe({ block, numbers }: BlockWithNumbers): string {
  const { open, used, void: voided, returned, missing } = block.counts;
  return [
    `Block ${block.code} of desk ${block.desk}: ${numbers.length} numbers, ${numbers[0]?.mrn} to ${numbers.at(-1)?.mrn}, valid ${block.validFrom} to ${block.validUntil}`,
    `${open} open, ${used} used, ${voided} void, ${returned} returned, ${missing} missing; ${block.closedAt === null ? 'not closed' : `closed ${block.closedAt}`}`,
  ].join('\n');
}

function describeLine({ line, mrn, outcome, code, message, candidates }: ReconciledLine): string {
  const charts = candidates?.map(({ id, reason }) => `\n    ${id}: ${reason}`).join('') ?? '';
  return `line ${line}  ${mrn}  ${outcome}${message === undefined ? '' : `: ${message} [${code}]`}${charts}`;
}

async function verifyFile(file: string | undefined, keys: readonly SealVerifier[]): Promise<DowntimeBlockFile & { genuine: boolean }> {
  if (file === undefined)
    throw new AppError('invalid', 'DOWNTIME_FILE_MISSING', 'What is to be checked? Give the file of a block, or --scan with the code of a sheet.');
  const read = DowntimeBlockFile.safeParse(parsed(await text(file)));
  if (!read.success)
    throw new AppError(
      'invalid',
      'DOWNTIME_FILE_INVALID',
      'This is not the file of a downtime block. Give the file that onechart downtime issue --file wrote.',
    );
  return { ...read.data, genuine: blockIsGenuine(read.data, keys) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

async function signingKey({ signingKey: file }: KeyOptions, io: CliIo): Promise<SealingKey> {
  const path = file ?? io.env.ONECHART_DOWNTIME_SIGNING_KEY_FILE;
  if (!path) {
    throw new AppError(
      'invalid',
      'DOWNTIME_KEY_MISSING',
      'Sheets are signed. Give --signing-key, or set ONECHART_DOWNTIME_SIGNING_KEY_FILE. A key is made with: openssl genpkey -algorithm ed25519 -out downtime.key',
    );
  }
  return readSealingKey(await text(path));
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('unavailable', 'DOWNTIME_FILE_UNREADABLE', 'A file cannot be read. Check its name and its rights.', {}, { cause });
  }
}

async function write(path: string, content: string | Buffer): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new AppError('unavailable', 'DOWNTIME_FILE_NOT_WRITTEN', 'The file cannot be written. It may exist already: choose another name.', {}, { cause });
  }
}

function whole(value: string): number {
  if (!/^\d{1,4}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(value);
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];
