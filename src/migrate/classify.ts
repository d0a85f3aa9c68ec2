import { parse } from 'libpg-query';
import { AppError } from '../base/errors.ts';
import type { Hazard } from './hazard.ts';
import { relationName } from './relation.ts';
import { type ColumnChange, type DroppedObject, type Effect, type Statement, shortHash } from './effect.ts';

// The parser's tree as it comes, JSON of the server's own nodes; every access below names the node it expects.
// oxlint-disable-next-line typescript/no-explicit-any
export type Node = Record<string, any>;

interface Part {
  readonly text: string;
  readonly effect: Effect;
  readonly hazards: readonly Hazard[];
}

interface Source {
  readonly nodes: readonly Node[];
  readonly text: string;
  /** What the statement is called when it runs as a script. */
  readonly name: string;
  readonly doneWhen: string | undefined;
  readonly migration: string;
  readonly home: string;
}

/** What one statement does: several parts where an ALTER TABLE can be taken apart, else one. */
export async function effectsOf(source: Source): Promise<Part[]> {
  const { nodes, text, home } = source;
  const [node] = nodes;
  if (nodes.length !== 1 || !node) return [script(source)];
  if (node.CreateEnumStmt) return [{ text, effect: { kind: 'enum', name: typeName(node.CreateEnumStmt.typeName, home) }, hazards: [] }];
  if (node.CreateStmt && !node.CreateStmt.inhRelations && !node.CreateStmt.partbound)
    return [{ text, effect: { kind: 'table', name: relation(node.CreateStmt.relation, home) }, hazards: [] }];
  if (node.IndexStmt?.idxname) {
    const { idxname, relation: on, concurrent, indexParams } = node.IndexStmt;
    const effect: Effect = {
      kind: 'index',
      name: relationName(on.schemaname, idxname, home),
      table: relation(on, home),
      columns: (indexParams as Node[]).map(({ IndexElem }) => (IndexElem.name as string | undefined) ?? 'expr'),
      concurrently: concurrent === true,
    };
    return [{ text, effect, hazards: [] }];
  }
  if (node.AlterTableStmt && node.AlterTableStmt.objtype === 'OBJECT_TABLE') return (await alterParts(source, node.AlterTableStmt)) ?? [script(source)];
  if (node.AlterEnumStmt?.newVal && !node.AlterEnumStmt.oldVal)
    return [{ text, effect: { kind: 'enum-value', name: typeName(node.AlterEnumStmt.typeName, home), label: node.AlterEnumStmt.newVal }, hazards: [] }];
  if (node.DropStmt) return [dropPart(source, node.DropStmt) ?? script(source)];
  if (node.CommentStmt) {
    const effect = commentEffect(node.CommentStmt, home);
    if (effect) return [{ text, effect, hazards: [] }];
  }
  return [script(source)];
}

/** A statement that cannot be compared after all, as the script it is then. */
export function asScript(statement: Statement): Statement {
  const { effect } = statement;
  const reads = effect.kind === 'index' || effect.kind === 'column-change' ? [{ kind: 'blocking', on: effect.table } as const] : [];
  return { ...statement, effect: { kind: 'opaque', name: `script ${shortHash(statement.text)}` }, hazards: [...statement.hazards, ...reads] };
}

/** Statements that no transaction takes: the engine could neither journal them nor undo them when they fail. */
const outsideTransactions = new Set(['VacuumStmt', 'CreatedbStmt', 'DropdbStmt', 'AlterSystemStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt']);

/** Statements that do the same when they run again. */
function isIdempotent(node: Node): boolean {
  const body = Object.values(node)[0] as Node | undefined;
  return Boolean(
    node.GrantStmt || node.CommentStmt || node.VariableSetStmt || body?.replace === true || body?.if_not_exists === true || body?.missing_ok === true,
  );
}

