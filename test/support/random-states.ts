import { createRandom } from '../../sample-ehr/index.ts';
import { applyMigration, type MigrateOptions } from '../../src/migrate/index.ts';
import { type Damage, damages, type Damaged } from './damages.ts';
import { type HostKind, hostKinds, type HostModel, type StateDatabase, type StateServer } from './state-server.ts';

/** A half-applied state as a hand-run of the runbook, a crash or a repair by hand can leave it. The same seed and number give the same one. */
export interface RandomState {
  readonly seed: number;
  readonly number: number;
  readonly host: HostKind;
  readonly from: 'built in' | 'folder';
  readonly beginning: Beginning;
  readonly damages: readonly Damage[];
}

type Beginning =
  /** Statement by statement, going on after errors, as psql does; a share of them left out. */
  | { readonly kind: 'by hand'; readonly upTo: number; readonly skipped: number }
  /** Everything from plain execution. */
  | { readonly kind: 'whole' }
  /** Our own `apply`, cut off at an event. */
  | { readonly kind: 'crash'; readonly event: number }
  | { readonly kind: 'nothing' };

export interface MadeState {
  readonly options: MigrateOptions;
  readonly model: HostModel;
  /** What was really done, a line each: for the report of a failure. */
  readonly story: readonly string[];
  /** With one of these codes `apply` must refuse; empty: it must repair. */
  readonly refusals: ReadonlySet<string>;
  readonly allowed: ReadonlySet<string>;
}

export function randomState(seed: number, number: number): RandomState {
  const random = createRandom(`state ${seed} ${number}`);
  const host = random.pick([...hostKinds, 'uuid', 'uuid'] as const);
  const from = random.pick(['built in', 'built in', 'folder'] as const);
  const beginning = random.pick<() => Beginning>([
    () => ({ kind: 'by hand', upTo: random.next(), skipped: random.pick([0, 0, 0.05, 0.3]) }),
    () => ({ kind: 'whole' }),
    () => ({ kind: 'whole' }),
    () => ({ kind: 'crash', event: random.between(1, 70) }),
    () => ({ kind: 'nothing' }),
  ])();
  // Few damages at a time leave room for each to matter; false ones are rare, so that most states can be repaired.
  const share: Record<Damage['phase'], number> = { lose: 0.18, weaken: 0.1, falsify: random.chance(0.3) ? 0.12 : 0, rows: 0.1, history: 0.3, journal: 0.15 };
  return { seed, number, host, from, beginning, damages: damages.filter(({ phase }) => random.chance(share[phase])) };
}

/** Makes a state in a database of its own. `without` leaves out damages by their place, to find the smallest state that fails. */
export async function makeState(
  server: StateServer,
  state: RandomState,
  options: { without?: ReadonlySet<number> } = {},
): Promise<MadeState & { readonly database: StateDatabase }> {
  const model = await server.model(state.host);
  const database = await server.clone(state.host, state.beginning.kind === 'whole' ? 'whole' : 'host');
  const engine: MigrateOptions = { address: database.address, ...(state.from === 'folder' ? { dir: model.folder } : {}) };
  const client = await database.connect();
  const story = [`host ${state.host}, files ${state.from}, ${JSON.stringify(state.beginning)}`];
  await begin(state, { model, engine, query: (sql) => client.query(sql) });
  const did: Damaged[] = [];
  for (const [at, damage] of state.damages.entries()) {
    if (options.without?.has(at)) continue;
    const random = createRandom(`state ${state.seed} ${state.number} ${damage.name}`);
    const damaged = await damage.make({ client, database, host: model, random });
    if (!damaged) continue;
    did.push(damaged);
    story.push(`${damage.name}: ${damaged.what}${damaged.refuses ? ` -> ${damaged.refuses}` : ''}`);
  }
  return {
    database,
    options: engine,
    model,
    story,
    refusals: new Set(did.flatMap(({ refuses }) => refuses ?? [])),
    allowed: new Set(did.flatMap(({ allows }) => allows ?? [])),
  };
}

async function begin(
  state: RandomState,
  { model, engine, query }: { model: HostModel; engine: MigrateOptions; query: (sql: string) => Promise<unknown> },
): Promise<void> {
  const { beginning } = state;
  if (beginning.kind === 'by hand') {
    const random = createRandom(`by hand ${state.seed} ${state.number}`);
    for (const { text } of model.statements.slice(0, Math.ceil(beginning.upTo * model.statements.length)))
      if (!random.chance(beginning.skipped)) await query(text).catch(() => undefined);
  }
  if (beginning.kind === 'crash') {
    let events = 0;
    const cut = new Error('cut off');
    await applyMigration({
      ...engine,
      noBackup: true,
      onEvent: () => {
        events += 1;
        if (events >= beginning.event) throw cut;
      },
    }).catch(() => undefined);
    // What a kill leaves; the crash walk does it with real kills.
    await query('UPDATE onechart.migration_runs SET "finishedAt" = NULL, outcome = NULL').catch(() => undefined);
  }
}
