import { alterCommands, columnConstraints, listName, type Node, relationName, strings, typeModifiers, typeName } from './syntax-node.ts';

/** What the statements read so far have made, as far as their text tells. */
export interface Known {
  readonly tables: Map<string, KnownTable>;
  readonly indexes: Map<string, KnownIndex>;
  readonly enums: Map<string, KnownEnum>;
  readonly domains: Map<string, { readonly madeBy: number | undefined }>;
  /** Every name that exists, of whatever kind: what DROP … IF EXISTS may mean. */
  readonly names: Set<string>;
}

export interface KnownTable {
  readonly name: string;
  /** Number of the file that makes it; undefined when it comes from elsewhere. */
  readonly madeBy: number | undefined;
  readonly partitioned: boolean;
  /** A table of one session, or a materialized view. */
  readonly kind: 'table' | 'temporary' | 'view';
  readonly columns: Map<string, KnownColumn>;
  readonly constraints: Map<string, KnownConstraint>;
}

export interface KnownColumn {
  readonly type: string;
  readonly modifiers: readonly number[];
  readonly array: boolean;
}

export interface KnownConstraint {
  readonly kind: 'foreign-key' | 'check' | 'unique' | 'primary-key' | 'exclusion' | 'not-null';
  readonly columns: readonly string[];
  readonly references?: string;
  /** The column that a check proves to be NOT NULL. */
  readonly provesNotNull?: string;
  readonly valid: boolean;
}

export interface KnownIndex {
  readonly table: string;
  /** Names of its columns in order; undefined where it holds an expression. */
  readonly columns: readonly (string | undefined)[];
  readonly partial: boolean;
}

export interface KnownEnum {
  readonly madeBy: number | undefined;
  readonly values: Set<string>;
}

export function nothingKnown(): Known {
  return { tables: new Map(), indexes: new Map(), enums: new Map(), domains: new Map(), names: new Set() };
}

/** A copy that can learn without changing the original. */
export function copyOfKnown({ tables, indexes, enums, domains, names }: Known): Known {
  const copied = [...tables].map(([name, table]): [string, KnownTable] => [
    name,
    { ...table, columns: new Map(table.columns), constraints: new Map(table.constraints) },
  ]);
  const values = [...enums].map(([name, each]): [string, KnownEnum] => [name, { ...each, values: new Set(each.values) }]);
  return { tables: new Map(copied), indexes: new Map(indexes), enums: new Map(values), domains: new Map(domains), names: new Set(names) };
}

/** Takes a statement into account. What it does not understand changes nothing. */
export function learn(known: Known, kind: string, node: Node, file: number): void {
  learners[kind]?.(known, node, file);
}

/** Columns of a foreign key, check, key … as far as they are named. */
function constraintOf(constraint: Node, column?: string): KnownConstraint | undefined {
  const columns = (list: Node[] | undefined) => (list ? strings(list) : column === undefined ? [] : [column]);
  const valid = constraint.skip_validation !== true;
  switch (constraint.contype) {
    case 'CONSTR_FOREIGN':
      return { kind: 'foreign-key', columns: columns(constraint.fk_attrs), references: relationName(constraint.pktable), valid };
    case 'CONSTR_PRIMARY':
      return { kind: 'primary-key', columns: columns(constraint.keys), valid: true };
    case 'CONSTR_UNIQUE':
      return { kind: 'unique', columns: columns(constraint.keys), valid: true };
    case 'CONSTR_EXCLUSION':
      return { kind: 'exclusion', columns: [], valid: true };
    case 'CONSTR_CHECK': {
      const test = constraint.raw_expr?.NullTest as Node | undefined;
      const proves = test?.nulltesttype === 'IS_NOT_NULL' ? (test.arg?.ColumnRef?.fields?.at(-1)?.String?.sval as string | undefined) : undefined;
      return { kind: 'check', columns: columns(undefined), valid, ...(proves === undefined ? {} : { provesNotNull: proves }) };
    }
    case 'CONSTR_NOTNULL': {
      const [proves] = columns(constraint.keys);
      return { kind: 'not-null', columns: columns(constraint.keys), valid, ...(proves === undefined ? {} : { provesNotNull: proves }) };
    }
    default:
      return undefined;
  }
}

/** PostgreSQL's own name for a constraint without one (its cut at 63 bytes left aside). */
function nameOf(constraint: Node, table: string, columns: readonly string[]): string {
  const suffix = {
    CONSTR_FOREIGN: 'fkey',
    CONSTR_PRIMARY: 'pkey',
    CONSTR_UNIQUE: 'key',
    CONSTR_CHECK: 'check',
    CONSTR_EXCLUSION: 'excl',
    CONSTR_NOTNULL: 'not_null',
  }[constraint.contype as string];
  const base = table.split('.').at(-1);
  return constraint.conname ?? [base, ...(constraint.contype === 'CONSTR_PRIMARY' ? [] : columns), suffix].join('_');
}

