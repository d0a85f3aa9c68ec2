import { type AuditRow, auditRow } from '../audit/audit-row.ts';
import { createBatcher } from '../base/batcher.ts';
import type { Ctx, Db } from '../db/context.ts';
import { inOneStatement, runsAlone } from '../db/transaction.ts';
import type { Patient } from './patient.schema.ts';
import { viewRecordedCharts } from './recorded-chart.store.ts';

/**
 * Reads of charts that arrive together are one statement with all their audit rows: under load most of a read's cost is
 * the way to the server and its COMMIT. Two on their way at once keep one connection reading while the other commits.
 */
const batching = { inFlight: 2, most: 64 };

type View = { ctx: Ctx; audit: AuditRow };
type Batcher = (view: View) => Promise<Patient | undefined>;
const batchers = new WeakMap<Db, { guarded: Batcher; trusted: Batcher }>();

function batchersOf(db: Db): { guarded: Batcher; trusted: Batcher } {
  let found = batchers.get(db);
  if (!found) {
    const open = (guarded: boolean): Batcher => createBatcher((views: readonly View[]) => view(views, guarded), batching);
    found = { guarded: open(true), trusted: open(false) };
    batchers.set(db, found);
  }
  return found;
}

async function view(views: readonly View[], guarded: boolean): Promise<(Patient | undefined)[]> {
  const [first] = views;
  if (!first) return [];
  return inOneStatement(first.ctx, ({ db }) =>
    viewRecordedCharts(
      db,
      views.map(({ audit }) => audit),
      guarded,
    ),
  );
}

/** The chart, with `patient.viewed` in the trail. Undefined when there is none. */
export async function viewChart(ctx: Ctx, id: string): Promise<Patient | undefined> {
  const audit = auditRow(ctx, { action: 'patient.viewed', patientId: id, after: { by: 'id' } });
  const guarded = ctx.viewer !== undefined;
  if (!runsAlone(ctx)) return (await view([{ ctx, audit }], guarded))[0];
  const { guarded: asViewer, trusted } = batchersOf(ctx.db);
  return (guarded ? asViewer : trusted)({ ctx, audit });
}
