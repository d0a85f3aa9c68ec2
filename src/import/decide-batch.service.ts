import { AppError } from '../base/errors.ts';
import type { Db } from '../db/context.ts';
import type { CheckedIdentifier, CheckedRow } from './check-row.ts';
import { columnOf } from './check-row.ts';
import { type Comparable, duplicateKeys, reasonOfKey } from './duplicate-keys.ts';
import type { DuplicateHandling } from './import.schema.ts';
import { findExistingIds, findLookalikes, findMisfits, findOrigins, findTakenMrns, findTakenNumbers } from './import.store.ts';
import type { KeySet } from './key-set.ts';
import type { ReadRow, RowProblem } from './read-row.ts';
import type { FoundDuplicate } from './report-lines.ts';
import type { SourceBatch, SourceRow } from './source.service.ts';

export interface AcceptedRow {
  readonly source: SourceRow;
  readonly row: CheckedRow;
  readonly duplicates: readonly FoundDuplicate[];
}

/** What becomes of the rows of a batch. */
export interface DecidedBatch {
  readonly accepted: readonly AcceptedRow[];
  readonly rejected: readonly { readonly source: SourceRow; readonly problems: readonly RowProblem[]; readonly duplicates: readonly FoundDuplicate[] }[];
  readonly skipped: readonly { readonly source: SourceRow; readonly duplicates: readonly FoundDuplicate[] }[];
  /** What later rows are compared with, once this batch is written. */
  readonly keys: readonly { readonly key: string; readonly line: number }[];
}