function script({ nodes, text, name, doneWhen, migration, home }: Source): Part {
  for (const node of nodes) {
    const kind = Object.keys(node)[0] ?? '';
    if (outsideTransactions.has(kind))
      throw new AppError(
        'unsupported',
        'MIGRATION_STATEMENT_UNSUPPORTED',
        `Migration ${migration} contains a statement that runs in no transaction (${kind.replace(/Stmt$/, '')}). Run it by hand, outside of a migration, and take it out of the file.`,
        { migration },
      );
  }
  const idempotent = nodes.every(isIdempotent);
  return {
    text,
    effect: { kind: 'opaque', name, ...(doneWhen === undefined ? {} : { doneWhen }), ...(idempotent ? { idempotent } : {}) },
    hazards: nodes.flatMap((node) => scriptHazards(node, home)),
  };
}

/** Statements that change nothing that is there already, or that a person wrote as a program. */
const harmless = new Set(
  'DoStmt CreateFunctionStmt GrantStmt GrantRoleStmt AlterDefaultPrivilegesStmt CreateExtensionStmt CreateRoleStmt CreateSchemaStmt ViewStmt CreateSeqStmt CreateTrigStmt CreatePolicyStmt CreateDomainStmt CompositeTypeStmt CreateRangeStmt DefineStmt CreateTableAsStmt CreateStmt InsertStmt SelectStmt VariableSetStmt CommentStmt AlterFunctionStmt CreateCastStmt CreateStatsStmt CreateEnumStmt RuleStmt NotifyStmt'.split(
    ' ',
  ),
);

const plainAlters = new Set(
  'AT_EnableRowSecurity AT_DisableRowSecurity AT_ForceRowSecurity AT_NoForceRowSecurity AT_ChangeOwner AT_SetStatistics AT_SetRelOptions AT_ResetRelOptions AT_SetOptions AT_ReplicaIdentity AT_EnableTrig AT_ValidateConstraint AT_AttachPartition AT_SetStorage'.split(
    ' ',
  ),
);

