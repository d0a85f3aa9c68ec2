import { statements } from '../rewrite.ts';
import type { Rule } from '../rule.ts';
import { type Token, tokensBetween } from '../script.ts';
import { alterCommands, relationName } from '../syntax-node.ts';
import type { StatementContext } from '../rule.ts';

/** Words that are written with capitals out of habit although they name a type or function of the server. */
const builtIn = new Set([
  'uuid',
  'jsonb',
  'date',
  'now',
  'bytea',
  'citext',
  'timestamptz',
  'timetz',
  'money',
  'inet',
  'gen_random_uuid',
  'uuid_generate_v4',
  'text',
  'boolean',
  'bool',
  'serial',
  'bigserial',
]);

const longest = 63;

function names({ script, statement }: StatementContext): Token[] {
  return tokensBetween(script.tokens, statement.start, statement.end).filter(({ kind }) => kind === 'name');
}

/** Whether the statement succeeds although what it names is not there. */
function skipsSilently({ kind, node }: StatementContext): boolean {
  return (
    (kind === 'DropStmt' && node.missing_ok === true) || node.missing_ok === true || alterCommands(kind, node).some(({ missing_ok: skips }) => skips === true)
  );
}

export const nameRules: readonly Rule[] = [
  {
    id: 'unquoted-mixed-case',
    title: 'Name with capitals and without quotes',
    why: 'PostgreSQL folds it to lower case. Prisma quotes its names, so "patientId" and patientId are two things: the statement fails, makes a second object, or, with IF EXISTS, is skipped with a notice and counts as done.',
    rewrite: 'Put the name in double quotes, or write it in lower case.',
    severity: 'warning',
    *check(context, { before }) {
      const seen = new Set<string>();
      for (const token of names(context)) {
        const { text } = token;
        if (!/[A-Z]/.test(text) || text.startsWith('"') || /^[uU]&"/.test(text)) continue;
        const folded = text.toLowerCase();
        const meant = before.names.has(text);
        // All capitals are a habit, not a name, unless something is called so.
        if ((!/[a-z]/.test(text) && !meant) || builtIn.has(folded) || seen.has(text)) continue;
        if (before.names.has(folded) && !meant) continue;
        seen.add(text);
        const silently = skipsSilently(context);
        const { script, statement } = context;
        const fixed = script.sql.slice(statement.start, statement.end).replaceAll(new RegExp(String.raw`(?<!["\w])${text}(?!["\w])`, 'g'), `"${text}"`);
        yield {
          message: meant
            ? `${text} without quotes means ${folded}, but the name is "${text}"${silently ? '; IF EXISTS skips it without an error' : ''}.`
            : `${text} without quotes means ${folded}${silently ? '; if it is called otherwise, IF EXISTS skips it without an error' : ''}.`,
          location: byteOf(context, token.start),
          severity: meant || silently ? 'error' : 'warning',
          rewrite: statements(fixed),
        };
      }
    },
  },
  {
    id: 'identifier-too-long',
    title: `Name of more than ${longest} bytes`,
    why: `PostgreSQL cuts it at ${longest} bytes with a notice; two long names can become one, and later statements look for the whole name.`,
    rewrite: 'A shorter name, in Prisma with map:.',
    severity: 'warning',
    squawk: ['identifier-too-long'],
    *check(context) {
      for (const { text, start } of names(context)) {
        const bare = text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
        if (Buffer.byteLength(bare) > longest)
          yield { message: `${bare} has ${Buffer.byteLength(bare)} bytes; PostgreSQL keeps ${longest}.`, location: byteOf(context, start) };
      }
    },
  },
  {
    id: 'table-without-schema',
    title: 'Table named without its schema',
    why: 'Which table it is depends on search_path, which a role or the address of the database can change.',
    rewrite: 'schema.table. (Prisma writes it so when the datasource lists schemas.)',
    severity: 'note',
    optIn: true,
    squawk: ['require-table-schema'],
    *check({ kind, node }) {
      if (['CreateStmt', 'AlterTableStmt', 'RenameStmt', 'AlterObjectSchemaStmt'].includes(kind)) {
        const { relation } = node;
        if (relation && !relation.schemaname && relation.relpersistence !== 't')
          yield { message: `${relationName(relation)} has no schema.`, location: relation.location };
      }
      if (kind === 'CreateTableAsStmt' && !node.into.rel.schemaname && node.into.rel.relpersistence !== 't')
        yield { message: `${node.into.rel.relname} has no schema.`, location: node.into.rel.location };
      if (kind === 'DropStmt' && node.removeType === 'OBJECT_TABLE')
        for (const { List } of node.objects) if (List.items.length === 1) yield { message: `${List.items[0].String.sval} has no schema.` };
    },
  },
];

/** The parser counts bytes within its piece of the file; tokens count characters of the file. */
function byteOf({ script, statement }: StatementContext, character: number): number {
  return Buffer.byteLength(script.sql.slice(0, character)) - statement.byteBase;
}
