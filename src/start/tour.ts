import colors from 'picocolors';
import type { WriterReport } from '../../sample-ehr/index.ts';
import { count, duration } from '../cli/migrate-view.ts';
import type { ApplyResult, Finding, Plan, Verification } from '../migrate/index.ts';
import type { LoadedPatients } from './patients.ts';

/** What the tour has seen; what did not happen this time is absent. */
export interface TourFacts {
  readonly database: string;
  readonly rows: number | undefined;
  readonly findings: readonly Finding[];
  readonly plan: Plan;
  readonly applied: ApplyResult | undefined;
  readonly verification: Verification | undefined;
  /** Path of the report of what was applied. */
  readonly report: string | undefined;
  readonly writer: WriterReport | undefined;
  readonly patients: LoadedPatients | undefined;
  readonly url: string;
}

/** A heading of the tour. */
export function heading(number: number, text: string): string {
  return `\n${colors.bold(`${number}. ${text}`)}`;
}

/** The summary at the end of `npm start`. Pure: facts in, text out. */
export function renderTour(facts: TourFacts): string {
  const { findings, plan, applied, verification, writer, patients } = facts;
  const line = (name: string, text: string) => `  ${name.padEnd(10)}${text}`;
  const warnings = findings.filter(({ level }) => level === 'warn').length;
  const lines = [
    colors.bold('What happened'),
    line('database', facts.database),
    ...(facts.rows === undefined ? [] : [line('sample', `${count(facts.rows)} rows of a surgical EHR, written to by four connections all the while`)]),
    line('checked', `${findings.length} things looked at, ${warnings === 0 ? 'none' : warnings} to be warned of`),
    line(
      'planned',
      plan.steps.length === 0
        ? 'nothing to do: the module is there, valid and as defined'
        : `${plan.steps.length} steps, longest expected wait of a write ${duration(Math.max(...plan.steps.map(({ estimate }) => estimate.writeWaitMilliseconds)))}`,
    ),
  ];
  if (applied) {
    const worked = applied.steps.reduce((sum, { result }) => sum + result.workMilliseconds, 0);
    lines.push(line('applied', applied.steps.length === 0 ? 'nothing was missing' : `${applied.steps.length} steps in ${duration(worked)} of work`));
  } else if (plan.steps.length > 0) lines.push(line('applied', 'nothing; the plan was only shown'));
  if (verification)
    lines.push(
      line(
        'verified',
        verification.ok
          ? `${verification.items.length} of ${verification.items.length} checks passed`
          : `${verification.items.filter(({ ok }) => !ok).length} of ${verification.items.length} checks failed`,
      ),
    );
  if (facts.report !== undefined) lines.push(line('report', facts.report));
  if (writer)
    lines.push(
      line(
        'writers',
        `${count(writer.count)} statements meanwhile, ${writer.errors} failed; longest wait ${duration(writer.max)}, 99 of 100 below ${duration(writer.p99)}; its own clock was late by up to ${duration(writer.ownDelayMax)}`,
      ),
    );
  if (patients) {
    lines.push(
      line(
        'patients',
        `${count(patients.total)} in the registry, ${count(patients.registered)} registered now${patients.registered > 0 ? ` in ${duration(patients.milliseconds)}` : ''}; ${patients.linkedCases} surgical cases linked now`,
      ),
    );
    lines.push(
      '',
      colors.bold('The first patients'),
      ...patients.first.map(
        ({ mrn, firstName, lastName, dateOfBirth }) =>
          `  ${mrn}  ${[firstName, lastName].filter(Boolean).join(' ')}, born ${dateOfBirth ?? 'on an unknown date'}`,
      ),
    );
  }
  lines.push('', colors.bold('Served'), `  ${facts.url}/health/ready`, `  ${facts.url}/openapi.json`);
  return lines.join('\n');
}
