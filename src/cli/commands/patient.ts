import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { toDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { type Actor, openRegistry, type Patient, type PatientRepository } from '../../index.ts';
import type { NewPatient, Page, PatientChanges, PatientSearch } from '../../patient/patient.schema.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface CommonOptions extends DatabaseOptions {
  readonly json?: boolean;
  readonly timeZone?: string;
  readonly defaultCountry?: string;
  readonly actor?: string;
  readonly reason?: string;
}

type FieldOptions = Readonly<Record<string, unknown>>;

/** Demographics as flags: the option's name and what it means. The schema checks the values, on every face alike. */
const fields = {
  firstName: 'given name; the word null when there is none or it is not known',
  middleName: 'middle name',
  lastName: 'family name, or the single name',
  dateOfBirth: 'YYYY-MM-DD; the word null when it is not known',
  gender: 'MALE, FEMALE, OTHER or UNKNOWN',
  bloodType: 'A+, A-, B+, B-, AB+, AB-, O+ or O-',
  email: 'e-mail address',
  phone: 'telephone number',
  phoneSecondary: 'second telephone number',
  addressLine1: 'street and house',
  addressLine2: 'second line of the address',
  city: 'city',
  state: 'state or province',
  zipCode: 'postal code',
  country: 'country',
} as const;

export function addPatientCommands(program: Command, io: CliIo): void {
  const patient = program.command('patient').description('patients: register, look up, search, change');

  addInputOptions(addCommonOptions(patient.command('create')))
    .description('register a patient and issue the record number (MRN)')
    .option('--mrn <number>', "the host's own number, kept as it is")
    .option('--id <id>', 'an id the host has used for this patient already')
    .action(async (options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: ['id', 'mrn', ...Object.keys(fields)] });
      await withRepository(options, io, async (patients) => show(await patients.create(input as NewPatient), options, io));
    });

  addCommonOptions(patient.command('get'))
    .description('show one patient by MRN or id; an MRN leads through merges to the chart that is in use')
    .argument('<mrn-or-id>', 'record number or id')
    .action(async (key: string, options: CommonOptions) => {
      await withRepository(options, io, async (patients) => show(await getPatient(patients, key), options, io));
    });

  addCommonOptions(patient.command('search'))
    .description('search patients; criteria are combined, names match from their beginning')
    .argument('[last-name]', 'beginning of the family name')
    .option('--last-name <name>', 'beginning of the family name')
    .option('--first-name <name>', 'beginning of the given name')
    .option('--date-of-birth <date>', 'YYYY-MM-DD')
    .option('--phone <number>', 'telephone number of the patient')
    .option('--contact-phone <number>', "telephone number of a patient's contact")
    .option('--email <address>', 'e-mail address')
    .option('--mrn <number>', 'record number')
    .option('--document-number <number>', 'number of a document')
    .option('--include-archived', 'archived charts too')
    .option('--limit <count>', 'at most so many (1 to 200)', '50')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (lastName: string | undefined, options: CommonOptions & FieldOptions) => {
      const names = ['lastName', 'firstName', 'dateOfBirth', 'phone', 'contactPhone', 'email', 'mrn', 'documentNumber', 'includeArchived', 'cursor'];
      const criteria = { ...pick(options, names), ...(lastName === undefined ? {} : { lastName }), limit: Number(options.limit) };
      await withRepository(options, io, async (patients) => showPage(await patients.search(criteria as PatientSearch), options, io));
    });

  addInputOptions(addCommonOptions(patient.command('update')))
    .description('change demographics; the version is the one that was read, so that nobody overwrites a change unseen')
    .argument('<mrn-or-id>', 'record number or id')
    .option('--expect-version <version>', 'the version that was read')
    .action(async (key: string, options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: Object.keys(fields) });
      const version = options.expectVersion === undefined ? input.version : Number(options.expectVersion);
      if (version === undefined)
        throw new AppError(
          'invalid',
          'VERSION_MISSING',
          'version is required. Give --expect-version with the version you read: onechart patient get shows it.',
          { field: 'version' },
        );
      await withRepository(options, io, async (patients) => {
        const found = await getPatient(patients, key);
        show(await patients.update(found.id, { ...input, version } as PatientChanges), options, io);
      });
    });
}

