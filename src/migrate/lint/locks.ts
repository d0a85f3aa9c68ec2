import { droppedNames, type Known, referrers } from './known.ts';
import { alterCommands, columnConstraints, listName, type Node, relationName } from './syntax-node.ts';

/** A table lock of PostgreSQL, from weak to strong. */
const modes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;

export type LockMode = (typeof modes)[number];

/** What is done while the lock is held: nothing that takes long, a table read, an index built, a table written anew. */
export type Work = 'brief' | 'read' | 'build' | 'rewrite';

export interface Lock {
  readonly table: string;
  readonly mode: LockMode;
  readonly work: Work;
}

/** Whether writers wait for it. */
export function blocksWrites(mode: LockMode): boolean {
  return modes.indexOf(mode) >= modes.indexOf('SHARE');
}

/** Whether even a plain SELECT waits for it. */
export function blocksReads(mode: LockMode): boolean {
  return mode === 'ACCESS EXCLUSIVE';
}

export function stronger(left: LockMode, right: LockMode): LockMode {
  return modes.indexOf(left) >= modes.indexOf(right) ? left : right;
}

/** What the locks of a statement depend on. */
interface LockSurroundings {
  readonly known: Known;
  /** Whether a table is made in the same file, so that there is nothing in it to be looked up. */
  readonly isNew?: (table: string) => boolean;
}

/**
 * The table locks a statement takes and holds to the end of its transaction, referenced tables included.
 *
 * From the server's AlterTableGetLockLevel and the chapter "Explicit Locking" of its manual; what depends on a version
 * is taken as in 14 to 18. Row locks of data statements count as ROW EXCLUSIVE.
 */