/** The table under a name; one that came from elsewhere is taken in without its columns. */
function tableOf(known: Known, name: string): KnownTable {
  const there = known.tables.get(name);
  if (there) return there;
  const table: KnownTable = { name, madeBy: undefined, partitioned: false, kind: 'table', columns: new Map(), constraints: new Map() };
  known.tables.set(name, table);
  return table;
}

function addConstraint(known: Known, table: KnownTable, constraint: Node, column?: string): void {
  const made = constraintOf(constraint, column);
  if (!made) return;
  const name = nameOf(constraint, table.name, made.columns);
  table.constraints.set(name, made);
  if (made.kind === 'primary-key' || made.kind === 'unique' || made.kind === 'exclusion') {
    const from = constraint.indexname ? known.indexes.get(constraint.indexname) : undefined;
    if (constraint.indexname) known.indexes.delete(constraint.indexname);
    known.indexes.set(name, from ?? { table: table.name, columns: made.columns, partial: false });
  }
  known.names.add(name);
}

function addColumn(known: Known, table: KnownTable, column: Node): void {
  table.columns.set(column.colname, {
    type: typeName(column.typeName),
    modifiers: typeModifiers(column.typeName),
    array: (column.typeName?.arrayBounds ?? []).length > 0,
  });
  known.names.add(column.colname);
  for (const constraint of columnConstraints(column)) addConstraint(known, table, constraint, column.colname);
}

function renamed<T>(map: Map<string, T>, from: string, to: string): void {
  const value = map.get(from);
  if (value === undefined) return;
  map.delete(from);
  map.set(to, value);
}

function forgetTable(known: Known, name: string): void {
  known.tables.delete(name);
  known.names.delete(name);
  for (const [index, { table }] of known.indexes) if (table === name) known.indexes.delete(index);
}

