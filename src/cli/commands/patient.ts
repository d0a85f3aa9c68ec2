import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { Patient } from '../../index.ts';
import type { NewPatient, Page, PatientChanges, PatientSearch } from '../../patient/patient.schema.ts';
import { type CliIo, note, print, printJson } from '../io.ts';
import {
  addCommonOptions,
  addInputOptions,
  type CommonOptions,
  type FieldOptions,
  fields,
  gatherInput,
  getPatient,
  pick,
  show,
  withRepository,
} from '../patient-command.ts';
import { addPeopleCommands } from './patient-people.ts';

export function addPatientCommands(program: Command, io: CliIo): void {
  const patient = program.command('patient').description('patients: register, look up, search, change');

  addInputOptions(addCommonOptions(patient.command('create')))
    .description('register a patient and issue the record number (MRN)')
    .option('--mrn <number>', "the host's own number, kept as it is")
    .option('--id <id>', 'an id the host has used for this patient already')
    .option('--estimated-age <years>', 'age as somebody judged it; becomes an estimated date of birth')
    .action(async (options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: ['id', 'mrn', 'estimatedAge', ...Object.keys(fields)] });
      await withRepository(options, io, async (patients) => show(await patients.create(input as NewPatient), options, io));
    });

  addCommonOptions(patient.command('get'))
    .description('show one patient by MRN or id; an MRN leads through merges to the chart that is in use')
    .argument('<mrn-or-id>', 'record number or id')
    .action(async (key: string, options: CommonOptions) => {
      await withRepository(options, io, async (patients) => show(await getPatient(patients, key), options, io));
    });

  addCommonOptions(patient.command('search'))
    .description('search patients by what is typed: names in any order, parts of names, a date of birth, numbers; or by single criteria, which are combined')
    .argument('[typed...]', 'names, date of birth, record number, last digits of a telephone number, any identifier')
    .option('--status <status>', 'ACTIVE, INACTIVE, DECEASED or ARCHIVED; with typed text')
    .option('--deceased', 'only those who have died; with typed text')
    .option('--gender <gender>', 'MALE, FEMALE, OTHER or UNKNOWN; with typed text')
    .option('--born-from <year>', 'born in this year or later; with typed text')
    .option('--born-to <year>', 'born in this year or earlier; with typed text')
    .option('--include-merged', 'merged charts themselves, not the charts they lead to; with typed text')
    .option('--last-name <name>', 'beginning of the family name')
    .option('--first-name <name>', 'beginning of the given name')
    .option('--date-of-birth <date>', 'YYYY-MM-DD')
    .option('--phone <number>', 'telephone number of the patient')
    .option('--contact-phone <number>', "telephone number of a patient's contact")
    .option('--email <address>', 'e-mail address')
    .option('--mrn <number>', 'record number')
    .option('--document-number <number>', 'number of a document')
    .option('--identifier-value <number>', 'number of another authority')
    .option('--include-other', 'also by names, telephone numbers and e-mail addresses of earlier and beside')
    .option('--include-archived', 'archived charts too')
    .option('--limit <count>', 'at most so many (1 to 200)', '50')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (typed: string[], options: CommonOptions & FieldOptions) => {
      const names = [
        'lastName',
        'firstName',
        'dateOfBirth',
        'phone',
        'contactPhone',
        'email',
        'mrn',
        'documentNumber',
        'identifierValue',
        'includeOther',
        'includeArchived',
        'cursor',
      ];
      const filters = pick(options, ['status', 'deceased', 'gender', 'bornFrom', 'bornTo', 'includeMerged']);
      for (const name of ['bornFrom', 'bornTo']) if (filters[name] !== undefined) filters[name] = Number(filters[name]);
      const criteria = { ...pick(options, names), ...filters, ...(typed.length === 0 ? {} : { q: typed.join(' ') }), limit: Number(options.limit) };
      await withRepository(options, io, async (patients) => showPage(await patients.search(criteria as PatientSearch), options, io));
    });

  addInputOptions(addCommonOptions(patient.command('update')))
    .description('change demographics; the version is the one that was read, so that nobody overwrites a change unseen')
    .argument('<mrn-or-id>', 'record number or id')
    .option('--expect-version <version>', 'the version that was read')
    .option('--estimated-age <years>', 'age as somebody judged it; becomes an estimated date of birth')
    .option('--correction', 'what stood there was a mistake, so it is not kept as an earlier name, address or number')
    .action(async (key: string, options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: ['estimatedAge', 'correction', ...Object.keys(fields)] });
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

  addPeopleCommands(patient, io);
}

function showPage(page: Page<Patient>, options: CommonOptions, io: CliIo): void {
  if (options.json) return printJson(io, page);
  for (const [at, patient] of page.items.entries()) {
    const match = page.matches?.[at];
    print(
      io,
      [
        patient.mrn.padEnd(16),
        (patient.dateOfBirth ?? 'unknown').padEnd(10),
        patient.status.padEnd(8),
        [patient.lastName, patient.firstName].filter(Boolean).join(', '),
        ...(match ? [`${((match.score ?? 0) * 100).toFixed(0)} %: ${match.reasons.map(({ text }) => text).join('; ')}`] : []),
      ].join('  '),
    );
  }
  if (page.more) note(io, 'There are more. Type more to see them.');
  if (page.items.length === 0) note(io, 'No patient fits.');
  if (page.nextCursor !== null) note(io, `There are more: --cursor ${page.nextCursor}`);
}