function addCommonOptions(command: Command): Command {
  return addDatabaseOptions(command)
    .option('--time-zone <zone>', 'time zone of the facility, such as Africa/Nairobi (default: UTC)')
    .option('--default-country <code>', 'country of telephone numbers without a country code, such as KE')
    .option('--actor <user-id>', 'the user who acts, for the audit trail (default: the service "command line")')
    .option('--reason <text>', 'why, for the audit trail');
}

function addInputOptions(command: Command): Command {
  for (const [name, meaning] of Object.entries(fields)) command.option(`--${kebab(name)} <value>`, meaning);
  return command.option('--input <file>', 'read the fields as a JSON object from a file, or from standard input with -; flags win');
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z0-9]+/g, (part) => `-${part.toLowerCase()}`);
}

/** The fields of the JSON document and the flags. `null` on the command line means that a value is not known. */
async function gatherInput(options: FieldOptions, { io, names }: { io: CliIo; names: readonly string[] }): Promise<Record<string, unknown>> {
  const fromFile = typeof options.input === 'string' ? await readJson(options.input, io) : {};
  const fromFlags = Object.fromEntries(Object.entries(pick(options, names)).map(([name, value]) => [name, value === 'null' ? null : value]));
  return { ...fromFile, ...fromFlags };
}

function pick(options: FieldOptions, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}

async function readJson(source: string, io: CliIo): Promise<Record<string, unknown>> {
  let content: string;
  try {
    content = source === '-' ? await readAll(process.stdin) : await readFile(resolve(io.cwd, source), 'utf8');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'INPUT_UNREADABLE',
      'The file of --input cannot be read. Check its name and rights, or use - for standard input.',
      {},
      { cause },
    );
  }
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: the parser's message would quote the content.
  }
  throw new AppError(
    'invalid',
    'INPUT_NOT_JSON',
    '--input must hold one JSON object, such as {"firstName": "Test", "lastName": "Patient", "dateOfBirth": "1990-01-01"}.',
    { field: 'input' },
  );
}

async function withRepository(options: CommonOptions, io: CliIo, work: (patients: PatientRepository) => Promise<void>): Promise<void> {
  const address = await findDatabase(options, io);
  const actor: Actor = options.actor === undefined ? { kind: 'service', name: 'command line' } : { kind: 'user', id: options.actor };
  await using registry = await openRegistry({
    databaseUrl: toDatabaseUrl(address),
    maxConnections: 2,
    actor,
    origin: 'cli',
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    ...(options.defaultCountry === undefined ? {} : { defaultCountry: options.defaultCountry }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  await work(registry.patientRepository);
}

/** By MRN first; an id of a host with UUIDs never looks like one of our numbers, and ids of other hosts may look like anything. */
async function getPatient(patients: PatientRepository, key: string): Promise<Patient> {
  const found = (await patients.findByMrn(key)) ?? (await findById(patients, key));
  if (!found) throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this record number or id. Check it, or use: onechart patient search');
  return found;
}

async function findById(patients: PatientRepository, id: string): Promise<Patient | undefined> {
  try {
    return await patients.findById(id);
  } catch (error) {
    // What cannot be an id here was meant as a number.
    if (error instanceof AppError && error.code === 'VALUE_MALFORMED') return undefined;
    throw error;
  }
}

function show(patient: Patient, options: CommonOptions, io: CliIo): void {
  if (options.json) return printJson(io, patient);
  for (const [name, value] of Object.entries(patient)) if (value !== null && value !== false) print(io, `${name.padEnd(16)}${value}`);
}

function showPage(page: Page<Patient>, options: CommonOptions, io: CliIo): void {
  if (options.json) return printJson(io, page);
  for (const patient of page.items)
    print(
      io,
      [
        patient.mrn.padEnd(16),
        (patient.dateOfBirth ?? 'unknown').padEnd(10),
        patient.status.padEnd(8),
        [patient.lastName, patient.firstName].filter(Boolean).join(', '),
      ].join('  '),
    );
  if (page.items.length === 0) note(io, 'No patient fits.');
  if (page.nextCursor !== null) note(io, `There are more: --cursor ${page.nextCursor}`);
}
