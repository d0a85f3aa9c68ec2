import { AppError } from '../../src/base/errors.ts';
import { type Catalogue, readCatalogue } from '../../src/migrate/catalogue.ts';
import {
  applyMigration,
  type ApplyResult,
  checkMigration,
  migrationStatus,
  planMigration,
  type PlanResult,
  repairMigration,
  verifyMigration,
} from '../../src/migrate/index.ts';
import { makeState, type MadeState, type RandomState } from './random-states.ts';
import { snapshotOf } from './snapshot.ts';
import { grantsOf, type StateServer } from './state-server.ts';

/** Exit code each refusal must have. */
const exitCodes: Readonly<Record<string, number>> = {
  CATALOGUE_CONFLICT: 4,
  MIGRATION_EDITED: 4,
  KEY_NOT_ENFORCED: 4,
  HISTORY_FAILED_MIGRATION: 7,
  ORPHANS_PRESENT: 3,
  ROWS_REFUSED: 3,
  LINK_TABLE_MISSING: 3,
  LINK_COLUMN_MISSING: 3,
  LINK_COLUMN_REFERENCES_OTHER: 3,
  USERS_ID_NOT_UNIQUE: 3,
};

export interface Judgement {
  readonly ended: 'repaired' | 'refused' | 'nothing to do';
  /** Why `apply` refused. */
  readonly code?: string;
  readonly story: readonly string[];
  readonly violations: readonly string[];
}

/**
 * Makes a state and holds the engine to its promise: commands that look change nothing and never fail as a defect; `apply` reaches the
 * verified end of plain execution, doing what the plan said, and a second one does nothing; or it changes nothing at all and says why.
 */
