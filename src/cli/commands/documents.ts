import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { toDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { openDocumentSettings } from '../../document/content-stores.service.ts';
import { sweepContents } from '../../document/sweep.service.ts';
import { type DocumentOptions, openRegistry, type PatientRepository } from '../../index.ts';
import { DocumentType } from '../../patient/patient.schema.ts';
import { loadSettings } from '../../settings/load.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import { findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface Options extends AccessOptions {
  readonly config?: string;
}

/** `onechart documents`: files of patients in and out, and what crashes leave behind. Where files are is said by the configuration of the server. */
export function addDocumentsCommands(program: Command, io: CliIo): void {
  const documents = program.command('documents').description('files of documents: store, read, clean up');

  addOptions(documents.command('list'))
    .description('list the documents of a patient')
    .argument('<mrn-or-id>', 'record number or id of the patient')
    .action(async (patient: string, options: Options) => {
      const items = await withPatients(options, io, async (patients) => patients.listDocuments(await patientId(patients, patient)));
      if (options.json) return printJson(io, { items });
      if (items.length === 0) return note(io, 'This patient has no documents.');
      const rows = items.map((each) => [each.id, each.documentType, each.mimeType ?? '', String(each.fileSize ?? ''), each.fileName ?? '']);
      for (const line of columns([['ID', 'TYPE', 'FILE', 'BYTES', 'NAME'], ...rows])) print(io, line);
    });

  addOptions(documents.command('add'))
    .description('add a document with its file')
    .argument('<mrn-or-id>', 'record number or id of the patient')
    .argument('<file>', 'the file; - for standard input')
    .addOption(new Option('--type <type>', 'what it is').choices(DocumentType.options).default('OTHER'))
    .option('--number <number>', 'number of the document')
    .option('--name <name>', 'name of the file (default: that of the file)')
    .action(async (patient: string, file: string, options: Options & { type: z.infer<typeof DocumentType>; number?: string; name?: string }) => {
      const added = await withPatients(options, io, async (patients) => {
        const id = await patientId(patients, patient);
        const content = await openInput(file, io);
        const fileName = options.name ?? (file === '-' ? undefined : basename(file));
        const document = await patients.addDocument(id, {
          documentType: options.type,
          ...(options.number === undefined ? {} : { documentNumber: options.number }),
        });
        try {
          return await patients.storeDocumentContent({ patientId: id, id: document.id }, { content, ...(fileName === undefined ? {} : { fileName }) });
        } catch (thrown) {
          await patients.removeDocument({ patientId: id, id: document.id, reason: 'its file could not be stored' });
          throw thrown;
        }
      });
      if (options.json) printJson(io, added);
      else print(io, added.id);
    });

  addOptions(documents.command('get'))
    .description('write the file of a document to a file, or to standard output')
    .argument('<mrn-or-id>', 'record number or id of the patient')
    .argument('<document-id>', 'id of the document, as documents list shows it')
    .option('--output <file>', 'where to write it; must not exist yet (default: standard output)')
    .action(async (patient: string, id: string, options: Options & { output?: string }) => {
      await withPatients(options, io, async (patients) => {
        const opened = await patients.openDocumentContent({ patientId: await patientId(patients, patient), id });
        const bytes = Readable.from(opened.read(), { objectMode: false });
        if (options.output === undefined) return pipeline(bytes, io.stdout, { end: false });
        return writeFile(bytes, resolve(io.cwd, options.output));
      });
    });

  addOptions(documents.command('sweep'))
    .description('remove uploads that broke off with their server, and objects of the store that belong to no document')
    .option('--older-than <hours>', 'leave alone what is younger; an upload under way must be', '24')
    .option('--dry-run', 'count only')
    .action(async (options: Options & { olderThan: string; dryRun?: boolean }) => {
      const hours = Number(options.olderThan);
      if (!(hours >= 1 && hours <= 8760)) {
        throw new AppError('invalid', 'SWEEP_AGE_INVALID', '--older-than is a number of hours from 1 to 8760.', { field: 'olderThan' });
      }
      const settings = openDocumentSettings(await documentOptions(options, io));
      try {
        const swept = await withAccess(options, io, (ctx) => sweepContents(ctx, settings, { olderThanMinutes: hours * 60, dryRun: options.dryRun ?? false }));
        if (options.json) return printJson(io, swept);
        print(io, `${swept.dryRun ? 'Found' : 'Removed'}: ${swept.abandonedUploads} abandoned uploads, ${swept.orphanedObjects} objects without a document.`);
      } finally {
        await settings.close();
      }
    });
}

function addOptions(command: Command): Command {
  return addAccessOptions(command).option('--config <file>', 'configuration of the server, which says where files are (default: as for onechart serve)');
}

async function documentOptions(options: Options, io: CliIo): Promise<DocumentOptions> {
  return (await loadSettings({ config: options.config, env: io.env, cwd: io.cwd })).settings.documents;
}

async function withPatients<T>(options: Options, io: CliIo, work: (patients: PatientRepository) => Promise<T>): Promise<T> {
  const address = await findDatabase(options, io);
  await using registry = await openRegistry({
    databaseUrl: toDatabaseUrl(address),
    maxConnections: 2,
    documents: await documentOptions(options, io),
    actor: { kind: 'service', name: 'command line' },
    origin: 'cli',
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  return await work(registry.patientRepository);
}

async function patientId(patients: PatientRepository, key: string): Promise<string> {
  const found = await patients.findByMrn(key);
  return found?.id ?? key;
}

/** A file that breaks off is no file: it is removed again. */
async function writeFile(bytes: Readable, path: string): Promise<void> {
  // Patients' papers are for their owner's eyes.
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  let opened = false;
  target.once('open', () => {
    opened = true;
  });
  try {
    await pipeline(bytes, target);
  } catch (thrown) {
    if (opened) await rm(path, { force: true });
    if (thrown instanceof AppError) throw thrown;
    throw new AppError(
      'unavailable',
      'OUTPUT_UNWRITABLE',
      'The file of --output cannot be written, or is there already. Choose another.',
      {},
      { cause: thrown },
    );
  }
}

/** Opened before anything is written, so that a wrong name changes nothing. */
async function openInput(file: string, io: CliIo): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return (io.stdin ?? process.stdin) as AsyncIterable<Uint8Array>;
  try {
    return (await open(resolve(io.cwd, file))).createReadStream();
  } catch (cause) {
    throw new AppError('unavailable', 'INPUT_UNREADABLE', 'The file cannot be read. Check its name and rights, or use - for standard input.', {}, { cause });
  }
}
