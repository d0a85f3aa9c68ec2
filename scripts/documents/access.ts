import { roles, type Scope, scopes } from '../../src/access/access.schema.ts';
import { mayDo } from '../../src/access/access.ts';
import { sections, wholeChartFields } from '../../src/access/field-rights.ts';
import type { RouteContract } from '../../src/api/contract.ts';
import { routes } from '../../src/api/routes.ts';

const roleNames = Object.keys(roles);
/** Everybody a route can be called by; `nobody` is a caller without credentials. */
export const callers = [...roleNames, 'nobody'] as const;
export type Outcome = 'yes' | '403' | '401';

/** What a contract promises a caller: in, refused (403), or asked who it is (401). */
export function promisedOutcome({ access }: Pick<RouteContract, 'access'>, caller: string): Outcome {
  if (access === 'public') return 'yes';
  if (caller === 'nobody') return '401';
  return access === 'signed-in' || mayDo(caller, access) ? 'yes' : '403';
}

/** The rows of the table of routes, as they stand in docs/access.md. */
export function routeRows(outcome: (contract: RouteContract, caller: string) => Outcome): string[] {
  return routes.map((contract: RouteContract) =>
    row([`\`${contract.method} ${contract.path}\``, `\`${contract.operationId}\``, contract.access, ...callers.map((caller) => outcome(contract, caller))]),
  );
}

/** docs/access.md, from the matrix and the contracts. */
export function renderAccess(): string {
  const tick = (held: boolean) => (held ? 'yes' : '');
  const holds = (scope: Scope) => roleNames.map((role) => tick(mayDo(role, scope)));
  return [
    '# Who may do what',
    '',
    'Generated from the roles, the field rights and the route contracts by `npm run docs`. `test/contract/access-matrix.test.ts` calls every route as every role and compares.',
    '',
    '## Roles and scopes',
    '',
    ...table(
      ['scope', 'lets', ...roleNames],
      (Object.keys(scopes) as Scope[]).map((scope) => [`\`${scope}\``, scopes[scope], ...holds(scope)]),
    ),
    '',
    'There is no scope to delete a patient: nobody may.',
    '',
    '## Parts of a chart',
    '',
    ...table(
      ['part', 'seen by', 'changed by'],
      Object.entries(sections).map(([part, { see, change }]) => [
        part,
        ...[see, change].map((scope) => roleNames.filter((role) => mayDo(role, scope)).join(', ')),
      ]),
    ),
    '',
    `Of a patient, ${wholeChartFields.map((field) => `\`${field}\``).join(', ')} are shown to ${roleNames.filter((role) => mayDo(role, 'patient.read')).join(', ')}. For others who see demographics they are null and named in \`hidden\`, and writing one of them is refused with FIELD_FORBIDDEN.`,
    '',
    '## Restricted charts',
    '',
    'A restricted chart is masked (`{ id, masked: true, restricted: true }`) in lists and searches and refused with CHART_RESTRICTED everywhere else, to every role, until the caller breaks the glass. docs/adr/0043-restricted-charts.md has the rules.',
    '',
    '## Routes',
    '',
    '`yes`: the caller gets in; what it sees then depends on the chart. `403`: known, but without the right. `401`: has to say who it is.',
    '',
    ...table(['route', 'operation', 'access', ...callers], []),
    ...routeRows(promisedOutcome),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
