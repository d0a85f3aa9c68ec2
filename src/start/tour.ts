import colors from 'picocolors';
import type { WriterReport } from '../../sample-ehr/index.ts';
import { count, duration } from '../cli/migrate-view.ts';
import type { ApplyResult, Finding, Plan, Verification } from '../migrate/index.ts';
import type { DemoAccount } from './accounts.ts';
import type { Patient } from '../patient/patient.schema.ts';
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
  /** Undefined on a database of one's own. */
  readonly accounts?: readonly DemoAccount[] | undefined;
}

/** A heading of the tour. */
export function heading(number: number, text: string): string {
  return `\n${colors.bold(`${number}. ${text}`)}`;
}

const served = [
  ['REST', '/api/v1'],
  ['reference', '/docs'],
  ['OpenAPI', '/openapi.json'],
  ['ready', '/health/ready'],
] as const;

function signIn({ url, accounts, patients }: TourFacts): string[] {
  if (accounts === undefined) return ['', colors.bold('Accounts'), '  none is made on a database of your own: bin/onechart accounts create --help'];
  const width = Math.max(...accounts.map(({ username }) => username.length)) + 2;
  const [example] = accounts.filter(({ role }) => role === 'FRONT_DESK');
  return [
    '',
    colors.bold('Demo accounts, for this sample alone'),
    ...accounts.map(({ role, username, password }) => `  ${username.padEnd(width)}${password}  ${roleNames[role] ?? role}`),
    ...(example === undefined
      ? []
      : [
          '',
          colors.bold('Try'),
          `  curl -c cookies -H 'content-type: application/json' -d '${JSON.stringify({ username: example.username, password: example.password })}' ${url}/api/v1/session`,
          `  curl -b cookies ${url}/api/v1/patients`,
          ...searchFor(url, patients?.first[0]),
        ]),
  ];
}

/** A search as somebody types it: the last name first, small, the first name begun. */
function searchFor(url: string, patient: Patient | undefined): string[] {
  if (!patient) return [];
  const typed = `${patient.lastName} ${patient.firstName?.slice(0, 3) ?? ''}`.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().trim();
  return [`  curl -b cookies --get --data-urlencode 'q=${typed.replaceAll("'", '')}' ${url}/api/v1/patients`];
}

const roleNames: Readonly<Record<string, string>> = {
  ADMIN: 'administrator: everything',
  FRONT_DESK: 'front desk: registers, edits demographics',
  NURSE: 'nurse: opens charts, allergies and risk flags',
  DOCTOR: 'doctor: the same, and marks as deceased',
  HIM: 'records office: restricts and archives charts',
  AUDITOR: 'auditor: reads the audit trail',
};

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
  lines.push('', colors.bold('Served'), ...served.map(([name, path]) => line(name, `${facts.url}${path}`)), ...signIn(facts));
  return lines.join('\n');
}
