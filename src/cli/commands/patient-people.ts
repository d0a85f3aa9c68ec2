import type { Command } from 'commander';
import type { IdentifierAuthorityInput } from '../../identifier/identifier.schema.ts';
import type { IdentifyInput, NewNewborn, NewUnidentified, PlaceholderList } from '../../patient/identity.schema.ts';
import type { NewName } from '../../patient/name.schema.ts';
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

const key = ['<mrn-or-id>', 'record number or id'] as const;

/** Names, numbers and temporary identities. */
export function addPeopleCommands(patient: Command, io: CliIo): void {
  addCommonOptions(patient.command('unidentified'))
    .description('register a patient whom nobody knows yet, under a temporary name')
    .option('--gender <gender>', 'MALE, FEMALE, OTHER or UNKNOWN')
    .option('--estimated-age <years>', 'age as somebody judged it')
    .option('--first-name <name>', 'temporary given name (default: gender and time)')
    .option('--last-name <name>', 'temporary family name (default: Unknown)')
    .option('--input <file>', 'read the fields as a JSON object from a file, or from standard input with -; flags win')
    .action(async (options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: ['gender', 'estimatedAge', 'firstName', 'lastName'] });
      await withRepository(options, io, async (patients) => show(await patients.registerUnidentified(input as NewUnidentified), options, io));
    });

  addInputOptions(addCommonOptions(patient.command('newborn')))
    .description('register a newborn under its mother; without a first name it gets a temporary one')
    .argument('<mother>', "record number or id of the mother's chart")
    .action(async (mother: string, options: CommonOptions & FieldOptions) => {
      const input = await gatherInput(options, { io, names: Object.keys(fields).filter((name) => name !== 'motherId') });
      await withRepository(options, io, async (patients) => {
        const { id: motherId } = await getPatient(patients, mother);
        show(await patients.registerNewborn({ ...input, motherId } as NewNewborn), options, io);
      });
    });

  addInputOptions(addCommonOptions(patient.command('identify')))
    .description('give an unidentified patient or an unnamed newborn the real identity; chart and record number stay')
    .argument(...key)
    .action(async (which: string, options: CommonOptions & FieldOptions) => {
      const notHere = new Set(['motherId', 'birthOrder', 'multipleBirthCount']);
      const input = await gatherInput(options, { io, names: Object.keys(fields).filter((name) => !notHere.has(name)) });
      await withRepository(options, io, async (patients) => {
        const found = await getPatient(patients, which);
        show(await patients.identify(found.id, { version: found.version, ...input } as IdentifyInput), options, io);
      });
    });

  addCommonOptions(patient.command('waiting'))
    .description('list the charts that wait for their person: unidentified patients, unnamed newborns, adopted ids; oldest first')
    .option('--origin <origin>', 'UNIDENTIFIED, NEWBORN or ORPHAN')
    .option('--limit <count>', 'at most so many (1 to 200)', '50')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (options: CommonOptions & FieldOptions) => {
      const filter = { ...pick(options, ['origin', 'cursor']), limit: Number(options.limit) } as PlaceholderList;
      await withRepository(options, io, async (patients) => {
        const page = await patients.listPlaceholders(filter);
        if (options.json) return printJson(io, page);
        for (const { mrn, origin, createdAt } of page.items) print(io, [(mrn ?? '').padEnd(16), origin.padEnd(12), createdAt].join('  '));
        if (page.items.length === 0) note(io, 'No chart waits.');
        if (page.nextCursor !== null) note(io, `There are more: --cursor ${page.nextCursor}`);
      });
    });

  addCommonOptions(patient.command('names'))
    .description('show every name of a patient, the official one first')
    .argument(...key)
    .action(async (which: string, options: CommonOptions) => {
      await withRepository(options, io, async (patients) => {
        const names = await patients.listNames((await getPatient(patients, which)).id);
        if (options.json) return printJson(io, names);
        for (const name of names) {
          const whole = [name.lastName, [name.firstName, name.middleName].filter(Boolean).join(' ')].filter(Boolean).join(', ');
          print(io, [name.use.padEnd(14), period(name).padEnd(23), whole].join('  '));
        }
      });
    });

  addCommonOptions(patient.command('add-name'))
    .description('add a name beside the official one')
    .argument(...key)
    .requiredOption('--use <use>', 'FORMER, MAIDEN, ALIAS, NICKNAME, TRANSCRIPTION or TEMPORARY')
    .option('--first-name <name>', 'given name')
    .option('--middle-name <name>', 'middle name')
    .requiredOption('--last-name <name>', 'family name, or the single name')
    .option('--script <code>', 'script of a transcription as in ISO 15924, such as Cyrl')
    .option('--language <tag>', 'language of the name, such as sw')
    .option('--period-start <date>', 'first day on which it held')
    .option('--period-end <date>', 'day from which it no longer holds')
    .action(async (which: string, options: CommonOptions & FieldOptions) => {
      const input = pick(options, ['use', 'firstName', 'middleName', 'lastName', 'script', 'language', 'periodStart', 'periodEnd']);
      await withRepository(options, io, async (patients) => {
        const added = await patients.addName((await getPatient(patients, which)).id, input as NewName);
        if (options.json) return printJson(io, added);
        note(io, `Added ${added.use} ${added.id}.`);
      });
    });

  addCommonOptions(patient.command('identifiers'))
    .description('show every number of a patient, the MRN first')
    .argument(...key)
    .action(async (which: string, options: CommonOptions) => {
      await withRepository(options, io, async (patients) => {
        const identifiers = await patients.listIdentifiers((await getPatient(patients, which)).id);
        if (options.json) return printJson(io, identifiers);
        for (const each of identifiers) {
          const issuer = each.authorityCode ?? each.system ?? '';
          print(
            io,
            [each.type.padEnd(6), each.value.padEnd(24), issuer.padEnd(16), period(each).padEnd(23), each.isVerified ? 'verified' : ''].join('  ').trimEnd(),
          );
        }
      });
    });

  addCommonOptions(patient.command('add-identifier'))
    .description('add a number that another authority gave to the patient; it must fit the authority and be free')
    .argument(...key)
    .requiredOption('--value <number>', 'the number; blanks do not matter')
    .option('--authority <code>', 'who gave it out, where that authority is kept here')
    .option('--system <uri>', 'URI of the number system')
    .option('--type <code>', 'type of HL7 table 0203, such as NI, PPN, DL or HC, where no authority says it')
    .option('--period-start <date>', 'first day on which it is valid')
    .option('--period-end <date>', 'day from which it no longer is')
    .action(async (which: string, options: CommonOptions & FieldOptions) => {
      const { authority, ...others } = pick(options, ['authority', 'value', 'system', 'type', 'periodStart', 'periodEnd']);
      const input = authority === undefined ? others : { ...others, authorityCode: authority };
      await withRepository(options, io, async (patients) => {
        const added = await patients.addIdentifier((await getPatient(patients, which)).id, input as { value: string });
        if (options.json) return printJson(io, added);
        note(io, `Added ${added.type} ${added.id}.`);
      });
    });

  addCommonOptions(patient.command('authorities'))
    .description('list who gives out numbers by which patients are known elsewhere')
    .action(async (options: CommonOptions) => {
      await withRepository(options, io, async (patients) => {
        const authorities = await patients.listIdentifierAuthorities();
        if (options.json) return printJson(io, authorities);
        for (const { code, type, name, pattern, checkDigit, active } of authorities)
          print(
            io,
            [code.padEnd(16), type.padEnd(6), name.padEnd(32), pattern ?? '', checkDigit === 'none' ? '' : checkDigit, active ? '' : 'closed']
              .filter(Boolean)
              .join('  '),
          );
        if (authorities.length === 0) note(io, 'No authority is kept here. Define one with: onechart patient authority');
      });
    });

  addCommonOptions(patient.command('authority'))
    .description('say what the numbers of an authority look like; makes it or describes it anew')
    .argument('<code>', 'short code, such as NHIF')
    .requiredOption('--name <name>', 'name in full')
    .requiredOption('--type <code>', 'type of its numbers as in HL7 table 0203, such as NI')
    .option('--system-uri <uri>', 'URI of the number system, as FHIR calls it')
    .option('--pattern <expression>', 'regular expression that a whole number fits')
    .option('--check-digit <scheme>', 'none, luhn-mod-10, luhn-mod-36, verhoeff, iso7064-mod11-10, iso7064-mod37-36, iso7064-mod97-10 or mod-11')
    .option('--shared', 'several patients may have one number')
    .option('--closed', 'no numbers are added any more')
    .action(async (code: string, options: CommonOptions & FieldOptions) => {
      const input = { ...pick(options, ['name', 'type', 'systemUri', 'pattern', 'checkDigit', 'shared']), active: options.closed !== true };
      await withRepository(options, io, async (patients) => printJson(io, await patients.defineIdentifierAuthority(code, input as IdentifierAuthorityInput)));
    });
}

function period({ periodStart, periodEnd }: { periodStart: string | null; periodEnd: string | null }): string {
  if (periodStart === null && periodEnd === null) return '';
  return `${periodStart ?? '?'} to ${periodEnd ?? 'now'}`;
}