export function locksOf(kind: string, node: Node, { known, isNew = () => false }: LockSurroundings): Lock[] {
  const lock = (relation: Node | undefined, mode: LockMode, work: Work = 'brief'): Lock[] => (relation ? [{ table: relationName(relation), mode, work }] : []);
  switch (kind) {
    case 'AlterTableStmt':
      return alterLocks(node, { known, isNew });
    case 'IndexStmt':
      return lock(node.relation, node.concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE', 'build');
    case 'CreateStmt':
      return createLocks(node);
    case 'DropStmt':
      return dropLocks(node, known);
    case 'TruncateStmt':
      return (node.relations as Node[]).flatMap((each) => [
        ...lock(each.RangeVar, 'ACCESS EXCLUSIVE'),
        ...(node.behavior === 'DROP_CASCADE' ? referrers(known, relationName(each.RangeVar)) : []).map((table) => ({
          table,
          mode: 'ACCESS EXCLUSIVE' as const,
          work: 'brief' as const,
        })),
      ]);
    case 'RenameStmt':
      return node.renameType === 'OBJECT_INDEX' ? [] : lock(node.relation, 'ACCESS EXCLUSIVE');
    case 'AlterObjectSchemaStmt':
      return node.objectType === 'OBJECT_TABLE' ? lock(node.relation, 'ACCESS EXCLUSIVE') : [];
    case 'CreateTrigStmt':
      return lock(node.relation, 'SHARE ROW EXCLUSIVE');
    case 'RuleStmt':
      return lock(node.relation, 'ACCESS EXCLUSIVE');
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt':
      return lock(node.table, 'ACCESS EXCLUSIVE');
    case 'CreateStatsStmt':
      return ((node.relations ?? []) as Node[]).flatMap((each) => lock(each.RangeVar, 'SHARE UPDATE EXCLUSIVE'));
    case 'ClusterStmt':
      return lock(node.relation, 'ACCESS EXCLUSIVE', 'rewrite');
    case 'VacuumStmt':
      return isFullVacuum(node) ? ((node.rels ?? []) as Node[]).flatMap((each) => lock(each.VacuumRelation.relation, 'ACCESS EXCLUSIVE', 'rewrite')) : [];
    case 'ReindexStmt':
      return reindexLocks(node, known);
    case 'RefreshMatViewStmt':
      return lock(node.relation, node.concurrent ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE', 'rewrite');
    case 'AlterDomainStmt':
      return node.subtype === 'C' ? tablesWith(listName(node.typeName), known).map((table) => ({ table, mode: 'SHARE', work: 'read' })) : [];
    case 'LockStmt':
      return (node.relations as Node[]).flatMap((each) => lock(each.RangeVar, modes[(node.mode as number) - 1] ?? 'ACCESS EXCLUSIVE'));
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return lock(node.relation, 'ROW EXCLUSIVE', 'brief');
    default:
      return [];
  }
}

/** Tables with a column of a domain. */
function tablesWith(domain: string, known: Known): string[] {
  return [...known.tables.values()].filter(({ columns }) => [...columns.values()].some(({ type }) => type === domain)).map(({ name }) => name);
}

/** Whether a VACUUM writes the table anew. */
export function isFullVacuum(node: Node): boolean {
  return ((node.options ?? []) as Node[]).some(({ DefElem: { defname, arg } }) => defname === 'full' && arg?.Boolean?.boolval !== false);
}

/** Whether a REINDEX runs beside writers. */
export function isConcurrentReindex(node: Node): boolean {
  return ((node.params ?? []) as Node[]).some(({ DefElem: { defname } }) => defname === 'concurrently');
}

function reindexLocks(node: Node, known: Known): Lock[] {
  if (!node.relation) return [];
  const table = node.kind === 'REINDEX_OBJECT_INDEX' ? known.indexes.get(node.relation.relname)?.table : relationName(node.relation);
  if (table === undefined) return [];
  // Beside SHARE on the table it holds ACCESS EXCLUSIVE on the index, so that reads which would use the index wait too.
  return [{ table, mode: isConcurrentReindex(node) ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE', work: 'build' }];
}

function createLocks(node: Node): Lock[] {
  const locks: Lock[] = [];
  for (const element of (node.tableElts ?? []) as Node[]) {
    const constraints = element.ColumnDef ? columnConstraints(element.ColumnDef) : element.Constraint ? [element.Constraint as Node] : [];
    for (const constraint of constraints)
      if (constraint.contype === 'CONSTR_FOREIGN') locks.push({ table: relationName(constraint.pktable), mode: 'SHARE ROW EXCLUSIVE', work: 'brief' });
  }
  for (const parent of (node.inhRelations ?? []) as Node[])
    locks.push({ table: relationName(parent.RangeVar), mode: node.partbound ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE', work: 'brief' });
  return locks;
}

function dropLocks(node: Node, known: Known): Lock[] {
  const locks: Lock[] = [];
  if (node.removeType === 'OBJECT_TABLE') {
    for (const table of droppedNames(node)) {
      locks.push({ table, mode: 'ACCESS EXCLUSIVE', work: 'brief' });
      if (node.behavior === 'DROP_CASCADE')
        for (const referrer of referrers(known, table, { directly: true })) locks.push({ table: referrer, mode: 'ACCESS EXCLUSIVE', work: 'brief' });
      // The keys' triggers on the tables it points at go with it.
      for (const { references } of known.tables.get(table)?.constraints.values() ?? [])
        if (references !== undefined && references !== table) locks.push({ table: references, mode: 'ACCESS EXCLUSIVE', work: 'brief' });
    }
  }
  if (node.removeType === 'OBJECT_INDEX')
    for (const name of droppedNames(node)) {
      const table = known.indexes.get(name.split('.').at(-1) as string)?.table;
      if (table !== undefined) locks.push({ table, mode: node.concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE', work: 'brief' });
    }
  if (['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE'].includes(node.removeType))
    for (const object of node.objects as Node[]) {
      const table = (object.List.items as Node[]).at(-2)?.String.sval as string | undefined;
      if (table !== undefined) locks.push({ table, mode: 'ACCESS EXCLUSIVE', work: 'brief' });
    }
  return locks;
}

const weakCommands = new Set([
  'AT_SetStatistics',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ValidateConstraint',
  'AT_DetachPartitionFinalize',
]);

function alterLocks(node: Node, { known, isNew }: Required<LockSurroundings>): Lock[] {
  const table = relationName(node.relation);
  const locks: Lock[] = [];
  for (const command of alterCommands('AlterTableStmt', node)) {
    const { subtype } = command as { subtype: string };
    const add = (mode: LockMode, work: Work = 'brief', of = table) => void locks.push({ table: of, mode, work });
    if (subtype === 'AT_AddConstraint') constraintLocks(command.def.Constraint, { table, isEmpty: isNew(table), toNullColumn: false }, locks);
    else if (subtype === 'AT_AddColumn') {
      const column = command.def.ColumnDef as Node;
      add('ACCESS EXCLUSIVE', rewritesTable(column) ? 'rewrite' : 'brief');
      const on = { table, isEmpty: isNew(table), toNullColumn: !hasValue(column) };
      // NOT NULL of a new column is known from its default; without one it fails, or the table is empty.
      for (const constraint of columnConstraints(column)) if (constraint.contype !== 'CONSTR_NOTNULL') constraintLocks(constraint, on, locks);
    } else if (subtype === 'AT_AlterColumnType') add('ACCESS EXCLUSIVE', typeChangeWork(command, table, known));
    else if (subtype === 'AT_SetNotNull') add('ACCESS EXCLUSIVE', provenNotNull(known, node, command.name) ? 'brief' : 'read');
    else if (/^AT_(SetLogged|SetUnLogged|SetTableSpace|SetAccessMethod)$/.test(subtype)) add('ACCESS EXCLUSIVE', 'rewrite');
    else if (/^AT_(Enable|Disable)(Always|Replica)?Trig/.test(subtype)) add('SHARE ROW EXCLUSIVE');
    else if (subtype === 'AT_DropConstraint') {
      add('ACCESS EXCLUSIVE');
      const references = known.tables.get(table)?.constraints.get(command.name)?.references;
      if (references !== undefined && references !== table) add('ACCESS EXCLUSIVE', 'brief', references);
    } else if (subtype === 'AT_ValidateConstraint') {
      add('SHARE UPDATE EXCLUSIVE', 'read');
      const references = known.tables.get(table)?.constraints.get(command.name)?.references;
      if (references !== undefined) add('ROW SHARE', 'read', references);
    } else if (subtype === 'AT_AttachPartition') {
      add('SHARE UPDATE EXCLUSIVE');
      add('ACCESS EXCLUSIVE', 'read', relationName(command.def.PartitionCmd.name));
    } else if (subtype === 'AT_DetachPartition') {
      const concurrent = command.def.PartitionCmd.concurrent === true;
      add(concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE');
      add('ACCESS EXCLUSIVE', 'brief', relationName(command.def.PartitionCmd.name));
    } else add(weakCommands.has(subtype) ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE');
  }
  return locks;
}

function constraintLocks(constraint: Node, { table, isEmpty, toNullColumn }: { table: string; isEmpty: boolean; toNullColumn: boolean }, locks: Lock[]): void {
  const validated = constraint.skip_validation !== true;
  // A new column without a default is NULL everywhere; the server knows, and reads nothing.
  const work = validated && !toNullColumn && !isEmpty ? 'read' : 'brief';
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN':
      locks.push({ table, mode: 'SHARE ROW EXCLUSIVE', work });
      if (relationName(constraint.pktable) !== table) locks.push({ table: relationName(constraint.pktable), mode: 'SHARE ROW EXCLUSIVE', work });
      break;
    case 'CONSTR_CHECK':
    case 'CONSTR_NOTNULL':
      locks.push({ table, mode: 'ACCESS EXCLUSIVE', work: validated ? 'read' : 'brief' });
      break;
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_EXCLUSION':
      locks.push({ table, mode: 'ACCESS EXCLUSIVE', work: constraint.indexname ? 'brief' : 'build' });
      break;
    default:
  }
}

/** Whether a new column holds anything in the rows that are there. */
export function hasValue(column: Node): boolean {
  return columnConstraints(column).some(({ contype }) => ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'].includes(contype));
}

/** Whether a new column makes the server write every row anew. */
export function rewritesTable(column: Node): boolean {
  if (/^(small|big)?serial[248]?$/.test(column.typeName?.names?.at(-1)?.String?.sval ?? '')) return true;
  return columnConstraints(column).some(
    ({ contype, generated_kind: stored, raw_expr: expression }) =>
      contype === 'CONSTR_IDENTITY' || (contype === 'CONSTR_GENERATED' && stored !== 'v') || (contype === 'CONSTR_DEFAULT' && isVolatile(expression)),
  );
}

/** Functions that give the same value for all rows of a statement; any other one is taken as volatile. */
const stableFunctions = new Set([
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'current_setting',
  'current_database',
  'current_schema',
  'current_user',
  'session_user',
  'to_timestamp',
  'to_date',
  'lower',
  'upper',
  'concat',
  'jsonb_build_object',
  'json_build_object',
  'jsonb_build_array',
  'make_interval',
  'make_date',
  'age',
  'date_trunc',
  'date',
  'timezone',
  'md5',
  'length',
  'coalesce',
  'array_fill',
  'int4range',
  'tstzrange',
  'to_tsvector',
  'txid_current',
  'pg_current_xact_id',
]);

/** Whether a default can differ from row to row. */
export function isVolatile(expression: Node | undefined): boolean {
  if (!expression) return false;
  const [kind, node] = Object.entries(expression)[0] as [string, Node];
  switch (kind) {
    case 'A_Const':
    case 'SQLValueFunction':
    case 'ColumnRef':
      return false;
    case 'TypeCast':
    case 'CollateClause':
      return isVolatile(node.arg);
    case 'A_ArrayExpr':
      return ((node.elements ?? []) as Node[]).some(isVolatile);
    case 'A_Expr':
      return isVolatile(node.lexpr) || isVolatile(node.rexpr);
    case 'RowExpr':
    case 'CoalesceExpr':
    case 'BoolExpr':
      return ((node.args ?? []) as Node[]).some(isVolatile);
    case 'FuncCall':
      return !stableFunctions.has(node.funcname.at(-1).String.sval) || ((node.args ?? []) as Node[]).some(isVolatile);
    default:
      return true;
  }
}

/**
 * Whether a validated check (or not-null constraint) of an earlier statement spares SET NOT NULL its reading. One that
 * the same ALTER TABLE drops does not: the server drops first, wherever the command stands.
 */
export function provenNotNull(known: Known, alter: Node, column: string): boolean {
  const dropped = new Set(alterCommands('AlterTableStmt', alter).flatMap(({ subtype, name }) => (subtype === 'AT_DropConstraint' ? [name as string] : [])));
  const constraints = known.tables.get(relationName(alter.relation))?.constraints ?? [];
  return [...constraints].some(([name, { valid, provesNotNull }]) => valid && provesNotNull === column && !dropped.has(name));
}

/** What a change of a column's type costs, when the folder tells the type it had; a rewrite otherwise. */
export function typeChangeWork(command: Node, table: string, known: Known): Work {
  const before = known.tables.get(table)?.columns.get(command.name);
  const definition = command.def.ColumnDef as Node;
  if (!before || definition.raw_default) return 'rewrite';
  const type = definition.typeName?.names?.at(-1)?.String?.sval as string;
  const modifiers = ((definition.typeName?.typmods ?? []) as Node[]).map((each) => (each.A_Const?.ival?.ival as number | undefined) ?? 0);
  const array = (definition.typeName?.arrayBounds ?? []).length > 0;
  if (array !== before.array) return 'rewrite';
  const same = type === before.type;
  if ((before.type === 'varchar' || before.type === 'text') && (type === 'text' || (type === 'varchar' && modifiers.length === 0))) return 'brief';
  const [now = Number.POSITIVE_INFINITY, scale = 0] = modifiers;
  const [was = Number.POSITIVE_INFINITY, scaleBefore = 0] = before.modifiers;
  if (same && ['varchar', 'varbit', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'].includes(type)) return now >= was ? 'brief' : 'rewrite';
  if (same && type === 'numeric') return modifiers.length === 0 || (before.modifiers.length > 0 && now >= was && scale === scaleBefore) ? 'brief' : 'rewrite';
  if (same && modifiers.join() === before.modifiers.join()) return 'brief';
  if (before.type === 'cidr' && type === 'inet') return 'brief';
  return 'rewrite';
}
