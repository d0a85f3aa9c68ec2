import { isFullVacuum } from '../locks.ts';
import { alone, alterCommand, quoted, statements } from '../rewrite.ts';
import type { Rule } from '../rule.ts';
import { alterCommands, relationName } from '../syntax-node.ts';

export const tableRules: readonly Rule[] = [
  {
    id: 'table-renamed',
    title: 'Renamed table',
    why: 'The program version that still runs asks for the old name and fails; the new one fails until the migration is through.',
    rewrite: 'Keep the table and rename the model in the Prisma schema alone: @@map("old_name"). Else rename and leave a view under the old name.',
    severity: 'error',
    squawk: ['renaming-table'],
    *check({ kind, node, statement }, { isLive }) {
      const moved = kind === 'AlterObjectSchemaStmt' && node.objectType === 'OBJECT_TABLE';
      if (!moved && !(kind === 'RenameStmt' && node.renameType === 'OBJECT_TABLE')) return;
      const table = relationName(node.relation);
      if (!isLive(table)) return;
      const to = moved ? `${node.newschema}.${node.relation.relname}` : node.newname;
      yield {
        message: `${table} is called ${to} from now on; whoever runs the old version fails.`,
        rewrite: statements(
          statement.text,
          '-- from PostgreSQL 15 on WITH (security_invoker), so that the rights of whoever asks count',
          `CREATE VIEW ${quoted(table)} AS SELECT * FROM ${quoted(to)}`,
        ),
      };
    },
  },
  {
    id: 'table-rewritten',
    title: 'Table written anew: SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD',
    why: 'The whole table is copied under ACCESS EXCLUSIVE.',
    rewrite: 'A new table with the property, rows copied in batches; or when nobody works.',
    severity: 'error',
    *check({ kind, node }, { isLive }) {
      const table = node.relation ? relationName(node.relation) : '';
      for (const { subtype } of alterCommands(kind, node))
        if (/^AT_(SetLogged|SetUnLogged|SetTableSpace|SetAccessMethod)$/.test(subtype) && isLive(table))
          yield { message: `${table} is copied as a whole while nobody can use it.`, stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'rewrite' } };
    },
  },
  {
    id: 'vacuum-full-or-cluster',
    title: 'VACUUM FULL or CLUSTER',
    why: 'The whole table is written anew under ACCESS EXCLUSIVE.',
    rewrite: 'pg_repack, or REPACK (CONCURRENTLY) from PostgreSQL 19 on.',
    severity: 'error',
    squawk: ['prefer-repack'],
    *check({ kind, node, locks }) {
      if (kind !== 'ClusterStmt' && !(kind === 'VacuumStmt' && isFullVacuum(node))) return;
      const table = locks[0]?.table;
      yield {
        message: `${table ?? 'Every table'} is written anew while nobody can use it.`,
        stall: table === undefined ? undefined : { table, lock: 'ACCESS EXCLUSIVE', work: 'rewrite' },
      };
    },
  },
  {
    id: 'view-refresh-blocks',
    title: 'REFRESH MATERIALIZED VIEW without CONCURRENTLY',
    why: 'Nobody can read the view until it is filled anew.',
    rewrite: 'REFRESH MATERIALIZED VIEW CONCURRENTLY; it needs a unique index on the view.',
    severity: 'warning',
    *check({ kind, node }, { isLive }) {
      if (kind !== 'RefreshMatViewStmt' || node.concurrent || !isLive(relationName(node.relation))) return;
      const view = relationName(node.relation);
      yield { message: `${view} cannot be read while it is filled.`, rewrite: statements(`REFRESH MATERIALIZED VIEW CONCURRENTLY ${quoted(view)}`) };
    },
  },
  {
    id: 'partition-detach-blocks',
    title: 'DETACH PARTITION without CONCURRENTLY',
    why: 'It takes ACCESS EXCLUSIVE on the partitioned table: every query on any partition through it waits.',
    rewrite: 'DETACH PARTITION … CONCURRENTLY, alone in a migration file. It leaves a check with the old bounds on the partition.',
    severity: 'warning',
    squawk: ['require-concurrent-partition-detach'],
    *check(context, { isLive }) {
      for (const [index, { subtype, def }] of alterCommands(context.kind, context.node).entries()) {
        const table = context.node.relation ? relationName(context.node.relation) : '';
        if (subtype !== 'AT_DetachPartition' || def.PartitionCmd.concurrent || !isLive(table)) continue;
        yield {
          message: `${table} is locked against reads and writes while ${relationName(def.PartitionCmd.name)} is detached.`,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'brief' },
          rewrite: statements(
            alone,
            alterCommand(context, index, (command) => `${command} CONCURRENTLY`) ?? context.statement.text,
            '-- a check with the old bounds stays on the partition; drop it when other rows are to come',
          ),
        };
      }
    },
  },
  {
    id: 'partition-attach-reads-table',
    title: 'ATTACH PARTITION of a live table',
    why: 'The new partition is read under ACCESS EXCLUSIVE to see that its rows belong there, unless a validated check says so already.',
    rewrite: 'First a CHECK with the bounds, NOT VALID, then VALIDATE, then ATTACH; then drop the check.',
    severity: 'warning',
    *check({ kind, node }, { isLive, before }) {
      for (const { subtype, def } of alterCommands(kind, node)) {
        if (subtype !== 'AT_AttachPartition') continue;
        const part = relationName(def.PartitionCmd.name);
        const checked = [...(before.tables.get(part)?.constraints.values() ?? [])].some((each) => each.kind === 'check' && each.valid);
        if (isLive(part) && !checked)
          yield { message: `Every row of ${part} is read while nobody can use it.`, stall: { table: part, lock: 'ACCESS EXCLUSIVE', work: 'read' } };
      }
    },
  },
  {
    id: 'table-locked-by-hand',
    title: 'LOCK TABLE',
    why: 'The lock is held until the transaction ends, whatever else the file does.',
    rewrite: 'Leave it out: the statements take the locks they need.',
    severity: 'warning',
    *check({ kind, locks }) {
      if (kind !== 'LockStmt') return;
      for (const { table, mode } of locks)
        yield { message: `${table} is locked in ${mode} mode to the end of the transaction.`, stall: { table, lock: mode, work: 'brief' } };
    },
  },
  {
    id: 'triggers-disabled',
    title: 'DISABLE TRIGGER',
    why: 'ALL includes the triggers of foreign keys: rows that break a key get in, and nothing ever checks them again. It holds for every session, not only for this one.',
    rewrite: 'Leave the triggers on; for a load of rows use SET LOCAL session_replication_role, and validate afterwards.',
    severity: 'error',
    *check({ kind, node }, { isLive }) {
      for (const { subtype, name } of alterCommands(kind, node)) {
        const table = relationName(node.relation);
        if (subtype.startsWith('AT_DisableTrig') && isLive(table))
          yield {
            message:
              subtype === 'AT_DisableTrig'
                ? `Trigger ${name} of ${table} does not fire for anybody.`
                : `No trigger of ${table} fires for anybody${subtype === 'AT_DisableTrigAll' ? ', foreign keys included' : ''}.`,
            severity: subtype === 'AT_DisableTrigAll' ? 'error' : 'warning',
          };
      }
    },
  },
];