const learners: Record<string, (known: Known, node: Node, file: number) => void> = {
  CreateStmt(known, node, file) {
    const name = relationName(node.relation);
    // CREATE TABLE IF NOT EXISTS leaves a table alone that is there.
    if (node.if_not_exists && known.tables.get(name)?.columns.size) return;
    const table: KnownTable = {
      name,
      madeBy: file,
      partitioned: node.partspec !== undefined,
      kind: node.relation.relpersistence === 't' ? 'temporary' : 'table',
      columns: new Map(),
      constraints: new Map(),
    };
    known.tables.set(name, table);
    known.names.add(name);
    for (const element of (node.tableElts ?? []) as Node[]) {
      if (element.ColumnDef) addColumn(known, table, element.ColumnDef);
      else if (element.Constraint) addConstraint(known, table, element.Constraint);
    }
  },
  CreateTableAsStmt(known, node, file) {
    const relation = node.into.rel as Node;
    const name = relationName(relation);
    const kind = node.objtype === 'OBJECT_MATVIEW' ? 'view' : relation.relpersistence === 't' ? 'temporary' : 'table';
    known.tables.set(name, { name, madeBy: file, partitioned: false, kind, columns: new Map(), constraints: new Map() });
    known.names.add(name);
  },
  IndexStmt(known, node) {
    const table = relationName(node.relation);
    const columns = ((node.indexParams ?? []) as Node[]).map((each) => each.IndexElem.name as string | undefined);
    const name = node.idxname ?? [table, ...columns.map((column) => column ?? 'expr'), 'idx'].join('_');
    known.indexes.set(name, { table, columns, partial: node.whereClause !== undefined });
    known.names.add(name);
  },
  AlterTableStmt(known, node) {
    const name = relationName(node.relation);
    for (const command of alterCommands('AlterTableStmt', node)) {
      const table = tableOf(known, name);
      const column = command.name === undefined ? undefined : table.columns.get(command.name);
      if (command.subtype === 'AT_AddColumn') {
        if (!(command.missing_ok && table.columns.has(command.def.ColumnDef.colname))) addColumn(known, table, command.def.ColumnDef);
      } else if (command.subtype === 'AT_DropColumn') table.columns.delete(command.name);
      else if (command.subtype === 'AT_AddConstraint') addConstraint(known, table, command.def.Constraint);
      else if (command.subtype === 'AT_DropConstraint') {
        table.constraints.delete(command.name);
        known.indexes.delete(command.name);
        known.names.delete(command.name);
      } else if (command.subtype === 'AT_ValidateConstraint') {
        const constraint = table.constraints.get(command.name);
        if (constraint) table.constraints.set(command.name, { ...constraint, valid: true });
      } else if (command.subtype === 'AT_AlterColumnType' && column) {
        const { typeName: type } = command.def.ColumnDef as Node;
        table.columns.set(command.name, { type: typeName(type), modifiers: typeModifiers(type), array: (type?.arrayBounds ?? []).length > 0 });
      }
    }
  },
  RenameStmt(known, node) {
    const { renameType, subname, newname } = node as { renameType: string; subname: string; newname: string };
    known.names.add(newname);
    if (renameType === 'OBJECT_COLUMN') {
      renamed(tableOf(known, relationName(node.relation)).columns, subname, newname);
    } else if (renameType === 'OBJECT_TABLE') {
      const from = relationName(node.relation);
      const table = known.tables.get(from);
      known.names.delete(from);
      if (!table) return;
      const to = from.includes('.') ? `${from.split('.')[0]}.${newname}` : newname;
      known.tables.delete(from);
      known.tables.set(to, { ...table, name: to });
      for (const [index, each] of known.indexes) if (each.table === from) known.indexes.set(index, { ...each, table: to });
    } else if (renameType === 'OBJECT_INDEX') {
      renamed(known.indexes, node.relation.relname, newname);
      known.names.delete(node.relation.relname);
    } else if (renameType === 'OBJECT_TABCONSTRAINT') {
      renamed(tableOf(known, relationName(node.relation)).constraints, subname, newname);
      renamed(known.indexes, subname, newname);
      known.names.delete(subname);
    } else if (renameType === 'OBJECT_TYPE') {
      renamed(known.enums, listName(node.object?.List?.items ?? []), newname);
      known.names.delete(listName(node.object?.List?.items ?? []));
    }
  },
  AlterObjectSchemaStmt(known, node) {
    if (node.objectType !== 'OBJECT_TABLE') return;
    const from = relationName(node.relation);
    const to = node.newschema === 'public' ? node.relation.relname : `${node.newschema}.${node.relation.relname}`;
    const table = known.tables.get(from);
    if (!table) return;
    known.tables.delete(from);
    known.tables.set(to, { ...table, name: to });
    known.names.add(to);
  },
  DropStmt(known, node) {
    for (const name of droppedNames(node)) {
      if (node.removeType === 'OBJECT_TABLE' || node.removeType === 'OBJECT_MATVIEW') forgetTable(known, name);
      else if (node.removeType === 'OBJECT_INDEX') known.indexes.delete(name.split('.').at(-1) as string);
      else if (node.removeType === 'OBJECT_TYPE') known.enums.delete(name);
      known.names.delete(name);
    }
  },
  CreateEnumStmt(known, node, file) {
    const name = listName(node.typeName);
    known.enums.set(name, { madeBy: file, values: new Set(strings(node.vals)) });
    known.names.add(name);
  },
  AlterEnumStmt(known, node) {
    const name = listName(node.typeName);
    const there = known.enums.get(name) ?? { madeBy: undefined, values: new Set<string>() };
    if (node.oldVal !== undefined) there.values.delete(node.oldVal);
    there.values.add(node.newVal);
    known.enums.set(name, there);
  },
  ViewStmt: (known, node) => void known.names.add(relationName(node.view)),
  CreateSeqStmt: (known, node) => void known.names.add(relationName(node.sequence)),
  CreateDomainStmt(known, node, file) {
    known.domains.set(listName(node.domainname), { madeBy: file });
    known.names.add(listName(node.domainname));
  },
  CompositeTypeStmt: (known, node) => void known.names.add(relationName(node.typevar)),
  CreateRangeStmt: (known, node) => void known.names.add(listName(node.typeName)),
  CreateSchemaStmt: (known, node) => void known.names.add(node.schemaname ?? node.authrole?.rolename ?? ''),
  CreateExtensionStmt: (known, node) => void known.names.add(node.extname),
  CreateFunctionStmt: (known, node) => void known.names.add(listName(node.funcname)),
  CreateTrigStmt: (known, node) => void known.names.add(node.trigname),
  CreatePolicyStmt: (known, node) => void known.names.add(node.policy_name),
  CreateRoleStmt: (known, node) => void known.names.add(node.role),
};

/** The objects a DROP names, each as `name` or `schema.name`; triggers, rules and policies without their table. */
export function droppedNames(node: Node): string[] {
  return ((node.objects ?? []) as Node[]).map((object) => {
    if (object.List) {
      const items = object.List.items as Node[];
      return ['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE'].includes(node.removeType) ? (items.at(-1)?.String.sval as string) : listName(items);
    }
    if (object.TypeName) return listName(object.TypeName.names);
    if (object.ObjectWithArgs) return listName(object.ObjectWithArgs.objname);
    return object.String?.sval as string;
  });
}

/** Tables with a foreign key to this one; unless `directly`, over other tables too. */
export function referrers(known: Known, table: string, { directly = false, found = [] as string[] } = {}): string[] {
  for (const [name, { constraints }] of known.tables) {
    if (found.includes(name) || name === table || ![...constraints.values()].some(({ references }) => references === table)) continue;
    found.push(name);
    if (!directly) referrers(known, name, { found });
  }
  return found;
}
