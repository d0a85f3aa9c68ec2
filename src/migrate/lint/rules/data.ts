import type { Hit, Rule } from '../rule.ts';
import { type Node, relationName } from '../syntax-node.ts';

export const dataRules: readonly Rule[] = [
  {
    id: 'whole-table-changed',
    title: 'UPDATE or DELETE without WHERE on a live table',
    why: 'Every row is locked until the transaction ends, writers of any of them wait, and as many dead rows are left behind as there were.',
    rewrite: 'In batches by range of the key, each its own transaction, outside of the migration.',
    severity: 'warning',
    *check({ kind, node }, { isLive }) {
      if ((kind !== 'UpdateStmt' && kind !== 'DeleteStmt') || node.whereClause) return;
      const table = relationName(node.relation);
      if (!isLive(table)) return;
      yield {
        message: `Every row of ${table} is ${kind === 'UpdateStmt' ? 'changed' : 'deleted'} in one transaction.`,
        severity: kind === 'DeleteStmt' ? 'error' : 'warning',
        stall: { table, lock: 'ROW EXCLUSIVE', work: 'rewrite' },
      };
    },
  },
  {
    id: 'column-named-twice',
    title: 'Column named twice',
    why: 'PostgreSQL refuses the statement (42701, 42601).',
    rewrite: 'Name each column once.',
    severity: 'error',
    squawk: ['ban-duplicate-column-assignments'],
    *check({ kind, node }): Iterable<Hit> {
      const named: { name: string; location: number | undefined }[] = [];
      const target = (each: Node) => {
        const { ResTarget } = each;
        if (ResTarget && !ResTarget.indirection) named.push({ name: ResTarget.name, location: ResTarget.location });
      };
      if (kind === 'UpdateStmt') for (const each of (node.targetList ?? []) as Node[]) target(each);
      if (kind === 'InsertStmt') for (const each of (node.cols ?? []) as Node[]) target(each);
      if (kind === 'CreateStmt')
        for (const each of (node.tableElts ?? []) as Node[])
          if (each.ColumnDef) named.push({ name: each.ColumnDef.colname, location: each.ColumnDef.location });
      const seen = new Set<string>();
      for (const { name, location } of named) {
        if (seen.has(name)) yield { message: `${name} is named a second time.`, location };
        seen.add(name);
      }
      if (kind === 'InsertStmt' && node.onConflictClause?.targetList) {
        const again = new Set<string>();
        for (const { ResTarget } of node.onConflictClause.targetList as Node[]) {
          if (again.has(ResTarget.name)) yield { message: `${ResTarget.name} is named a second time.`, location: ResTarget.location };
          again.add(ResTarget.name);
        }
      }
    },
  },
];
