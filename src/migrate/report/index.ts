import { composeReport } from './compose.ts';
import { timedSteps } from './times.ts';
import { toHtml } from './html.ts';
import { toMarkdown } from './markdown.ts';
import type { RunRecord } from './run-record.ts';
import { renderTimeline } from './timeline.ts';

export { listRuns, readRun } from './read-run.ts';
export { type RestoreOutcome, renderRestoreReport, type RestoreRecord } from './restore-report.ts';
export type { PlannedStep, RunDetails, RunRecord, RunStep, RunSummary, StoppedRunStep } from './run-record.ts';

export type ReportFormat = 'html' | 'markdown' | 'svg';

/**
 * Writes out the report of a run: a summary in five lines, the timeline, then all details. Pure. HTML is one file without
 * scripts that loads nothing; `svg` is the timeline alone. It names database objects, ids and users of the database, and
 * nothing of a patient.
 *
 * @param options.picture for Markdown: the name of the SVG file that it shows
 *
 * @example
 * const run = await readRun({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * await writeFile('report.html', renderReport(run, { format: 'html' }));
 */
export function renderReport(run: RunRecord, options: { readonly format: ReportFormat; readonly picture?: string }): string {
  switch (options.format) {
    case 'html':
      return toHtml(composeReport(run));
    case 'markdown':
      return toMarkdown(composeReport(run), options.picture);
    case 'svg':
      return `${renderTimeline(timedSteps(run), { title: `Steps and lock waits of run ${run.id}` })}\n`;
  }
}

/**
 * The name of a report's files without their ending: `20261123T130510Z-apply-ehr-run7`. Fit for every file system.
 *
 * @example
 * const run = await readRun({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * await writeFile(`${reportName(run)}.html`, renderReport(run, { format: 'html' }));
 */
export function reportName({ id, command, database, startedAt }: Pick<RunRecord, 'command' | 'database' | 'startedAt'> & { readonly id?: number }): string {
  const time = startedAt.toISOString().slice(0, 19).replace(/[-:]/g, '');
  const words = [command, database].map((word) => word.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 60));
  return [`${time}Z`, ...words, ...(id === undefined ? [] : [`run${id}`])].join('-');
}
