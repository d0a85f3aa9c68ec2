import { isConcurrentReindex } from '../locks.ts';
import { alone, concurrently, quoted, statements } from '../rewrite.ts';
import type { Hit, Rule, StatementContext } from '../rule.ts';
import { alterCommands, relationName } from '../syntax-node.ts';
import { droppedNames } from '../known.ts';

/** What a statement with CONCURRENTLY does; undefined for all others. */
function concurrentWork({ kind, node }: StatementContext): string | undefined {
  if (kind === 'IndexStmt' && node.concurrent) return 'CREATE INDEX CONCURRENTLY';
  if (kind === 'DropStmt' && node.concurrent) return 'DROP INDEX CONCURRENTLY';
  if (kind === 'ReindexStmt' && isConcurrentReindex(node)) return 'REINDEX CONCURRENTLY';
  if (alterCommands(kind, node).some(({ subtype, def }) => subtype === 'AT_DetachPartition' && def.PartitionCmd.concurrent))
    return 'DETACH PARTITION CONCURRENTLY';
  return undefined;
}

export const indexRules: readonly Rule[] = [
  {
    id: 'index-blocks-writes',
    title: 'CREATE INDEX on a live table without CONCURRENTLY',
    why: 'It holds a SHARE lock while the whole table is read and the index built: every INSERT, UPDATE and DELETE on the table waits for so long.',
    rewrite: 'CREATE INDEX CONCURRENTLY, alone in a migration file.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['require-concurrent-index-creation'],
    *check({ kind, node, statement }, { isLive, before }) {
      if (kind !== 'IndexStmt' || node.concurrent) return;
      const table = relationName(node.relation);
      if (!isLive(table)) return;
      const partitioned = before.tables.get(table)?.partitioned === true;
      yield {
        message: `Index ${node.idxname ?? 'without a name'} is built on ${table} while writes to it wait.`,
        stall: { table, lock: 'SHARE', work: 'build' },
        rewrite: partitioned
          ? statements(
              statement.text.replace(/\bon\s+(?=["\w])/i, 'ON ONLY '),
              '-- then for each partition, alone in a migration file: CREATE INDEX CONCURRENTLY … ON <partition>, and',
              `ALTER INDEX ${quoted(node.idxname ?? 'index')} ATTACH PARTITION <its index>`,
            )
          : statements(alone, concurrently(statement.text)),
      };
    },
  },
  {
    id: 'drop-index-blocks',
    title: 'DROP INDEX on a live table without CONCURRENTLY',
    why: 'It takes ACCESS EXCLUSIVE on the table: it waits for every running query, and every later query waits behind it.',
    rewrite: 'DROP INDEX CONCURRENTLY, alone in a migration file.',
    severity: 'warning',
    avoidedByApply: true,
    squawk: ['require-concurrent-index-deletion'],
    *check({ kind, node }, { isLive, before, complete }) {
      if (kind !== 'DropStmt' || node.removeType !== 'OBJECT_INDEX' || node.concurrent) return;
      for (const name of droppedNames(node)) {
        const table = before.indexes.get(name.split('.').at(-1) as string)?.table;
        if (table === undefined ? complete : !isLive(table)) continue;
        yield {
          message: `Dropping index ${name} locks ${table ?? 'its table'} against reads and writes.`,
          stall: table === undefined ? undefined : { table, lock: 'ACCESS EXCLUSIVE', work: 'brief' },
          rewrite: statements(alone, `DROP INDEX CONCURRENTLY ${quoted(name)}`),
        };
      }
    },
  },
  {
    id: 'reindex-blocks',
    title: 'REINDEX without CONCURRENTLY',
    why: 'Writes to the table wait until every index is built anew, and reads that would use the index wait as well.',
    rewrite: 'REINDEX … CONCURRENTLY, alone in a migration file.',
    severity: 'error',
    squawk: ['require-concurrent-reindex'],
    *check({ kind, node, statement, locks }) {
      if (kind !== 'ReindexStmt' || isConcurrentReindex(node) || node.kind === 'REINDEX_OBJECT_SYSTEM') return;
      const table = locks[0]?.table;
      yield {
        message: `REINDEX holds up writes to ${table ?? node.relation?.relname ?? node.name ?? 'the table'} while it builds.`,
        stall: table === undefined ? undefined : { table, lock: 'SHARE', work: 'build' },
        rewrite: statements(alone, statement.text.replace(/^(reindex\s+(?:\([^)]*\)\s*)?(?:index|table|schema|database))/i, '$1 CONCURRENTLY')),
      };
    },
  },
  {
    id: 'concurrently-in-transaction',
    title: 'CONCURRENTLY inside a transaction',
    why: 'PostgreSQL refuses it there (25001). Prisma sends a file as one query, and two statements or more in one query are one transaction.',
    rewrite: 'A migration file that holds this statement alone.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['ban-concurrent-index-creation-in-transaction'],
    *check(context) {
      const work = concurrentWork(context);
      if (work === undefined || context.transaction === undefined) return;
      yield {
        message: `${work} cannot run here: the file's ${context.script.statements.length} statements are one transaction.`,
        rewrite: statements(alone, context.statement.text),
      };
    },
  },
  {
    id: 'concurrently-hangs',
    title: 'CONCURRENTLY while another session may wait for the migration lock',
    why: "Prisma holds an advisory lock while it migrates. A second deploy waits for it inside a statement, and CONCURRENTLY waits for every older statement to end: each waits for the other, and PostgreSQL's deadlock detection sees only one side. An index that is cut off there stays behind INVALID.",
    rewrite:
      'Let one deploy run at a time (one job, not one for each container), or build the index with `onechart migrate apply`, which releases the lock for whoever waits.',
    severity: 'warning',
    avoidedByApply: true,
    *check(context, { runner }) {
      const work = concurrentWork(context);
      if (work === undefined || runner !== 'prisma' || context.transaction !== undefined) return;
      yield { message: `${work} hangs when a second deploy waits for Prisma's advisory lock.` };
    },
  },
  {
    id: 'if-not-exists-hides-invalid-index',
    title: 'CREATE INDEX IF NOT EXISTS',
    why: 'A build that was cut off leaves an INVALID index under the name. IF NOT EXISTS then skips with a notice, the migration counts as applied, and no query ever uses the index; a unique one does not keep duplicates out of old rows. An index of another definition under the name is skipped just the same.',
    rewrite: 'DROP INDEX CONCURRENTLY IF EXISTS first, then CREATE INDEX without IF NOT EXISTS.',
    severity: 'warning',
    avoidedByApply: true,
    *check({ kind, node, statement }) {
      if (kind !== 'IndexStmt' || !node.if_not_exists) return;
      yield {
        message: `If ${node.idxname} is there but INVALID, or is another index, this does nothing and succeeds.`,
        rewrite: statements(
          alone,
          `DROP INDEX CONCURRENTLY IF EXISTS ${quoted(node.idxname)}`,
          '-- alone in the next migration file:',
          concurrently(statement.text),
        ),
      };
    },
  },
  {
    id: 'concurrently-on-partitioned-table',
    title: 'CREATE INDEX CONCURRENTLY on a partitioned table',
    why: 'PostgreSQL refuses it.',
    rewrite: 'CREATE INDEX … ON ONLY the parent, one CREATE INDEX CONCURRENTLY for each partition, then ALTER INDEX … ATTACH PARTITION.',
    severity: 'error',
    *check({ kind, node }, { before }): Iterable<Hit> {
      if (kind !== 'IndexStmt' || !node.concurrent || node.relation.inh === false) return;
      const table = relationName(node.relation);
      if (before.tables.get(table)?.partitioned) yield { message: `${table} is partitioned; PostgreSQL cannot build this index concurrently.` };
    },
  },
];
