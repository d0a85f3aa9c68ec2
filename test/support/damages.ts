import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Random } from '../../sample-ehr/index.ts';
import { linkTables } from '../../sample-ehr/index.ts';
import type { Effect } from '../../src/migrate/statement.ts';
import type { HostModel, StateDatabase } from './state-server.ts';

/** Where a damage works. */
export interface DamageContext {
  readonly client: pg.Client;
  readonly database: StateDatabase;
  readonly host: HostModel;
  readonly random: Random;
}

/** What a damage that could be done means for `apply`; undefined when there was nothing to damage. */
export interface Damaged {
  readonly what: string;
  /** The code with which `apply` must refuse; without one it must repair. */
  readonly refuses?: string;
  /** Objects that the repaired database has besides or unlike plain execution: `kind name`. */
  readonly allows?: readonly string[];
}

export interface Damage {
  readonly name: string;
  /** Damages are done in the order of these, so that none undoes what an earlier one expects. */
  readonly phase: 'lose' | 'weaken' | 'falsify' | 'rows' | 'history' | 'journal';
  readonly make: (context: DamageContext) => Promise<Damaged | undefined>;
}

type Key = Extract<Effect, { kind: 'foreign-key' }>;
type Index = Extract<Effect, { kind: 'index' }>;
type Check = Extract<Effect, { kind: 'check' }>;
interface Of<E> {
  readonly effect: E;
  readonly text: string;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function all<E extends Effect>({ statements }: HostModel, kind: E['kind']): Of<E>[] {
  return statements.filter((each) => each.effect.kind === kind) as unknown as Of<E>[];
}

/** All of it or nothing, as one transaction; whether it was done. */
async function done({ client }: DamageContext, ...statements: string[]): Promise<boolean> {
  try {
    await client.query(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
    return true;
  } catch {
    await client.query('ROLLBACK');
    return false;
  }
}

async function yes({ client }: DamageContext, sql: string): Promise<boolean> {
  return (await client.query<{ yes: boolean | null }>(`SELECT (${sql}) AS yes`)).rows[0]?.yes === true;
}

const there = (context: DamageContext, name: string) => yes(context, `to_regclass(${literal(quoted(name))}) IS NOT NULL`);
const keyIsValid = (context: DamageContext, { table, name }: { table: string; name: string }) =>
  yes(context, `SELECT convalidated FROM pg_constraint WHERE conrelid = to_regclass(${literal(quoted(table))}) AND conname = ${literal(name)}`);

/** Whether any link table still has a key to this table. */
const linksReferTo = (context: DamageContext, table: string) =>
  yes(
    context,
    `SELECT count(*) > 0 FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass(${literal(quoted(table))}) AND conrelid IN (${linkTables.map((each) => `to_regclass(${literal(quoted(each))})`).join()})`,
  );
const movedAway = 'ALTER TABLE patients RENAME TO patients_old';

const dropConstraint = (table: string, name: string) => `ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoted(name)}`;
const isLink = (table: string) => (linkTables as readonly string[]).includes(table);
const patient = (id: string, mrn: string, rest: { columns?: string; values?: string } = {}) =>
  `INSERT INTO patients (id, mrn, "firstName", "lastName", "dateOfBirth"${rest.columns ?? ''}) VALUES (${literal(id)}, ${literal(mrn)}, 'Ines', 'Example', '1980-02-29'${rest.values ?? ''})`;

const conflict = (what: string): Damaged => ({ what, refuses: 'CATALOGUE_CONFLICT' });

const lose: Damage[] = [
  {
    name: 'keys lost',
    phase: 'lose',
    make: (context) =>
      severalOf(
        context,
        all<Key>(context.host, 'foreign-key').map(({ effect }) => [effect.name, dropConstraint(effect.table, effect.name)]),
      ),
  },
  {
    name: 'checks lost',
    phase: 'lose',
    make: (context) =>
      severalOf(
        context,
        all<Check>(context.host, 'check').map(({ effect }) => [effect.name, dropConstraint(effect.table, effect.name)]),
      ),
  },
  {
    name: 'indexes lost',
    phase: 'lose',
    make: (context) =>
      severalOf(
        context,
        all<Index>(context.host, 'index').map(({ effect }) => [effect.name, `DROP INDEX ${quoted(effect.name)}`]),
      ),
  },
  {
    name: 'tables lost',
    phase: 'lose',
    make: (context) =>
      severalOf(
        context,
        all<Extract<Effect, { kind: 'table' }>>(context.host, 'table').map(({ effect }) => [effect.name, `DROP TABLE ${quoted(effect.name)} CASCADE`]),
      ),
  },
  {
    name: 'comments lost or written otherwise',
    phase: 'lose',
    make: (context) =>
      severalOf(
        context,
        all<Extract<Effect, { kind: 'comment' }>>(context.host, 'comment').map(({ effect, text }) => [
          effect.name,
          text.replace(/ IS\s+'(?:[^']|'')*'$/, context.random.chance(0.5) ? ' IS NULL' : " IS 'Something else.'"),
        ]),
      ),
  },
  {
    name: 'grants taken away',
    phase: 'lose',
    make: async (context) => {
      const [role, table, privilege] = context.random.pick([
        ['onechart_app', 'patients', 'INSERT'],
        ['onechart_app', 'mrn_counters', 'UPDATE'],
        ['onechart_app', 'patient_contacts', 'DELETE'],
        ['onechart_auditor', 'patient_audit_events', 'SELECT'],
        ['onechart_reader', 'patients', 'SELECT'],
        ['onechart_reader', 'patient_documents', 'SELECT'],
      ] as const);
      return (await done(context, `REVOKE ${privilege} ON ${table} FROM ${role}`)) ? { what: `${privilege} on ${table} from ${role}` } : undefined;
    },
  },
];

/** Loses a random share of objects, those that can be lost. */
async function severalOf(context: DamageContext, statements: [string, string][]): Promise<Damaged | undefined> {
  const { random } = context;
  const share = random.pick([0.03, 0.1, 0.4, 1]);
  const lost: string[] = [];
  for (const [name, sql] of statements) if (random.chance(share) && (await done(context, sql))) lost.push(name);
  return lost.length > 0 ? { what: lost.join(', ') } : undefined;
}

const weaken: Damage[] = [
  {
    name: 'keys NOT VALID',
    phase: 'weaken',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key'));
      return (await done(context, dropConstraint(effect.table, effect.name), `${text} NOT VALID`)) ? { what: effect.name } : undefined;
    },
  },
  {
    name: 'a check NOT VALID',
    phase: 'weaken',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Check>(context.host, 'check'));
      return (await done(context, dropConstraint(effect.table, effect.name), `${text} NOT VALID`)) ? { what: effect.name } : undefined;
    },
  },
  {
    name: 'an index marked INVALID',
    phase: 'weaken',
    make: async (context) => {
      const { effect } = context.random.pick(all<Index>(context.host, 'index'));
      if (!(await there(context, effect.name))) return undefined;
      const ready = context.random.chance(0.5);
      await context.client.query(
        `UPDATE pg_index SET indisvalid = false${ready ? '' : ', indisready = false'} WHERE indexrelid = ${literal(quoted(effect.name))}::regclass`,
      );
      return { what: effect.name };
    },
  },
  {
    name: 'a unique index whose concurrent build failed on duplicates',
    phase: 'weaken',
    make: async (context) => {
      const name = 'patients_mrn_key';
      if (!(await there(context, 'patients'))) return undefined;
      if (!(await done(context, `DROP INDEX IF EXISTS ${quoted(name)}`, patient(randomUUID(), 'TWICE'), patient(randomUUID(), 'TWICE')))) return undefined;
      await context.client.query(`CREATE UNIQUE INDEX CONCURRENTLY ${quoted(name)} ON patients (mrn)`).catch(() => undefined);
      await context.client.query(`DELETE FROM patients WHERE mrn = 'TWICE'`);
      return (await there(context, name)) ? { what: name } : undefined;
    },
  },
  {
    name: 'a link index whose concurrent build was cut off',
    phase: 'weaken',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Index>(context.host, 'index').filter((each) => isLink(each.effect.table)));
      const writer = await context.database.connect();
      await context.client.query(`DROP INDEX IF EXISTS ${quoted(effect.name)}`);
      await writer.query('BEGIN');
      await writer.query(`UPDATE ${quoted(effect.table)} SET id = id WHERE ctid = (SELECT min(ctid) FROM ${quoted(effect.table)})`);
      await context.client.query(`SET lock_timeout = '20ms'`);
      await context.client.query(text.replace(/^CREATE INDEX/, 'CREATE INDEX CONCURRENTLY')).catch(() => undefined);
      await context.client.query('RESET lock_timeout');
      await writer.query('ROLLBACK');
      return (await there(context, effect.name)) ? { what: effect.name } : undefined;
    },
  },
  {
    name: 'a column made anew, so that the order differs',
    phase: 'weaken',
    make: async (context) =>
      (await done(context, 'ALTER TABLE patients DROP COLUMN "middleName"', 'ALTER TABLE patients ADD COLUMN "middleName" varchar(100)'))
        ? { what: 'patients.middleName' }
        : undefined,
  },
  {
    name: 'a further column of the host',
    phase: 'weaken',
    make: async (context) =>
      (await done(context, `ALTER TABLE patients ADD COLUMN "hostNote" text DEFAULT 'none' NOT NULL`))
        ? { what: 'patients.hostNote', allows: ['tables patients'] }
        : undefined,
  },
  {
    name: 'a further index, key and check of the host',
    phase: 'weaken',
    make: async (context) => {
      const kept = await done(
        context,
        'CREATE INDEX host_idx ON bills (total)',
        'ALTER TABLE bills ADD CONSTRAINT host_check CHECK (total IS NULL OR total >= 0)',
      );
      return kept ? { what: 'on bills', allows: ['indexes host_idx', 'checks bills.host_check'] } : undefined;
    },
  },
  {
    name: 'the unique index turned into a constraint',
    phase: 'weaken',
    make: async (context) =>
      (await done(context, 'ALTER TABLE patients ADD CONSTRAINT patients_mrn_key UNIQUE USING INDEX patients_mrn_key'))
        ? { what: 'patients_mrn_key', allows: ['otherConstraints patients.patients_mrn_key'] }
        : undefined,
  },
  {
    name: 'the right key a second time under another name',
    phase: 'weaken',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key'));
      return (await done(context, text.replace(quoted(effect.name), 'by_hand_fkey')))
        ? { what: effect.name, allows: [`foreignKeys ${effect.table}.by_hand_fkey`] }
        : undefined;
    },
  },
  {
    name: 'the leftover of a cut-off REINDEX',
    phase: 'weaken',
    make: async (context) => {
      if (!(await done(context, 'CREATE INDEX "bills_patientId_idx_ccnew" ON bills ("patientId")'))) return undefined;
      await context.client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"bills_patientId_idx_ccnew"'::regclass`);
      return { what: 'bills_patientId_idx_ccnew', allows: ['indexes bills_patientId_idx_ccnew'] };
    },
  },
];

