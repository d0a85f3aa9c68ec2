import { type ErrorKind, errorFaces } from '../../base/errors.ts';
import { count, duration, megabytes, plural } from '../../base/quantities.ts';
import type { ReportDocument } from './document.ts';
import type { RunRecord } from './run-record.ts';
import { waited } from './times.ts';

// The sentences at the head of a report.

interface Outcome {
  readonly tone: ReportDocument['tone'];
  readonly sentence: string;
}

export function outcomeOf(run: RunRecord): Outcome {
  const { steps, details, next, continues } = run;
  const of = Math.max(details.planned?.length ?? 0, steps.length);
  const reached = `after ${steps.length} of ${plural(of, 'step')}`;
  const went = next ? ` ${next.command === run.command ? 'Continued by' : `Next came the ${next.command} of`} run ${next.id}.` : '';
  const before = continues.length > 0 ? ` It went on from run ${continues.join(' and ')}, which ${continues.length > 1 ? 'were' : 'was'} cut off.` : '';
  switch (run.state) {
    case 'done': {
      const { verification } = details;
      const done = steps.length === 1 ? '1 step' : `all ${plural(steps.length, 'step')}`;
      if (!verification) return { tone: 'good', sentence: `Done: ${done}.${before}` };
      const failed = verification.items.filter(({ ok }) => !ok).length;
      if (failed === 0)
        return {
          tone: 'good',
          sentence: `Done and verified: ${done}, ${plural(verification.items.length, 'check')} of the result passed.${before}`,
        };
      return {
        tone: 'bad',
        sentence: `Done, but not as it should be: ${done}, ${failed} of ${plural(verification.items.length, 'check')} of the result failed.${before}`,
      };
    }
    case 'failed': {
      const code = details.error?.code ?? run.outcome ?? 'unknown';
      const busy = details.error?.kind === 'busy';
      return {
        tone: busy ? 'warn' : 'bad',
        sentence: `${busy ? 'Gave up' : 'Stopped'} ${reached} (${code}${exitWords(details.error?.kind)}): ${details.error?.message ?? 'the journal has no more about it.'}${went}${before}`,
      };
    }
    case 'running':
      return { tone: 'warn', sentence: `Running: ${steps.length} of ${plural(of, 'step')} done so far.${before}` };
    case 'cut-off':
      return {
        tone: 'warn',
        sentence: next
          ? `Cut off ${reached}; ${next.command === run.command ? 'continued by' : `next came the ${next.command} of`} run ${next.id}.${before}`
          : `Cut off ${reached}; nothing has continued it yet. What is done is whole: the same command goes on from there.${before}`,
      };
  }
}

function exitWords(kind: ErrorKind | undefined): string {
  return kind && kind in errorFaces ? `, exit code ${errorFaces[kind].exitCode}` : '';
}

export function changeOf({ command, database, schema, steps, details }: RunRecord): string {
  const migrations = new Set((details.planned ?? steps).map(({ migration }) => migration)).size;
  const planned = details.planned ? `${plural(details.planned.length, 'step')} planned` : `${plural(steps.length, 'step')} done`;
  const lacking = (counts: RunRecord['details']['before']) =>
    (counts ?? []).reduce((sum, { missing, invalid, conflict }) => sum + missing + invalid + conflict, 0);
  const objects =
    details.before && details.after
      ? `; ${plural(lacking(details.before), 'object')} missing or invalid before, ${lacking(details.after)} after`
      : details.before
        ? `; ${plural(lacking(details.before), 'object')} missing or invalid before`
        : '';
  const of = applies(command) ? ` for ${plural(migrations, 'migration')}` : '';
  return `${command} on schema ${schema} of database ${database}: ${planned}${of}${objects}.`;
}

export function waitsOf({ steps, details: { stopped } }: RunRecord): string {
  if (stopped) {
    const tried = Date.parse(stopped.endedAt) - Date.parse(stopped.startedAt);
    return `Stopped after ${duration(tried)} at "${stopped.title}"${stopped.attempts > 1 ? `, ${plural(stopped.attempts, 'attempt')} to lock` : ''}.`;
  }
  const longest = longestBy(steps, waited);
  const slowest = longestBy(steps, ({ workMilliseconds }) => workMilliseconds);
  if (!longest || !slowest) return 'No step was done.';
  const wait = waited(longest);
  return `${wait === 0 ? 'Every lock was had at the first attempt' : `Longest wait for a lock ${duration(wait)}, ${longest.attempts} attempts ("${longest.title}")`}; longest step ${duration(slowest.workMilliseconds)} ("${slowest.title}").`;
}

function longestBy<T>(items: readonly T[], measure: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>((longest, item) => (longest === undefined || measure(item) > measure(longest) ? item : longest), undefined);
}

/** Repair is apply on a database where something was wrong. */
function applies(command: string): boolean {
  return command === 'apply' || command === 'repair';
}

export function backupSentence({ command, details: { backup, exported } }: RunRecord): string {
  // What a rollback says of the rows it exported; see rollback.ts.
  if (typeof exported === 'object' && exported !== null && 'folder' in exported && typeof exported.folder === 'string')
    return `This command makes none; the rows of the tables it dropped were exported to ${exported.folder}.`;
  if (backup === undefined)
    return applies(command) ? 'The journal of this run says nothing of a backup.' : 'This command makes none; see the run of the apply before it.';
  if (typeof backup === 'string') return `None was made by this run: ${backup}.`;
  const { method, bytes, proof } = backup;
  return `${method}, ${megabytes(bytes / 1048576)}, restored for real (${proof.where}) and compared: ${count(proof.objects)} objects, ${count(proof.tables)} tables, ${count(proof.rows)} rows alike.`;
}

export function whoOf({ databaseUser, operatingSystemUser, host, version, serverVersion }: RunRecord): string {
  return `database user ${databaseUser}, operating system user ${operatingSystemUser ?? 'unknown'} on ${host ?? 'an unknown host'}, OneChart ${version ?? 'of unknown version'}, PostgreSQL ${serverVersion ?? 'of unknown version'}.`;
}
