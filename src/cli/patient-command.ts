import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { toDatabaseUrl } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { type Actor, openRegistry, type Patient, type PatientRepository } from '../index.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from './database.ts';
import { type CliIo, print, printJson } from './io.ts';

// What the commands about patients share: their flags, the registry they work on, how a patient is found and shown.

export interface CommonOptions extends DatabaseOptions {
  readonly json?: boolean;
  readonly timeZone?: string;
  readonly defaultCountry?: string;
  readonly actor?: string;
  readonly reason?: string;
}

export type FieldOptions = Readonly<Record<string, unknown>>;

/** Demographics as flags: the option's name and what it means. The schema checks the values, on every face alike. */
export const fields = {
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
  dateOfBirthPrecision: 'DAY, MONTH, YEAR or ESTIMATED: how exact the date of birth is',
  preferredLanguage: 'language to speak with the patient, such as sw or fr-CA',
  motherId: "id of the mother's chart",
  birthOrder: 'which of several born together: 1 is the first',
  multipleBirthCount: 'how many were born together: 2 for twins',
} as const;

/** Flags that hold a number. */
const numbers = new Set(['birthOrder', 'multipleBirthCount', 'estimatedAge']);

export function addCommonOptions(command: Command): Command {
  return addDatabaseOptions(command)
    .option('--time-zone <zone>', 'time zone of the facility, such as Africa/Nairobi (default: UTC)')
    .option('--default-country <code>', 'country of telephone numbers without a country code, such as KE')
    .option('--actor <user-id>', 'the user who acts, for the audit trail (default: the service "command line")')
    .option('--reason <text>', 'why, for the audit trail');
}

export function addInputOptions(command: Command): Command {
  for (const [name, meaning] of Object.entries(fields)) command.option(`--${kebab(name)} <value>`, meaning);
  return command.option('--input <file>', 'read the fields as a JSON object from a file, or from standard input with -; flags win');
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z0-9]+/g, (part) => `-${part.toLowerCase()}`);
}

/** The fields of the JSON document and the flags. `null` on the command line means that a value is not known. */
export async function gatherInput(options: FieldOptions, { io, names }: { io: CliIo; names: readonly string[] }): Promise<Record<string, unknown>> {
  const fromFile = typeof options.input === 'string' ? await readJson(options.input, io) : {};
  const fromFlags = Object.fromEntries(Object.entries(pick(options, names)).map(([name, value]) => [name, readFlag(name, value)]));
  return { ...fromFile, ...fromFlags };
}

function readFlag(name: string, value: unknown): unknown {
  if (value === 'null') return null;
  // What is no number stays text, so that the schema refuses it by name.
  return numbers.has(name) && typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
}

export function pick(options: FieldOptions, names: readonly string[]): Record<string, unknown> {
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

export async function withRepository(options: CommonOptions, io: CliIo, work: (patients: PatientRepository) => Promise<void>): Promise<void> {
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
export async function getPatient(patients: PatientRepository, key: string): Promise<Patient> {
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

export function show(patient: Patient, options: CommonOptions, io: CliIo): void {
  if (options.json) return printJson(io, patient);
  for (const [name, value] of Object.entries(patient))
    if (value !== null && value !== undefined && value !== false) print(io, `${name.padEnd(22)}${String(value)}`);
}
