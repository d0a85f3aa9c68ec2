import type pg from 'pg';
import type { Assessment } from '../assess.ts';
import type { Finding } from '../check.ts';
import { exportNotBack } from '../journal.ts';
import { actionFor, type OrphanAction, openDecisions, refusal } from './decisions.ts';
import { type LinkColumn, linkColumns, nameOf, patientsExist, readLinkFacts } from './link-columns.ts';
import { countOrphans } from './scan.ts';

const will: Readonly<Record<OrphanAction, string>> = {
  adopt: 'each id gets a placeholder patient',
  quarantine: 'each row is copied to the quarantine and its id set to NULL',
  null: 'each id is set to NULL and kept in the journal',
};

/**
 * Counts ids of link tables that no patient has, and says what is decided about them. One scan of each table whose key is not
 * validated yet; samples are ids, never names.
 *
 * @param forAll a decision for every table, as `apply --orphans` makes it
 */
export async function checkOrphans(client: pg.ClientBase, schema: string, assessment: Assessment, forAll?: OrphanAction): Promise<Finding[]> {
  const patientsThere = patientsExist(assessment);
  const decisions = await openDecisions(client, schema);
  const findings: Finding[] = [];
  for (const link of linkColumns(schema, assessment)) {
    if (link.state === 'closed') continue;
    const action = forAll ?? actionFor(link, decisions);
    findings.push(await checkColumn(client, link, { patientsThere, action }));
  }
  return withPatientsInFiles(client, schema, findings);
}

/** After a rollback with --export the ids are no orphans for ever: their patients are in a folder. Adopted, they would be in the way. */
async function withPatientsInFiles(client: pg.ClientBase, schema: string, findings: readonly Finding[]): Promise<Finding[]> {
  if (!findings.some(({ details }) => typeof details?.count === 'number' && details.count > 0)) return [...findings];
  const exported = await exportNotBack(client, schema);
  if (!exported) return [...findings];
  const hint = `A rollback of ${exported.at.toISOString().slice(0, 10)} exported the patients to ${exported.folder}, and they are not back yet: these ids may be theirs. Bring them back first, with onechart migrate import ${exported.folder}.`;
  const told = findings.map((finding) => (finding.code === 'ORPHANS_PRESENT' ? { ...finding, message: `${finding.message} ${hint}` } : finding));
  return [...told, { level: 'warn', code: 'EXPORTED_ROWS_NOT_BACK', message: hint, details: { folder: exported.folder } }];
}

async function checkColumn(
  client: pg.ClientBase,
  link: LinkColumn,
  { patientsThere, action }: { patientsThere: boolean; action: OrphanAction | undefined },
): Promise<Finding> {
  const facts = await readLinkFacts(client, link);
  const { rows: count, ids, blankRows, samples } = await countOrphans(client, link, { patientsThere, textual: facts.textual });
  const { table, column } = link;
  const details = { table, column, count, ids, samples, ...(action ? { action, key: link.key, migration: link.migration } : {}) };
  if (action !== undefined) {
    const refused = count > 0 ? refusal(link, { action, facts, blankRows }) : undefined;
    if (refused) return { level: 'block', kind: refused.kind, code: refused.code, message: refused.message, details: { ...details, ...refused.details } };
    const now = count === 0 ? 'none now' : `${count} rows with ${ids} ids`;
    return {
      level: 'info',
      code: 'ORPHANS_DECIDED',
      message: `"${table}"."${column}": orphans (${now}) are resolved after its key is there: ${will[action]}`,
      details,
    };
  }
  if (count === 0) return { level: 'ok', code: 'NO_ORPHANS', message: `"${table}"."${column}": no id without a patient`, details: { table } };
  return {
    level: 'block',
    code: 'ORPHANS_PRESENT',
    message: `Table "${table}" has ${count} rows whose "${column}" belongs to no patient (for example ${samples.join(', ')}). See them with onechart migrate orphans list, then: onechart migrate orphans adopt | quarantine | null --table ${nameOf(link)}, or apply with --orphans adopt.`,
    details,
  };
}
