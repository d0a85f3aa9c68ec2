import { mm, paper, type PaperOptions } from '../paper/paper.ts';
import { fitsCode128 } from '../paper/barcode.ts';
import { plainDateIn } from '../base/plain-date.ts';
import type { PatientAddress } from '../patient/address.schema.ts';
import type { PatientIdentifier } from '../identifier/identifier.schema.ts';
import type { PatientName } from '../patient/name.schema.ts';
import type { Allergy, Contact, Patient, RiskFlag } from '../patient/patient.schema.ts';
import type { PatientTelecom } from '../patient/telecom.schema.ts';

/** What stands on a face sheet. Undefined lists are those that the caller may not see, which the sheet says. */
export interface FaceSheet {
  readonly patient: Patient;
  readonly names: readonly PatientName[];
  readonly addresses: readonly PatientAddress[];
  readonly telecoms: readonly PatientTelecom[];
  readonly identifiers: readonly PatientIdentifier[];
  readonly contacts: readonly Contact[];
  readonly allergies: readonly Allergy[] | undefined;
  readonly riskFlags: readonly RiskFlag[] | undefined;
  /** The chart that is used instead of this one. */
  readonly mergedInto: Patient | undefined;
}

export interface Printing {
  readonly now: Date;
  /** Who prints it. */
  readonly by: string;
  readonly timeZone: string;
  readonly paper: Pick<PaperOptions, 'size' | 'fonts'>;
}

/** The longest MRN whose bars stay readable beside the name. */
const longestBarcode = 22;
const none = '\u2013';

/** The pages of a face sheet: the most important above, everything on one page for most patients. */
export async function printFaceSheet(sheet: FaceSheet, { now, by, timeZone, paper: settings }: Printing): Promise<Buffer> {
  const { patient } = sheet;
  const today = plainDateIn(now, timeZone);
  const name = fullName(patient);
  const page = await paper({
    title: 'Face sheet',
    now,
    ...settings,
    head: `${name}  \u00B7  ${numberOf(patient)}  \u00B7  born ${patient.dateOfBirth ?? 'unknown'}`,
    foot: `Printed ${timeIn(now, timeZone)} (${timeZone}) by ${by}`,
  });
  const bars = fitsCode128(patient.mrn) && patient.mrn.length <= longestBarcode;
  await page.barcode(patient.mrn, bars ? { beside: true } : { beside: true, kind: 'qr' });
  page.text(name, { size: 20, bold: true });
  for (const other of sheet.names.filter(({ periodEnd }) => periodEnd === null || periodEnd > today)) {
    page.text(`${words(other.use)}${other.script === null ? '' : ` (${other.script})`}: ${fullName(other)}`, { size: 11 });
  }
  page.text(numberOf(patient), { size: 13, bold: true });
  page.space(4);
  for (const [title, lines] of warningsOf(sheet, timeZone)) page.notice(title, lines);
  page.fields([
    ['Date of birth', birthOf(patient, today)],
    ['Sex', patient.gender === null ? null : words(patient.gender)],
    ['Blood type', patient.hidden?.includes('bloodType') ? 'Not shown to this role' : patient.bloodType],
    ['Language', languageOf(patient.preferredLanguage)],
    ['Status', words(patient.status)],
    ...(patient.birthOrder === null ? [] : [['Birth', `${patient.birthOrder} of ${patient.multipleBirthCount ?? '?'}`] as const]),
  ]);
  page.notice('Allergies', linesOf(sheet.allergies, allergyLine));
  page.notice('Risk flags', linesOf(sheet.riskFlags, riskLine));
  page.heading('How to reach the patient');
  const current = <Row extends { periodEnd: string | null }>(rows: readonly Row[]) => rows.filter(({ periodEnd }) => periodEnd === null || periodEnd > today);
  page.fields([
    ['Telephone', patient.phone],
    ['Second telephone', patient.phoneSecondary],
    ['E-mail', patient.email],
    ...current(sheet.telecoms).map((each) => [`${words(each.system)}, ${words(each.use).toLowerCase()}`, each.value] as const),
  ]);
  page.fields(
    [['Address', addressOf(patient)], ...current(sheet.addresses).map((each) => [`Address, ${words(each.use).toLowerCase()}`, addressOf(each)] as const)],
    { columns: 1 },
  );
  page.heading('Whom to call');
  if (sheet.contacts.length === 0) page.text('None recorded.');
  else {
    await page.table(
      [
        { title: 'Name', share: 3 },
        { title: 'Relationship', share: 2 },
        { title: 'Telephone', share: 2 },
        { title: 'E-mail', share: 3 },
        { title: 'Role', share: 2 },
      ],
      sheet.contacts.map((contact) => [
        `${contact.firstName} ${contact.lastName}`,
        words(contact.relationship),
        contact.phone ?? none,
        contact.email ?? none,
        [contact.isEmergencyContact ? 'emergency' : '', contact.isNextOfKin ? 'next of kin' : ''].filter(Boolean).join(', ') || none,
      ]),
    );
  }
  page.heading('Numbers');
  const numbers = current(sheet.identifiers);
  if (numbers.length === 0) page.text('None beside the MRN.');
  else {
    await page.table(
      [
        { title: 'Type', share: 1 },
        { title: 'Number', share: 3 },
        { title: 'Authority', share: 3 },
        { title: 'Seen', share: 1 },
      ],
      numbers.map(({ type, value, authorityCode, system, isVerified }) => [type, value, authorityCode ?? system ?? none, isVerified ? 'verified' : none]),
    );
  }
  page.space(mm(2));
  return page.pdf();
}