function scriptHazards(node: Node, home: string): Hazard[] {
  const kind = Object.keys(node)[0] ?? '';
  const body = node[kind] as Node;
  const on = body.relation ? relation(body.relation, home) : '';
  switch (kind) {
    case 'UpdateStmt':
    case 'MergeStmt':
      return [{ kind: 'data-change', on }];
    case 'DeleteStmt':
      return [{ kind: 'data-loss', on }];
    case 'TruncateStmt':
      return (body.relations as Node[]).map((each) => ({ kind: 'data-loss', on: relation(each.RangeVar, home) }));
    case 'DropStmt':
      return [
        {
          kind: ['OBJECT_TABLE', 'OBJECT_SCHEMA', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE'].includes(body.removeType) ? 'data-loss' : 'constraint-loss',
          on: dropNames(body, home).join(', '),
        },
      ];
    case 'RenameStmt':
      // The names of keys and indexes stand in no query.
      if (body.renameType === 'OBJECT_INDEX' || body.renameType === 'OBJECT_TABCONSTRAINT') return [];
      return [{ kind: 'rename', on: [on, body.subname].filter(Boolean).join('.') || `${body.newname}` }];
    case 'AlterEnumStmt':
      return [{ kind: 'rename', on: typeName(body.typeName, home) }];
    case 'AlterObjectSchemaStmt':
      return [{ kind: 'rename', on }];
    case 'LockStmt':
      return (body.relations as Node[]).map((each) => ({ kind: 'blocking', on: relation(each.RangeVar, home) }));
    case 'RefreshMatViewStmt':
    case 'ReindexStmt':
    case 'ClusterStmt':
    case 'IndexStmt':
      return [{ kind: 'blocking', on }];
    case 'AlterTableStmt':
      return (body.cmds as Node[]).flatMap(({ AlterTableCmd: command }) => alterHazards(command as Node, on));
    default:
      return harmless.has(kind) ? [] : [{ kind: 'unknown', on: kind.replace(/Stmt$/, '') }];
  }
}

function alterHazards(command: Node, table: string): Hazard[] {
  const on = command.name ? `${table}.${command.name}` : table;
  switch (command.subtype) {
    case 'AT_DropColumn':
      return [{ kind: 'data-loss', on }];
    case 'AT_DropConstraint':
    case 'AT_DisableTrig':
    case 'AT_DisableTrigAll':
    case 'AT_DisableTrigUser':
      return [{ kind: 'constraint-loss', on }];
    case 'AT_AlterColumnType':
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
      return [{ kind: 'rewrite', on }];
    case 'AT_AddColumn':
      return hasInlineConstraint(command.def?.ColumnDef) ? [{ kind: 'blocking', on: `${table}.${command.def.ColumnDef.colname}` }] : [];
    case 'AT_AddConstraint':
      // USING INDEX takes an index that is there: nothing is read.
      return command.def?.Constraint?.indexname ? [] : [{ kind: 'blocking', on: `${table}.${command.def?.Constraint?.conname ?? 'constraint'}` }];
    case 'AT_SetNotNull':
      return [{ kind: 'blocking', on }];
    case 'AT_ColumnDefault':
    case 'AT_DropNotNull':
      return [];
    default:
      return plainAlters.has(command.subtype) ? [] : [{ kind: 'unknown', on }];
  }
}

const columnChanges: Readonly<Record<string, ColumnChange>> = {
  AT_SetNotNull: 'set-not-null',
  AT_DropNotNull: 'drop-not-null',
  AT_AlterColumnType: 'type',
};

/** Takes an ALTER TABLE apart where each of its parts can stand alone; undefined where it has to run as it is. */
async function alterParts(source: Source, alter: Node): Promise<Part[] | undefined> {
  const table = relation(alter.relation, source.home);
  const commands = (alter.cmds as Node[]).map(({ AlterTableCmd }) => AlterTableCmd as Node);
  const effects = commands.map((command) => alterEffect(command, table, source.home));
  if (effects.some((effect) => effect === undefined)) return undefined;
  const texts = commands.length === 1 ? [source.text] : await splitAlter(source.text, commands);
  if (!texts) return undefined;
  return effects.map((effect, index) => ({ text: texts[index] as string, effect: effect as Effect, hazards: partHazards(effect as Effect) }));
}

function partHazards(effect: Effect): Hazard[] {
  if (effect.kind === 'drop') return [dropHazard(effect)];
  // Whether a type's change writes the table anew is tried out on an empty copy; see shadow.ts.
  return [];
}

function alterEffect(command: Node, table: string, home: string): Effect | undefined {
  const constraint = command.subtype === 'AT_AddConstraint' ? (command.def.Constraint as Node) : undefined;
  if (constraint?.conname && constraint.contype === 'CONSTR_FOREIGN')
    return {
      kind: 'foreign-key',
      name: constraint.conname,
      table,
      columns: (constraint.fk_attrs as Node[]).map((each) => each.String.sval),
      references: relation(constraint.pktable, home),
    };
  if (constraint?.conname && constraint.contype === 'CONSTR_CHECK') return { kind: 'check', name: constraint.conname, table };
  if (constraint) return undefined;
  if (command.subtype === 'AT_AddColumn') {
    const column = command.def.ColumnDef as Node;
    return hasInlineConstraint(column) ? undefined : { kind: 'column', name: column.colname, table, ...(isRequired(column) ? { required: true } : {}) };
  }
  if (command.behavior === 'DROP_CASCADE') return undefined;
  if (command.subtype === 'AT_DropColumn') return { kind: 'drop', object: 'column', name: command.name, table };
  if (command.subtype === 'AT_DropConstraint') return { kind: 'drop', object: 'constraint', name: command.name, table };
  // A USING expression may not do the same twice.
  if (command.def?.ColumnDef?.raw_default) return undefined;
  const change = command.subtype === 'AT_ColumnDefault' ? (command.def ? 'set-default' : 'drop-default') : columnChanges[command.subtype as string];
  return change && { kind: 'column-change', name: command.name, table, change };
}

function isRequired(column: Node): boolean {
  const kinds = ((column.constraints ?? []) as Node[]).map(({ Constraint }) => (Constraint as Node).contype as string);
  return kinds.includes('CONSTR_NOTNULL') && !kinds.some((kind) => ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(kind));
}

/** Constraints that read the table or other tables when the column is added; NOT NULL and DEFAULT do not. */
function hasInlineConstraint(column: Node | undefined): boolean {
  const harmlessKinds = ['CONSTR_NOTNULL', 'CONSTR_NULL', 'CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'];
  return ((column?.constraints ?? []) as Node[]).some(({ Constraint }) => !harmlessKinds.includes((Constraint as Node).contype as string));
}

/**
 * Cuts `ALTER TABLE x a, b` into `ALTER TABLE x a` and `ALTER TABLE x b`. The tree keeps no places of the parts, so the text is cut
 * at its outermost commas and each piece is parsed again: it must say exactly what the whole said.
 */
async function splitAlter(text: string, commands: readonly Node[]): Promise<string[] | undefined> {
  const pieces = outermostCommas(text);
  const head = /^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))?\s*\*?\s+/i.exec(
    pieces[0] ?? '',
  )?.[0];
  if (head === undefined || pieces.length !== commands.length) return undefined;
  const texts = pieces.map((piece, index) => (index === 0 ? piece.trim() : `${head}${piece.trim()}`));
  for (const [index, each] of texts.entries()) {
    const tree = (await parse(each).catch(() => undefined)) as { stmts?: Node[] } | undefined;
    const again = tree?.stmts?.[0]?.stmt?.AlterTableStmt?.cmds as Node[] | undefined;
    if (again?.length !== 1 || withoutPlaces(again[0]?.AlterTableCmd) !== withoutPlaces(commands[index])) return undefined;
  }
  return texts;
}