export interface Decisions {
  /** Keys of the base (line 0) and of the rows before. */
  readonly seen: KeySet;
  /** Words of names that are written already. */
  readonly words: Set<string>;
  /** Instants of the batches that this process has written lately. */
  readonly madeAt: Date[];
  readonly duplicates: DuplicateHandling;
  readonly uuids: boolean;
  readonly runId: string;
  readonly read: (fields: readonly string[]) => ReadRow;
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** UUIDs are the same in upper and lower case; other ids are not. */
function idKey(id: string, uuids: boolean): string {
  return `k|${uuids ? id.toLowerCase() : id}`;
}

/** What two rows cannot both have: record numbers, ids, numbers of authorities that give each to one person. */
function exclusiveKeys(row: CheckedRow, uuids: boolean): string[] {
  return [
    ...(row.mrn === undefined ? [] : [`m|${row.mrn}`]),
    ...(row.id === undefined ? [] : [idKey(row.id, uuids)]),
    ...row.identifiers.flatMap((each) => (each.mayRepeat ? [] : [`i|${numberName(each)}`])),
  ];
}

/** The name under which a number is locked, as a registration desk locks it. */
export function numberName(number: CheckedIdentifier): string {
  return `${number.authorityCode ?? number.system ?? ''} ${number.type} ${number.value}`;
}

/** Decides about a batch: what is taken, what may be a duplicate, what is refused. Reads only. */
export async function decideBatch(db: Db, batch: SourceBatch, options: Decisions): Promise<DecidedBatch> {
  const rows = batch.rows.flatMap((source) => (source.checked ? [{ source, row: source.checked }] : []));
  const numbers = rows.flatMap(({ row }, place) => row.identifiers.map((number, index) => ({ place, number, index })));
  const patterned = numbers.flatMap((each) => (each.number.pattern === null ? [] : [{ ...each, value: each.number.value, pattern: each.number.pattern }]));
  const compared = numbers.filter(({ number }) => !number.mayRepeat);
  const takenMrns = await findTakenMrns(
    db,
    rows.flatMap(({ row }) => row.mrn ?? []),
  );
  const misfits = await findMisfits(db, patterned);
  const takenNumbers = await findTakenNumbers(
    db,
    compared.map(({ number }) => number),
  );
  const misfitsAt = group(patterned.filter((_each, index) => misfits.has(index)));
  const takenAt = group(compared.map((each, index) => ({ ...each, patientId: takenNumbers.get(index) })));
  const ids = rows.flatMap(({ row }) => [row.id, row.chart.motherId]).filter((id) => typeof id === 'string' && (!options.uuids || uuid.test(id))) as string[];
  const existing = await findExistingIds(db, ids);
  const lookalikes = await findHits(db, rows, options);

  const accepted: AcceptedRow[] = [];
  const rejected: { source: SourceRow; problems: readonly RowProblem[]; duplicates: readonly FoundDuplicate[] }[] = [];
  const skipped: { source: SourceRow; duplicates: readonly FoundDuplicate[] }[] = [];
  const keys: { key: string; line: number }[] = [];
  const here = new Map<string, number>();
  const lineOf = (key: string): number | undefined => {
    const line = here.get(key) ?? options.seen.get(key);
    return line === 0 ? undefined : line;
  };
  let place = -1;
  for (const source of batch.rows) {
    const row = source.checked;
    if (!row) {
      rejected.push({ source, problems: source.problems, duplicates: [] });
      continue;
    }
    place += 1;
    const at = place;
    const problems: RowProblem[] = [];
    const duplicates: FoundDuplicate[] = [];
    const refuse = (field: string, code: string, message: string) =>
      problems.push({ column: columnOf(options.read(source.fields).columns, field), code, message });

    const { mrn, id } = row;
    if (mrn !== undefined && (takenMrns.has(mrn) || lineOf(`m|${mrn}`) !== undefined)) {
      duplicates.push({ line: source.line, reason: 'same record number', sameAsLine: lineOf(`m|${mrn}`), sameAsPatientId: takenMrns.get(mrn) });
      refuse('mrn', 'MRN_TAKEN', 'A patient or an earlier row has this mrn already. Compare the two, or leave mrn empty, and a new number is issued.');
    }
    if (id !== undefined) {
      if (options.uuids && !uuid.test(id)) refuse('id', 'VALUE_MALFORMED', 'id must be a UUID in this database.');
      else if (existing.has(id) || lineOf(idKey(id, options.uuids)) !== undefined) refuse('id', 'ID_TAKEN', 'A patient or an earlier row has this id already.');
    }
    const mother = row.chart.motherId;
    if (typeof mother === 'string' && !existing.has(mother) && lineOf(idKey(mother, options.uuids)) === undefined)
      refuse('motherId', 'MOTHER_NOT_FOUND', 'motherId names no patient and no earlier row. Put the row of the mother before this one.');
    for (const { index, number } of misfitsAt.get(at) ?? [])
      refuse(`identifiers.${index}`, 'IDENTIFIER_PATTERN_MISMATCH', `value does not look like a number of ${number.authorityCode}. Compare it with the card.`);
    for (const { index, number, patientId } of takenAt.get(at) ?? []) {
      const line = lineOf(`i|${numberName(number)}`);
      if (line === undefined && patientId === undefined) continue;
      duplicates.push({ line: source.line, reason: 'same identifier', sameAsLine: line, sameAsPatientId: patientId });
      refuse(
        `identifiers.${index}`,
        'IDENTIFIER_TAKEN',
        'A patient or an earlier row has this number already. When it is the same person, leave this row out; otherwise compare the number with the card.',
      );
    }
    for (const key of row.keys) {
      const line = lineOf(key);
      if (line !== undefined) duplicates.push({ line: source.line, reason: reasonOfKey(key), sameAsLine: line, sameAsPatientId: undefined });
      for (const found of lookalikes.get(key) ?? [])
        duplicates.push({ line: source.line, reason: reasonOfKey(key), sameAsLine: found.line, sameAsPatientId: found.id });
    }

    if (duplicates.length > 0 && options.duplicates === 'skip') skipped.push({ source, duplicates });
    else if (duplicates.length > 0 && options.duplicates === 'refuse' && problems.length === 0) {
      refuse(
        '',
        'IMPORT_DUPLICATE',
        'The row looks like a patient or an earlier row; the file of duplicates says which. Leave it out, or import it with --duplicates report.',
      );
      rejected.push({ source, problems, duplicates });
    } else if (problems.length > 0) rejected.push({ source, problems, duplicates });
    else {
      accepted.push({ source, row, duplicates });
      for (const key of [...row.keys, ...exclusiveKeys(row, options.uuids)]) {
        if (here.has(key)) continue;
        here.set(key, source.line);
        keys.push({ key, line: source.line });
      }
    }
  }
  return { accepted, rejected, skipped, keys };
}

function group<Each extends { readonly place: number }>(list: readonly Each[]): Map<number, Each[]> {
  const groups = new Map<number, Each[]>();
  for (const each of list) {
    const group = groups.get(each.place);
    if (group) group.push(each);
    else groups.set(each.place, [each]);
  }
  return groups;
}

/** A report that lists more than this of one row helps nobody. */
const mostLookalikes = 5;

/** Charts that share a key with rows of the batch. Only keys that the set has seen in the base are asked for, which are few. */
async function findHits(
  db: Db,
  rows: readonly { readonly row: CheckedRow }[],
  { seen, runId }: Decisions,
): Promise<Map<string, { id: string; line: number | undefined }[]>> {
  const wanted = new Set(rows.flatMap(({ row }) => row.keys.filter((key) => seen.get(key) === 0)));
  const hits = new Map<string, { id: string; line: number | undefined }[]>();
  if (wanted.size === 0) return hits;
  const parts = [...wanted].map((key) => ({ kind: key.charAt(0), value: key.slice(key.lastIndexOf('|') + 1) }));
  const found = await findLookalikes(db, {
    dateOfBirths: [...new Set(parts.flatMap(({ kind, value }) => (kind === 'b' ? [value] : [])))],
    phones: [...new Set(parts.flatMap(({ kind, value }) => (kind === 'p' ? [value] : [])))],
  });
  const matching = found
    .map((person) => ({ id: person.id, keys: duplicateKeys(person as Comparable).filter((key) => wanted.has(key)) }))
    .filter(({ keys }) => keys.length > 0);
  const origins = await findOrigins(
    db,
    matching.map(({ id }) => id),
  );
  const own = new RegExp(`^import ${runId} line (\\d+)$`);
  for (const { id, keys } of matching) {
    const line = own.exec(origins.get(id) ?? '')?.[1];
    for (const key of keys) {
      const list = hits.get(key) ?? [];
      if (list.length < mostLookalikes) list.push({ id, line: line === undefined ? undefined : Number(line) });
      hits.set(key, list);
    }
  }
  return hits;
}

/** What a process does whose run was moved on by another one. */
export function runningElsewhere(): AppError {
  return new AppError('conflict', 'IMPORT_RUNNING_ELSEWHERE', 'Another process goes on with this import. Let it, or stop it and run the same command again.');
}