const falsify: Damage[] = [
  ...(
    [
      [
        'another ON DELETE',
        (text: string) => text.replace(/ON DELETE (RESTRICT|SET NULL|CASCADE)/, (_, was) => `ON DELETE ${was === 'CASCADE' ? 'RESTRICT' : 'CASCADE'}`),
      ],
      ['another ON UPDATE', (text: string) => text.replace('ON UPDATE CASCADE', 'ON UPDATE NO ACTION')],
      ['DEFERRABLE', (text: string) => `${text} DEFERRABLE INITIALLY DEFERRED`],
    ] as const
  ).map(
    ([name, change]): Damage => ({
      name: `a key with ${name}`,
      phase: 'falsify',
      make: async (context) => {
        const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key'));
        const valid = context.random.chance(0.5) ? '' : ' NOT VALID';
        return (await done(context, `ALTER TABLE ${quoted(effect.table)} DROP CONSTRAINT IF EXISTS ${quoted(effect.name)}`, `${change(text)}${valid}`))
          ? conflict(`${effect.name}${valid}`)
          : undefined;
      },
    }),
  ),
  {
    name: 'a key of the module to another table',
    phase: 'falsify',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key').filter((each) => each.effect.references === 'users'));
      return (await done(
        context,
        `ALTER TABLE ${quoted(effect.table)} DROP CONSTRAINT IF EXISTS ${quoted(effect.name)}`,
        text.replace('REFERENCES "users"', 'REFERENCES "patients"'),
      ))
        ? conflict(effect.name)
        : undefined;
    },
  },
  {
    name: 'a link key to another table',
    phase: 'falsify',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key').filter((each) => isLink(each.effect.table)));
      return (await done(
        context,
        `ALTER TABLE ${quoted(effect.table)} DROP CONSTRAINT IF EXISTS ${quoted(effect.name)}`,
        text.replace('REFERENCES "patients"', 'REFERENCES "users"'),
      ))
        ? { what: effect.name, refuses: 'LINK_COLUMN_REFERENCES_OTHER' }
        : undefined;
    },
  },
  {
    name: 'an index of our name with another definition',
    phase: 'falsify',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Index>(context.host, 'index'));
      const other = context.random.pick([
        text.replace(/\((.*)\)$/, '("id")'),
        ...(isLink(effect.table) ? [] : [text.replace(/\("([^)]*)\)$/, '("$1 DESC)'), `${text} WHERE id IS NOT NULL`]),
        /UNIQUE/.test(text) ? text.replace('UNIQUE ', '') : text.replace(/\((.*)\)$/, '("id", $1)'),
      ]);
      return (await done(context, `DROP INDEX IF EXISTS ${quoted(effect.name)}`, other)) ? conflict(other) : undefined;
    },
  },
  {
    name: 'an index of our name on another table',
    phase: 'falsify',
    make: async (context) => {
      const { effect } = context.random.pick(all<Index>(context.host, 'index').filter((each) => !isLink(each.effect.table)));
      return (await done(context, `DROP INDEX IF EXISTS ${quoted(effect.name)}`, `CREATE INDEX ${quoted(effect.name)} ON users (id)`))
        ? conflict(effect.name)
        : undefined;
    },
  },
  {
    name: 'the unique index as a constraint that is looked at too late',
    phase: 'falsify',
    make: async (context) =>
      (await done(context, 'DROP INDEX patients_mrn_key', 'ALTER TABLE patients ADD CONSTRAINT patients_mrn_key UNIQUE (mrn) DEFERRABLE'))
        ? conflict('patients_mrn_key DEFERRABLE')
        : undefined,
  },
  {
    name: 'a check of our name with another condition',
    phase: 'falsify',
    make: async (context) => {
      const { effect } = context.random.pick(all<Check>(context.host, 'check'));
      const table = quoted(effect.table);
      return (await done(
        context,
        `ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoted(effect.name)}`,
        `ALTER TABLE ${table} ADD CONSTRAINT ${quoted(effect.name)} CHECK (true)`,
      ))
        ? conflict(effect.name)
        : undefined;
    },
  },
  {
    name: 'a table of the module otherwise',
    phase: 'falsify',
    make: async (context) => {
      const change = context.random.pick([
        'ALTER TABLE patients ALTER COLUMN mrn TYPE text',
        'ALTER TABLE patients ALTER COLUMN "lastName" DROP NOT NULL',
        'ALTER TABLE patients ALTER COLUMN version DROP DEFAULT',
        'ALTER TABLE patients ALTER COLUMN version SET DEFAULT 7',
        'ALTER TABLE patients DROP COLUMN phone CASCADE',
        'ALTER TABLE patients RENAME COLUMN email TO mail',
        'ALTER TABLE patient_contacts DROP COLUMN notes',
        'ALTER TABLE patient_allergies DROP CONSTRAINT patient_allergies_pkey',
        'ALTER TABLE patients DROP CONSTRAINT patients_pkey CASCADE',
        'ALTER TABLE patient_documents ALTER COLUMN "fileSize" SET NOT NULL',
        'ALTER TABLE patients ADD COLUMN "hostMust" text NOT NULL',
        'DROP TYPE "PatientStatus" CASCADE',
      ]);
      if (!(await there(context, 'patients')) && change.includes('PatientStatus')) return undefined;
      return (await done(context, change)) ? conflict(change) : undefined;
    },
  },
  {
    name: 'the enum otherwise',
    phase: 'falsify',
    make: async (context) => {
      const make = (labels: string) => `CREATE TYPE "PatientStatus" AS ENUM (${labels})`;
      const change = context.random.pick([
        `ALTER TYPE "PatientStatus" ADD VALUE 'DUPLICATE'`,
        `ALTER TYPE "PatientStatus" ADD VALUE 'PENDING' BEFORE 'INACTIVE'`,
        `ALTER TYPE "PatientStatus" RENAME VALUE 'ARCHIVED' TO 'RETIRED'`,
        make(`'INACTIVE', 'ACTIVE', 'DECEASED', 'ARCHIVED'`),
        make(`'ACTIVE', 'DECEASED'`),
        make(''),
        `CREATE DOMAIN "PatientStatus" AS text`,
      ]);
      return context.client.query(change).then(
        () => conflict(change),
        () => undefined,
      );
    },
  },
  {
    name: 'something else under one of our names',
    phase: 'falsify',
    make: async (context) => {
      const change = context.random.pick([
        ['CREATE VIEW patient_contacts AS SELECT 1 AS one'],
        ['CREATE MATERIALIZED VIEW patient_documents AS SELECT 1 AS one'],
        ['CREATE SEQUENCE "patients_phone_idx"'],
        ['CREATE TABLE "patients_email_idx" (id int)'],
        ['CREATE TYPE patient_allergies AS (one int)'],
        [movedAway],
        [
          'ALTER TABLE patient_contacts RENAME TO patient_contacts_old',
          'DROP INDEX IF EXISTS "patient_contacts_patientId_priority_idx", "patient_contacts_phone_idx"',
        ],
        ['ALTER TABLE bills DROP CONSTRAINT IF EXISTS "bills_patientId_fkey"', 'ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" CHECK (true)'],
        [
          'ALTER TABLE patient_contacts DROP CONSTRAINT IF EXISTS "patient_contacts_priority_check"',
          'ALTER TABLE patient_contacts ADD CONSTRAINT "patient_contacts_priority_check" UNIQUE ("priority")',
        ],
        ['CREATE TABLE patients (id serial PRIMARY KEY, name text)'],
        ['CREATE TABLE patients (name text)'],
      ]);
      if (!(await done(context, ...change))) return undefined;
      const what = change.join('; ');
      // The keys of the link tables go along, and point to a table that is not ours: that is said first.
      const referred = change[0] === movedAway && (await linksReferTo(context, 'patients_old'));
      return referred ? { what, refuses: 'LINK_COLUMN_REFERENCES_OTHER' } : conflict(what);
    },
  },
  {
    name: "the host's tables otherwise",
    phase: 'falsify',
    make: async (context) => {
      const [change, refuses] = context.random.pick([
        ['ALTER TABLE bills RENAME TO invoices', 'LINK_TABLE_MISSING'],
        ['ALTER TABLE medical_records RENAME COLUMN "patientId" TO person', 'LINK_COLUMN_MISSING'],
        ['DROP TABLE insurance_policies CASCADE', 'LINK_TABLE_MISSING'],
        ['ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE', 'USERS_ID_NOT_UNIQUE'],
      ] as const);
      return (await done(context, change)) ? { what: change, refuses } : undefined;
    },
  },
  {
    name: 'the triggers of a table switched off',
    phase: 'falsify',
    make: async (context) => {
      const { effect } = context.random.pick(all<Key>(context.host, 'foreign-key'));
      const table = context.random.pick([effect.table, effect.references]);
      // Only the keys that are there have triggers; one that is dropped and made anew has new ones.
      const has = await yes(
        context,
        `SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint WHERE t.tgrelid = to_regclass(${literal(quoted(table))}) AND k.conname IN (${all<Key>(
          context.host,
          'foreign-key',
        )
          .map((each) => literal(each.effect.name))
          .join(', ')}))`,
      );
      return has && (await done(context, `ALTER TABLE ${quoted(table)} DISABLE TRIGGER ALL`)) ? { what: table, refuses: 'KEY_NOT_ENFORCED' } : undefined;
    },
  },
];