function withoutPlaces(node: unknown): string {
  return JSON.stringify(node, (key, value: unknown) => (key === 'location' ? undefined : value));
}

function outermostCommas(text: string): string[] {
  const pieces: string[] = [];
  let depth = 0;
  let begin = 0;
  const tokens = /"(?:[^"]|"")*"|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[(),]/g;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === ',' && depth === 0) {
      pieces.push(text.slice(begin, index));
      begin = index + 1;
    }
  }
  return [...pieces, text.slice(begin)];
}

const droppable: Readonly<Record<string, DroppedObject>> = { OBJECT_TABLE: 'table', OBJECT_INDEX: 'index', OBJECT_TYPE: 'type' };

/** A drop of one object without CASCADE: the catalogue tells whether it is done. */
function dropPart({ text, home }: Source, drop: Node): Part | undefined {
  const object = droppable[drop.removeType as string];
  const names = dropNames(drop, home);
  const [name] = names;
  if (!object || name === undefined || names.length !== 1 || drop.behavior === 'DROP_CASCADE') return undefined;
  const effect: Extract<Effect, { kind: 'drop' }> = { kind: 'drop', object, name };
  return { text, effect, hazards: [dropHazard(effect)] };
}

function dropNames(drop: Node, home: string): string[] {
  return (drop.objects as Node[]).map((each) => {
    const parts = ((each.List?.items ?? each.TypeName?.names ?? [each]) as Node[]).map((part) => part.String?.sval as string | undefined);
    return relationName(parts.length > 1 ? parts.at(-2) : undefined, parts.at(-1) ?? '', home);
  });
}

const losesRows: ReadonlySet<DroppedObject> = new Set(['table', 'column']);

function dropHazard(effect: Extract<Effect, { kind: 'drop' }>): Hazard {
  const on = effect.table === undefined ? effect.name : `${effect.table}.${effect.name}`;
  if (effect.object === 'index') return { kind: 'index-loss', on };
  return { kind: losesRows.has(effect.object) ? 'data-loss' : 'constraint-loss', on };
}

type Commented = Extract<Effect, { kind: 'comment' }>['on'];
const commented: Readonly<Record<string, Commented>> = { OBJECT_TABLE: 'table', OBJECT_COLUMN: 'column', OBJECT_INDEX: 'index', OBJECT_TYPE: 'type' };

function commentEffect(comment: Node, home: string): Effect | undefined {
  const on = commented[comment.objtype as string];
  if (!on) return undefined;
  const names: string[] = ((comment.object.List?.items ?? comment.object.TypeName?.names ?? [comment.object]) as Node[]).map((each) => each.String?.sval);
  const column = on === 'column' ? names.pop() : undefined;
  const target = relationName(names.length > 1 ? names.at(-2) : undefined, names.at(-1) as string, home);
  return { kind: 'comment', name: column === undefined ? target : `${target}.${column}`, on, target };
}

function relation(node: Node, home: string): string {
  return relationName(node.schemaname, node.relname, home);
}

function typeName(names: Node[], home: string): string {
  return relationName(names.length > 1 ? names.at(-2)?.String.sval : undefined, names.at(-1)?.String.sval, home);
}
