import { quote } from '../sql.ts';
import { isOrphan, type OrphanChoice } from './scan.ts';
import { type LinkColumn, type LinkFacts, qualified } from './link-columns.ts';
import { fingerprint, optionalColumns, placeholderMrn, placeholderName } from './placeholder.ts';

/**
 * The statements of one batch. What belongs to the batch (places of rows, ids) comes from the setting `onechart.batch` and not
 * from the text: so the journal holds the same short text for every batch, and neither ids nor anything about a person.
 */
export const batchSetting = 'onechart.batch';

/** Sets the rows' links to NULL and keeps each row's key and id; with `copy` the whole row too. Rows that somebody has locked are left for the next pass. */
export function clearRows(
  link: LinkColumn,
  options: OrphanChoice & { facts: LinkFacts; part: LinkFacts['parts'][number]; workId: number; copy: boolean },
): string {
  const { facts, part, workId, copy } = options;
  const table = qualified(part);
  const column = quote(link.column);
  const key = `jsonb_build_object(${facts.primaryKey.map(({ name }) => `${literal(name)}, t.${quote(name)}::text`).join(', ')})`;
  return `WITH picked AS (
  SELECT t.ctid AS place, t.${column}::text AS orphan, ${key} AS key, ${copy ? 'to_jsonb(t)' : 'NULL::jsonb'} AS copy
  FROM ONLY ${table} t WHERE t.ctid = ANY (current_setting('${batchSetting}')::tid[]) AND ${isOrphan(link, options)}
  FOR NO KEY UPDATE OF t SKIP LOCKED
), changed AS (
  UPDATE ONLY ${table} t SET ${column} = NULL FROM picked WHERE t.ctid = picked.place RETURNING picked.key, picked.orphan, picked.copy
), kept AS (
  INSERT INTO onechart.orphan_rows ("workId", key, "orphanId", "row") SELECT ${workId}, key, orphan, copy FROM changed RETURNING 1
)
UPDATE onechart.orphan_work SET done = done + (SELECT count(*) FROM kept) WHERE id = ${workId}`;
}

/** Makes a patient for each id of the batch that has none: with what a file of the host knows, else as a placeholder that goes to the queue. */
export function adoptIds(link: LinkColumn, options: { workId: number; idType: string; queueThere: boolean }): string {
  const { workId, idType, queueThere } = options;
  const patients = `${quote(link.home)}.patients`;
  const columns = optionalColumns.map((column) => quote(column)).join(', ');
  const values = optionalColumns
    .map((column) => (column === 'dateOfBirth' ? `(known.data->>'dateOfBirth')::date` : `known.data->>${literal(column)}`))
    .join(', ');
  const queue = queueThere
    ? `, queued AS (
  INSERT INTO ${quote(link.home)}.patient_placeholders ("patientId", origin, "sourceTable", "sourceColumn")
  SELECT made.id, 'ORPHAN', ${literal(link.table)}, ${literal(link.column)} FROM made LEFT JOIN known ON known.id = made.id WHERE known.id IS NULL
)`
    : '';
  return `WITH wanted AS (
  SELECT value::${idType} AS id FROM jsonb_array_elements_text(current_setting('${batchSetting}')::jsonb)
), known AS (
  DELETE FROM onechart.orphan_demographics d USING wanted WHERE d."schemaName" = ${literal(link.home)} AND d."patientId" = wanted.id::text RETURNING wanted.id, d.data
), made AS (
  INSERT INTO ${patients} (id, mrn, "lastName", ${columns})
  SELECT wanted.id, coalesce(known.data->>'mrn', ${placeholderMrn('wanted.id::text')}), coalesce(known.data->>'lastName', '${placeholderName}'), ${values}
  FROM wanted LEFT JOIN known ON known.id = wanted.id
  ON CONFLICT (id) DO NOTHING RETURNING *
), kept AS (
  INSERT INTO onechart.orphan_patients ("workId", "patientId", fingerprint, "toQueue")
  SELECT ${workId}, made.id::text, ${fingerprint('made')}, ${queueThere ? 'false' : 'known.id IS NULL'} FROM made LEFT JOIN known ON known.id = made.id RETURNING 1
)${queue}
UPDATE onechart.orphan_work SET done = done + (SELECT count(*) FROM kept) WHERE id = ${workId}`;
}

export function literal(text: string): string {
  return `${text.includes('\\') ? ' E' : ''}'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
}
