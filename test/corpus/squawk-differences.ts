/** A verdict in which this linter and squawk part on a file of the corpus, and why that is meant. */
export interface Difference {
  readonly files: readonly string[];
  /** Rules of squawk that find something there where ours does not. */
  readonly squawkOnly?: readonly string[];
  /** Rules of ours that have a counterpart in squawk, which finds nothing there. */
  readonly oursOnly?: readonly string[];
  readonly reason: string;
}

const timeouts = ['require-lock-timeout', 'require-statement-timeout'];

/** Every difference; the test fails on one that is not listed, and on one that is listed and gone. */
export const squawkDifferences: readonly Difference[] = [
  {
    files: ['000_base.sql', '001_new_table.sql'],
    squawkOnly: timeouts,
    reason: 'Only tables of the same file are touched. Nobody can wait for them, so ours asks for no time limit.',
  },
  {
    files: [
      '004_index_concurrently_alone.sql',
      '006_index_if_not_exists.sql',
      '008_index_concurrently_on_partitioned_table.sql',
      '012_reindex_concurrently.sql',
    ],
    squawkOnly: timeouts,
    reason:
      'CONCURRENTLY takes a lock that no writer waits for. A lock_timeout can cut the build off and leave an INVALID index behind; in a file of Prisma, SET beside it would make a transaction of both, in which CONCURRENTLY is refused.',
  },
  {
    files: ['042_enum_value.sql', '044_enum_value_renamed.sql', '053_domain_with_check.sql', '068_grants_and_comments.sql'],
    squawkOnly: timeouts,
    reason: 'ALTER TYPE … ADD or RENAME VALUE, CREATE DOMAIN, COMMENT, GRANT and CREATE EXTENSION take no lock on a table that a reader or writer waits for.',
  },
  {
    files: ['064_drop_database.sql'],
    squawkOnly: timeouts,
    reason: 'DROP DATABASE is refused at once while somebody is connected; a time limit changes nothing about it.',
  },
  {
    files: ['004_index_concurrently_alone.sql', '005_index_concurrently_among_others.sql', '008_index_concurrently_on_partitioned_table.sql'],
    squawkOnly: ['prefer-robust-stmts'],
    reason:
      'squawk asks for IF NOT EXISTS. Ours warns of it (if-not-exists-hides-invalid-index): a build that was cut off leaves an INVALID index, which IF NOT EXISTS takes for done.',
  },
  {
    files: ['031_set_not_null_with_check.sql', '075_set_not_null_and_drop_check_at_once.sql'],
    squawkOnly: ['prefer-robust-stmts'],
    reason:
      'After COMMIT the rest of the query is an implicit transaction again, which is undone as a whole. Ours reports the COMMIT itself (transaction-control), as squawk does too.',
  },
  {
    files: ['010_drop_index_concurrently_among_others.sql'],
    oursOnly: ['concurrently-in-transaction'],
    reason: 'squawk looks for CREATE INDEX CONCURRENTLY alone; PostgreSQL refuses DROP INDEX, REINDEX and DETACH PARTITION CONCURRENTLY in a transaction too.',
  },
  {
    files: ['029_serial_column.sql'],
    oursOnly: ['column-default-rewrites-table'],
    reason: 'serial stands for DEFAULT nextval(), which is volatile: every row is written anew. squawk only looks for a written DEFAULT.',
  },
  {
    files: ['075_set_not_null_and_drop_check_at_once.sql'],
    oursOnly: ['not-null-reads-table'],
    reason: 'ALTER TABLE drops before it sets, in whatever order it is written: the check that would have proved NOT NULL is gone, and the table is read.',
  },
  {
    files: ['076_column_with_default_and_check.sql'],
    oursOnly: ['check-blocks-table'],
    reason: 'A check that comes with a new column is tried on every row as well; squawk looks at ADD CONSTRAINT alone.',
  },
  {
    files: ['033_longer_varchar.sql', '034_varchar_to_text.sql'],
    squawkOnly: ['changing-column-type'],
    reason:
      'The earlier migrations tell the type before: a longer varchar, and text for varchar, need neither a rewrite nor a look at the rows. squawk reads each file by itself.',
  },
  {
    files: ['045_unquoted_rollback.sql'],
    squawkOnly: ['require-concurrent-index-deletion'],
    reason:
      'The unquoted name means an index that does not exist, and IF EXISTS skips it: nothing is locked, nothing is dropped. Ours says so (unquoted-mixed-case), as an error.',
  },
  {
    files: ['046_if_exists_wrong_name.sql'],
    squawkOnly: ['ban-drop-table'],
    reason:
      'No earlier migration makes a table of this name: IF EXISTS skips it and nothing is lost. Ours says that the name is wrong (if-exists-hides-wrong-name).',
  },
  {
    files: ['057_vacuum_full.sql', '058_cluster.sql'],
    oursOnly: ['vacuum-full-or-cluster'],
    reason: 'squawk only recommends REPACK, and only from PostgreSQL 19 on; the table is written anew under ACCESS EXCLUSIVE in every version.',
  },
  {
    files: ['065_syntax_error.sql'],
    oursOnly: ['table-without-schema'],
    reason: 'Ours goes on with the statements around a syntax error. (The opt-in rule stands for all others here.)',
  },
  {
    files: ['066_ignored.sql'],
    squawkOnly: ['ban-drop-table', ...timeouts],
    reason: 'Waived by comments of ours (onechart:ignore), which squawk does not read; it has its own.',
  },
  {
    files: ['070_set_schema.sql'],
    oursOnly: ['table-renamed'],
    reason: 'SET SCHEMA takes the table away from running programs just as RENAME does; squawk 2.66 has no rule for it.',
  },
  {
    files: ['071_psql_script.sql'],
    squawkOnly: ['require-concurrent-index-creation'],
    reason: 'The table was made a line above in the same file and is empty; that its CREATE TABLE has committed does not fill it.',
  },
];

/** Every rule of squawk 2.66, as its --exclude takes them. */
export const squawkRules: readonly string[] = [
  'adding-field-with-default',
  'adding-foreign-key-constraint',
  'adding-not-nullable-field',
  'adding-required-field',
  'adding-serial-primary-key-field',
  'ban-alter-domain-with-add-constraint',
  'ban-char-field',
  'ban-concurrent-index-creation-in-transaction',
  'ban-create-domain-with-constraint',
  'ban-drop-column',
  'ban-drop-database',
  'ban-drop-not-null',
  'ban-drop-table',
  'ban-duplicate-column-assignments',
  'ban-truncate-cascade',
  'ban-uncommitted-transaction',
  'changing-column-type',
  'constraint-missing-not-valid',
  'disallowed-unique-constraint',
  'identifier-too-long',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-identity',
  'prefer-repack',
  'prefer-robust-stmts',
  'prefer-text-field',
  'prefer-timestamp-tz',
  'renaming-column',
  'renaming-table',
  'require-concurrent-index-creation',
  'require-concurrent-index-deletion',
  'require-concurrent-partition-detach',
  'require-concurrent-reindex',
  'require-enum-value-ordering',
  'require-lock-timeout',
  'require-statement-timeout',
  'require-table-schema',
  'require-timeout-settings',
  'transaction-nesting',
];