/** `MRN 4711`; a number that says so itself is left alone. */
function numberOf({ mrn }: Patient): string {
  return mrn.startsWith('MRN') ? mrn : `MRN ${mrn}`;
}

/** In these scripts the family name stands first without a comma. */
const familyFirst = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function fullName({ firstName, middleName, lastName }: { firstName: string | null; middleName: string | null; lastName: string }): string {
  const given = [firstName, middleName].filter(Boolean).join(' ');
  if (given === '') return lastName;
  return familyFirst.test(lastName) ? `${lastName} ${given}` : `${lastName}, ${given}`;
}

/** What must be known before anything else is read. */
function warningsOf({ patient, mergedInto }: FaceSheet, timeZone: string): (readonly [string, readonly string[]])[] {
  const all: (readonly [string, readonly string[]])[] = [];
  if (patient.mergedInto !== null) {
    // What leads from here to a restricted chart was asked for by the gate already: a grant for this one holds for that.
    all.push(['This chart was merged into another one', [`Use MRN ${mergedInto?.mrn ?? none}.`]]);
  }
  if (patient.restricted) all.push(['Restricted chart', ['Show this sheet to nobody who is not treating the patient.']]);
  if (patient.identityStatus !== null && patient.identityStatus !== 'KNOWN')
    all.push(['Identity not known', ['The name on this sheet was given by the registry.']]);
  if (patient.deceased) all.push(['Deceased', [patient.deceasedAt === null ? 'Time not known.' : timeIn(new Date(patient.deceasedAt), timeZone)]]);
  if (patient.archived) all.push(['Archived chart', ['It takes no changes.']]);
  return all;
}

function linesOf<Row>(rows: readonly Row[] | undefined, line: (row: Row) => string): string[] {
  if (rows === undefined) return ['Not shown to this role. Ask somebody with access to the whole chart before treatment.'];
  return rows.length === 0 ? ['None recorded. This does not mean that there are none.'] : rows.toSorted(bySeverity).map(line);
}

const ranks: readonly string[] = ['CRITICAL', 'LIFE_THREATENING', 'HIGH', 'SEVERE', 'MEDIUM', 'MODERATE', 'LOW', 'MILD'];
const bySeverity = (a: unknown, b: unknown) => rankOf(a) - rankOf(b);
const rankOf = (row: unknown) => ranks.indexOf((row as { severity: string }).severity);

function allergyLine({ allergen, severity, reaction }: Allergy): string {
  return `${allergen} ${none} ${words(severity)}${reaction === null ? '' : `: ${reaction}`}`;
}

function riskLine({ flagType, severity, description }: RiskFlag): string {
  return `${words(flagType)} ${none} ${words(severity)}${description === null ? '' : `: ${description}`}`;
}

function addressOf(address: Pick<Patient, 'addressLine1' | 'addressLine2' | 'city' | 'state' | 'zipCode' | 'country'>): string | null {
  const { addressLine1, addressLine2, city, state, zipCode, country } = address;
  const town = [zipCode, city].filter(Boolean).join(' ');
  return [addressLine1, addressLine2, town, state, country].filter(Boolean).join(', ') || null;
}

/** The date with what is known of it, and the age today or at death. */
function birthOf(patient: Patient, today: string): string | null {
  const { dateOfBirth, dateOfBirthPrecision, deceased, deceasedAt } = patient;
  if (dateOfBirth === null) return null;
  const shown = { MONTH: dateOfBirth.slice(0, 7), YEAR: dateOfBirth.slice(0, 4), ESTIMATED: `about ${dateOfBirth.slice(0, 4)}` };
  const date = dateOfBirthPrecision === null || dateOfBirthPrecision === 'DAY' ? dateOfBirth : shown[dateOfBirthPrecision];
  if (deceased && deceasedAt === null) return date;
  const age = ageAt(dateOfBirth, deceased && deceasedAt !== null ? deceasedAt.slice(0, 10) : today);
  return `${date} (${dateOfBirthPrecision === null || dateOfBirthPrecision === 'DAY' ? '' : 'about '}${age}${deceased ? ' at death' : ''})`;
}

/** Days up to four weeks, months up to two years, then years: as ages are said of children. */
export function ageAt(birth: string, day: string): string {
  const [fromYear = 0, fromMonth = 1, fromDay = 1] = birth.split('-').map(Number);
  const [toYear = 0, toMonth = 1, toDay = 1] = day.split('-').map(Number);
  const days = Math.round((Date.UTC(toYear, toMonth - 1, toDay) - Date.UTC(fromYear, fromMonth - 1, fromDay)) / 86_400_000);
  if (days < 28) return several(Math.max(0, days), 'day');
  const months = (toYear - fromYear) * 12 + toMonth - fromMonth - (toDay < fromDay ? 1 : 0);
  return months < 24 ? several(months, 'month') : several(Math.floor(months / 12), 'year');
}

const several = (number: number, unit: string) => `${number} ${unit}${number === 1 ? '' : 's'}`;

/** LIFE_THREATENING as a person reads it. */
function words(code: string): string {
  if (!/^[A-Z0-9_]+$/.test(code)) return code;
  const text = code.replaceAll('_', ' ').toLowerCase();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function languageOf(tag: string | null): string | null {
  if (tag === null) return null;
  return `${new Intl.DisplayNames('en', { type: 'language' }).of(tag) ?? tag} (${tag})`;
}

function timeIn(instant: Date, timeZone: string): string {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(instant);
  return `${plainDateIn(instant, timeZone)} ${time}`;
}