export async function judge(server: StateServer, state: RandomState, options: { without?: ReadonlySet<number> } = {}): Promise<Judgement> {
  const made = await makeState(server, state, options);
  await using database = made.database;
  const client = await database.connect();
  const look = () => snapshotOf(client, made.model.schema);
  const violations: string[] = [];
  const must = (holds: boolean, otherwise: string) => void (holds || violations.push(otherwise));

  const before = await look();
  const checked = await outcome(() => checkMigration(made.options));
  const status = await outcome(() => migrationStatus(made.options));
  const planned = await outcome<PlanResult>(() => planMigration(made.options));
  const verified = await outcome(() => verifyMigration(made.options));
  for (const [name, { error }] of Object.entries({ checked, status, planned, verified })) {
    const defect = error && (!(error instanceof AppError) || error.kind === 'internal' || error.kind === 'resumable');
    must(!defect, `${name}: ${describe(error)}`);
  }
  must(same(before, await look()), 'a command that looks has changed something');

  // Every third state is repaired by `repair`, which must do just what `apply` does where anything is there at all.
  const begun = status.value?.migrations.some(({ history, statements }) => history !== 'absent' || statements.some(({ object }) => object.state !== 'missing'));
  const change = state.number % 3 === 0 && begun ? repairMigration : applyMigration;
  const applied = await outcome<ApplyResult>(() => change({ ...made.options, noBackup: true }));
  if (applied.error !== undefined) {
    const code = (applied.error as AppError).code;
    must(made.refusals.has(code), `apply: ${describe(applied.error)}, expected ${[...made.refusals].join(' or ') || 'repair'}`);
    must((applied.error as AppError).face?.exitCode === exitCodes[code], `apply: exit code ${(applied.error as AppError).face?.exitCode} for ${code}`);
    const after = await look();
    must(same(before, after), `apply refused with ${code} and changed ${difference(before, after)}`);
    must((planned.error as AppError | undefined)?.code === code, `plan: ${describe(planned.error)} where apply says ${code}`);
    const blocks = (checked.value?.findings ?? []).filter(({ level }) => level === 'block').map((finding) => finding.code);
    must(blocks.includes(code), `check shows ${blocks.join(', ') || 'no block'} where apply says ${code}`);
    must(verified.value?.ok !== true, `verify says yes where apply says ${code}`);
    return { ended: 'refused', code, story: made.story, violations };
  }
  must(made.refusals.size === 0, `apply went through, expected ${[...made.refusals].join(' or ')}`);
  const steps = applied.value?.steps.map(({ step }) => `${step.migration}/${step.key}`) ?? [];
  const promised = planned.value?.plan.steps.map((step) => `${step.migration}/${step.key}`) ?? [];
  must(same(steps, promised), `apply did ${difference(promised, steps)} unlike the plan`);
  await whole({
    ...made,
    look,
    must,
    read: () => readCatalogue(client, made.model.schema),
    lostGrants: async () => {
      const granted = new Set(await grantsOf(client, made.model.schema));
      return made.model.grants.filter((grant) => !granted.has(grant));
    },
  });
  must(applied.value?.verification.ok === true, `verify: ${JSON.stringify(applied.value?.verification.items.filter(({ ok }) => !ok))}`);
  const { rows: open } = await client.query<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`,
  );
  must(open.length === 0, `Prisma would refuse (P3009): ${open.map(({ name }) => name).join(', ')}`);
  return { ended: steps.length === 0 ? 'nothing to do' : 'repaired', story: made.story, violations };
}

async function whole({
  options,
  model,
  allowed,
  look,
  must,
  read,
  lostGrants,
}: MadeState & {
  look: () => Promise<string[]>;
  must: (holds: boolean, otherwise: string) => void;
  read: () => Promise<Catalogue>;
  lostGrants: () => Promise<string[]>;
}): Promise<void> {
  const differs = catalogueDifference(model.plain, await read()).filter((each) => !allowed.has(each));
  must(differs.length === 0, `not as plain execution leaves it: ${differs.join(', ')}`);
  const lost = await lostGrants();
  must(lost.length === 0, `grants are missing: ${lost.join(', ')}`);
  const { migrations } = await migrationStatus(options);
  const unfinished = migrations.filter(({ history, complete, edited }) => history !== 'applied' || !complete || edited);
  must(unfinished.length === 0, `not applied: ${unfinished.map(({ file, history }) => `${file.name} ${history}`).join(', ')}`);
  const end = await look();
  const again = await outcome(() => applyMigration({ ...options, noBackup: true }));
  must(again.value?.steps.length === 0, `a second apply: ${again.error ? describe(again.error) : 'had something to do'}`);
  const later = await look();
  must(same(end, later), `a second apply changed ${difference(end, later)}`);
}

/** `kind name` of every object that differs. */
function catalogueDifference(expected: Catalogue, actual: Catalogue): string[] {
  return (Object.keys(expected) as (keyof Catalogue)[]).flatMap((kind) => {
    const [a, b] = [expected[kind] as ReadonlyMap<string, unknown>, actual[kind] as ReadonlyMap<string, unknown>];
    const text = (value: unknown) => JSON.stringify(typeof value === 'string' ? value.split('\n').toSorted() : value);
    return [...new Set([...a.keys(), ...b.keys()])]
      .filter((name) => !(kind === 'tables' && name === '_prisma_migrations') && text(a.get(name)) !== text(b.get(name)))
      .map((name) => `${kind} ${name}`);
  });
}

async function outcome<T>(work: () => Promise<T>): Promise<{ value?: T; error?: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

function describe(error: unknown): string {
  if (error === undefined) return 'no error';
  const { code, message, cause } = error as AppError;
  return `${code ?? 'no code'}: ${message}${cause ? ` (${(cause as Error).message})` : ''}`;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at]);
}

function difference(a: readonly string[], b: readonly string[]): string {
  const [was, is] = [new Set(a), new Set(b)];
  return (
    [...a.filter((line) => !is.has(line)).map((line) => `-${line}`), ...b.filter((line) => !was.has(line)).map((line) => `+${line}`)].slice(0, 6).join(' | ') ||
    'the order'
  );
}

/** Leaves out damages one by one as long as the state still fails: the smallest story that shows the defect. */
export async function smallest(server: StateServer, state: RandomState): Promise<Judgement> {
  const without = new Set<number>();
  let worst = await judge(server, state);
  for (const at of state.damages.keys()) {
    const less = await judge(server, state, { without: new Set([...without, at]) });
    if (less.violations.length === 0) continue;
    without.add(at);
    worst = less;
  }
  return worst;
}