const rows: Damage[] = [
  {
    name: 'patients, some of them linked',
    phase: 'rows',
    make: async (context) => {
      const id = randomUUID();
      return (await done(
        context,
        patient(id, `MRN-${id.slice(0, 8)}`),
        `UPDATE bills SET "patientId" = '${id}' WHERE ctid IN (SELECT ctid FROM bills LIMIT 2)`,
      ))
        ? { what: 'one' }
        : undefined;
    },
  },
  {
    name: 'orphans in a link table',
    phase: 'rows',
    make: async (context) => {
      const { effect, text } = context.random.pick(all<Key>(context.host, 'foreign-key').filter((each) => isLink(each.effect.table)));
      const table = quoted(effect.table);
      if (await keyIsValid(context, effect)) return undefined;
      const value = context.host.kind === 'text' ? `'card ' || md5(random()::text)` : 'gen_random_uuid()';
      const orphan = `UPDATE ${table} SET "patientId" = ${value} WHERE ctid IN (SELECT ctid FROM ${table} LIMIT 2)`;
      const keyed = await yes(
        context,
        `SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = ${literal(table)}::regclass AND conname = ${literal(effect.name)})`,
      );
      const change = keyed ? [dropConstraint(effect.table, effect.name), orphan, `${text} NOT VALID`] : [orphan];
      return (await yes(context, `SELECT EXISTS (SELECT FROM ${table})`)) && (await done(context, ...change))
        ? { what: effect.table, refuses: 'ORPHANS_PRESENT' }
        : undefined;
    },
  },
  {
    name: 'rows that one of our checks refuses',
    phase: 'rows',
    make: async (context) => {
      const bad = context.random.pick([
        patient(randomUUID(), '  '),
        patient(randomUUID(), 'MRN-BAD-1', { columns: ', gender', values: ", 'F'" }),
        patient(randomUUID(), 'MRN-BAD-2', { columns: ', email', values: ", 'Ines@Example.org'" }),
        patient(randomUUID(), 'MRN-BAD-3', { columns: ', version', values: ', 0' }),
      ]);
      return (await done(context, bad)) ? { what: bad, refuses: 'ROWS_REFUSED' } : undefined;
    },
  },
  {
    name: 'an MRN twice',
    phase: 'rows',
    make: async (context) =>
      (await done(context, patient(randomUUID(), 'MRN-2'), patient(randomUUID(), 'MRN-2'))) ? { what: 'MRN-2', refuses: 'ROWS_REFUSED' } : undefined,
  },
  {
    name: "rows of the module's tables that belong to nobody",
    phase: 'rows',
    make: async (context) => {
      const unknown = literal(randomUUID());
      const bad = context.random.pick([
        `INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship) VALUES (${unknown}, 'Ana', 'Example', 'sister')`,
        `INSERT INTO patient_risk_flags ("patientId", "flagType", severity) VALUES (${unknown}, 'FALL', 'LOW')`,
        patient(randomUUID(), 'MRN-3', { columns: ', "createdBy"', values: `, ${unknown}` }),
        `INSERT INTO mrn_counters ("authorityCode", year, "lastNumber") VALUES ('nobody', 2026, 5)`,
      ]);
      return (await done(context, bad)) ? { what: bad, refuses: 'ROWS_REFUSED' } : undefined;
    },
  },
];

