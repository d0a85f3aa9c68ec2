import type { ChartParts, PartName } from './chart-part.store.ts';
import { patientColumns } from './patient-columns.ts';
import type { Patient } from './patient.schema.ts';

/** A chart with its parts. */
export interface WholeChart {
  readonly patient: Patient;
  readonly parts: { readonly [Part in PartName]: readonly ChartParts[Part][] };
}

/** A row of the trail, as far as it tells of a change. */
export interface RecordedChange {
  readonly action: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Whether a row of the trail tells of a change after a moment: a part says itself when it was changed, a little before its row was written. */
export function isAfter(change: RecordedChange & { readonly occurredAt: Date | string }, at: Date): boolean {
  const own = fieldsOf(change.after)?.updatedAt;
  return new Date(typeof own === 'string' ? own : change.occurredAt) > at;
}

/** How the actions of the trail call the parts. */
export const partWords = {
  contact: 'contact',
  document: 'document',
  allergy: 'allergy',
  'risk-flag': 'riskFlag',
  name: 'name',
  address: 'address',
  telecom: 'telecom',
  identifier: 'identifier',
} as const satisfies Record<string, PartName>;

type Fields = Readonly<Record<string, unknown>>;
const partAction = new RegExp(`^patient\\.(${Object.keys(partWords).join('|')})-`);
const ownFields: ReadonlySet<string> = new Set(patientColumns);

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/**
 * The chart as it stood before these changes, the latest first: each is taken back with what the trail says was there.
 */
export function takeBack(present: WholeChart, changes: readonly RecordedChange[]): WholeChart {
  let patient: Record<string, unknown> = { ...present.patient };
  const parts = new Map<PartName, Map<string, Fields>>(
    (Object.keys(present.parts) as PartName[]).map((part) => [part, new Map(present.parts[part].map((row) => [row.id, row]))]),
  );
  for (const { action, before: told, after } of changes) {
    const before = fieldsOf(told);
    const word = partAction.exec(action)?.[1] as keyof typeof partWords | undefined;
    if (word === undefined) {
      if (before) patient = { ...patient, ...Object.fromEntries(Object.entries(before).filter(([field]) => ownFields.has(field))) };
      continue;
    }
    const rows = parts.get(partWords[word]);
    const id = before?.id ?? fieldsOf(after)?.id;
    if (!rows || typeof id !== 'string') continue;
    if (before) rows.set(id, before);
    else rows.delete(id);
  }
  return {
    patient: patient as unknown as Patient,
    parts: Object.fromEntries([...parts].map(([part, rows]) => [part, inOrder(part, [...rows.values()])])) as unknown as WholeChart['parts'],
  };
}

/** As lists of the chart are ordered. */
const order: Readonly<Record<PartName, string>> = {
  contact: 'priority',
  document: 'documentType',
  allergy: 'active',
  riskFlag: 'active',
  name: 'use',
  address: 'use',
  telecom: 'system',
  identifier: 'type',
};

function inOrder(part: PartName, rows: Fields[]): Fields[] {
  const key = order[part];
  return rows.sort((one, other) => compare(one[key], other[key]) || compare(one.id, other.id));
}

function compare(one: unknown, other: unknown): number {
  if (one === other) return 0;
  return (one as string | number | boolean) < (other as string | number | boolean) ? -1 : 1;
}
