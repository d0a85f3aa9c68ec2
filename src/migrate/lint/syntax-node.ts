/** The parser's tree as it comes, JSON of the server's own nodes; every access names the node it expects. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Node = Record<string, any>;

/** Name under which a relation is known here: with its schema unless that is left out or `public`. */
export function relationName(relation: Node): string {
  return relation.schemaname && relation.schemaname !== 'public' ? `${relation.schemaname}.${relation.relname}` : relation.relname;
}

/** The same for a list of strings, as DROP and COMMENT hold names. */
export function listName(names: readonly Node[]): string {
  const parts = names.map((each) => each.String?.sval as string).filter((part) => part !== undefined);
  return (parts.length > 1 && parts[0] === 'public' ? parts.slice(1) : parts).join('.');
}

/** Strings of a list of String nodes. */
export function strings(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).map((each) => each.String?.sval as string);
}

/** A type as people write it, without its schema: int4, varchar, uuid, PatientStatus. */
export function typeName(type: Node | undefined): string {
  return type?.names?.at(-1)?.String?.sval ?? '';
}

/** Numbers in brackets behind a type: 20 in varchar(20). */
export function typeModifiers(type: Node | undefined): number[] {
  return ((type?.typmods ?? []) as Node[]).map((each) => each.A_Const?.ival?.ival ?? 0);
}

/** Every node of a tree, with its kind; for the few rules that look into expressions. */
export function* descendants(tree: unknown): Generator<{ kind: string; node: Node }> {
  if (Array.isArray(tree)) {
    for (const each of tree) yield* descendants(each);
    return;
  }
  if (tree === null || typeof tree !== 'object') return;
  for (const [kind, value] of Object.entries(tree as Node)) {
    if (value !== null && typeof value === 'object') {
      if (!Array.isArray(value)) yield { kind, node: value as Node };
      yield* descendants(value);
    }
  }
}

/** The commands of an ALTER TABLE (empty for other statements, and for ALTER INDEX, ALTER VIEW …). */
export function alterCommands(kind: string, node: Node): Node[] {
  return kind === 'AlterTableStmt' && node.objtype === 'OBJECT_TABLE' ? (node.cmds as Node[]).map((each) => each.AlterTableCmd as Node) : [];
}

/** Constraints of a column definition. */
export function columnConstraints(column: Node): Node[] {
  return ((column.constraints ?? []) as Node[]).map((each) => each.Constraint as Node);
}

/** Every column definition that a statement adds, with its table. */
export function addedColumns(kind: string, node: Node): { table: string; column: Node; toExisting: boolean }[] {
  if (kind === 'CreateStmt')
    return ((node.tableElts ?? []) as Node[]).flatMap((element) =>
      element.ColumnDef ? [{ table: relationName(node.relation), column: element.ColumnDef as Node, toExisting: false }] : [],
    );
  return alterCommands(kind, node).flatMap((command) =>
    command.subtype === 'AT_AddColumn' ? [{ table: relationName(node.relation), column: command.def.ColumnDef as Node, toExisting: true }] : [],
  );
}