const past = (hours: number) => `now() - interval '${hours} hours'`;

const history: Damage[] = [
  {
    name: 'no history table',
    phase: 'history',
    make: async (context) => ((await done(context, 'DROP TABLE _prisma_migrations')) ? { what: '' } : undefined),
  },
  {
    name: 'the history',
    phase: 'history',
    make: async (context) => {
      const { random, host } = context;
      if (!(await there(context, '_prisma_migrations'))) return undefined;
      const told: string[] = [];
      let refuses: string | undefined;
      const files = random.chance(0.3) ? host.files : host.files.filter(() => random.chance(0.4));
      for (const { name, checksum } of files) {
        const rowsOfFile = random.pick([
          ['applied'],
          ['resolved'],
          ['failed'],
          ['failed', 'applied'],
          ['applied', 'failed'],
          ['rolled back'],
          ['rolled back', 'failed'],
          ['rolled back', 'applied'],
          ['applied', 'rolled back'],
          ['failed', 'failed'],
          ['applied', 'applied'],
          ['rolled back', 'failed', 'resolved'],
          ...(random.chance(0.08) ? [['edited'], ['edited', 'rolled back']] : []),
        ]);
        for (const [at, state] of rowsOfFile.entries()) {
          const finished = state === 'applied' || state === 'resolved' || state === 'edited' || (state === 'rolled back' && random.chance(0.5));
          await context.client.query(
            `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at, logs, applied_steps_count)
             VALUES ($1, $2, $3, ${past(10 - at)}, ${finished ? past(9.9 - at) : 'NULL'}, ${state === 'rolled back' ? past(9.8 - at) : 'NULL'}, $4, $5)`,
            [randomUUID(), state === 'edited' ? '0'.repeat(64) : checksum, name, state === 'failed' ? 'ERROR: canceled' : null, state === 'applied' ? 1 : 0],
          );
        }
        told.push(`${name.slice(15)} ${rowsOfFile.join(' + ')}`);
        if (rowsOfFile[0] === 'edited') refuses = 'MIGRATION_EDITED';
      }
      if (told.length === 0) return undefined;
      return { what: told.join('; '), ...(refuses === undefined ? {} : { refuses }) };
    },
  },
  {
    name: "a failed migration of the host's own",
    phase: 'history',
    make: async (context) =>
      context.random.chance(0.4) &&
      (await done(
        context,
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('${randomUUID()}', '${'1'.repeat(64)}', '20251111101010_add_wards', ${past(3)})`,
      ))
        ? { what: '20251111101010_add_wards', refuses: 'HISTORY_FAILED_MIGRATION' }
        : undefined,
  },
];

const journal: Damage[] = [
  {
    name: 'the journal gone or half',
    phase: 'journal',
    make: async (context) => {
      const change = context.random.pick([
        'DROP SCHEMA onechart CASCADE',
        'DROP TABLE onechart.migration_steps',
        'DROP TABLE onechart.migration_files',
        'DELETE FROM onechart.migration_steps',
        'DELETE FROM onechart.migration_files',
        'UPDATE onechart.migration_files SET "attemptId" = NULL',
        `UPDATE onechart.migration_files SET "attemptId" = 'nobody'`,
        'UPDATE onechart.migration_runs SET "finishedAt" = NULL, outcome = NULL',
        'CREATE SCHEMA onechart',
      ]);
      return (await done(context, change)) ? { what: change } : undefined;
    },
  },
];

/** Every damage, in the order in which they may follow one another. */
export const damages: readonly Damage[] = [...lose, ...weaken, ...falsify, ...rows, ...history, ...journal];
