import { NewIdentifier } from '../identifier/identifier.schema.ts';
import { NewAddress } from '../patient/address.schema.ts';
import { NewName } from '../patient/name.schema.ts';
import { NewContact, NewPatient } from '../patient/patient.schema.ts';
import { NewTelecom } from '../patient/telecom.schema.ts';
import { baseFormat } from './export.schema.ts';

/** How a line of an export of the base becomes a row of an import into another registry. Pure. */

type Fields = Readonly<Record<string, unknown>>;

/** Lines around the charts: the first, the last, and those of charts that the caller was not shown. They are no rows. */
export function isFrameLine(line: string): boolean {
  return line.startsWith(`{"type":"head","format":"${baseFormat}"`) || /^\{"type":"(?:end|masked)",/.test(line);
}

export interface ImportableChart {
  readonly row: Fields;
  /** What the chart holds that an import does not carry. With any of them the row has to be refused, or it would be lost without a word. */
  readonly lost: readonly string[];
}

const own = Object.keys(NewPatient.shape).filter((field) => field !== 'estimatedAge');
const parts = {
  names: Object.keys(NewName.shape),
  addresses: Object.keys(NewAddress.shape),
  telecoms: Object.keys(NewTelecom.shape),
  identifiers: Object.keys(NewIdentifier.shape),
  contacts: Object.keys(NewContact.shape),
} as const;
const uncarried = ['documents', 'allergies', 'riskFlags'] as const;

/** The row of a chart; undefined for what is no line of an export. Ids, times and verifications stay behind: they are those of the other registry. */
export function importableChart(line: Fields): ImportableChart | undefined {
  if (line.type !== 'chart') return undefined;
  const lost = [
    ...uncarried.filter((part) => Array.isArray(line[part]) && line[part].length > 0),
    ...(['restricted', 'archived'] as const).filter((flag) => line[flag] === true),
    ...(typeof line.mergedInto === 'string' ? ['mergedInto'] : []),
    ...(line.status === 'INACTIVE' ? ['status'] : []),
    ...(typeof line.identityStatus === 'string' && line.identityStatus !== 'KNOWN' ? ['identityStatus'] : []),
  ];
  const lists = Object.entries(parts).flatMap(([part, fields]) => {
    const rows = Array.isArray(line[part]) ? (line[part] as Fields[]) : [];
    return rows.length === 0 ? [] : [[part, rows.map((row) => pick(row, fields))] as const];
  });
  const death = line.deceased === true ? { deceased: true, deceasedAt: line.deceasedAt ?? null } : {};
  return { row: { ...pick(line, own), ...death, ...Object.fromEntries(lists) }, lost };
}

function pick(row: Fields, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.flatMap((field) => (row[field] === undefined || row[field] === null ? [] : [[field, row[field]]])));
}
