import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'libpg-query';
import { expect, test } from 'vitest';
import { defaultHostProfile, type HostProfile } from './host.ts';
import { prismaName } from './prisma-names.ts';
import { linkIndexMigrationName, moduleMigrationsFolder, renderModule } from './render-module.ts';

interface ForeignKey {
  readonly name: string;
  readonly table: string;
  readonly column: string;
  readonly target: string;
  readonly onDelete: string;
}

interface Structure {
  /** `table.column` to type and default. */
  readonly columns: Map<string, string>;
  readonly foreignKeys: ForeignKey[];
  readonly indexes: { name: string; table: string; columns: string[] }[];
  readonly statements: number;
}

/** What the server's own parser sees in the rendered files. */
async function structureOf(profile: HostProfile): Promise<Structure> {
  const structure: Structure & { statements: number } = { columns: new Map(), foreignKeys: [], indexes: [], statements: 0 };
  for (const { sql } of renderModule(profile)) {
    // biome-ignore lint/suspicious/noExplicitAny: the parse tree is read by shape
    for (const { stmt } of ((await parse(sql)) as any).stmts) {
      structure.statements += 1;
      const { CreateStmt: create, AlterTableStmt: alter, IndexStmt: index } = stmt;
      for (const { ColumnDef: column } of create?.tableElts ?? []) {
        if (!column) continue;
        const type = column.typeName.names.at(-1).String.sval as string;
        // biome-ignore lint/suspicious/noExplicitAny: the parse tree is read by shape
        const value = column.constraints?.map((each: any) => each.Constraint.raw_expr).find((each: unknown) => each !== undefined);
        const call = value?.FuncCall ? 'call' : value?.TypeCast?.arg.FuncCall ? `call::${value.TypeCast.typeName.names.at(-1).String.sval}` : '';
        structure.columns.set(`${create.relation.relname}.${column.colname}`, `${type} ${call}`.trim());
      }
      for (const { AlterTableCmd: command } of alter?.cmds ?? []) {
        const key = command.def?.Constraint;
        if (key?.contype !== 'CONSTR_FOREIGN') continue;
        structure.foreignKeys.push({
          name: key.conname,
          table: alter.relation.relname,
          column: key.fk_attrs[0].String.sval,
          target: key.pktable.relname,
          onDelete: key.fk_del_action,
        });
      }
      // biome-ignore lint/suspicious/noExplicitAny: the parse tree is read by shape
      if (index)
        structure.indexes.push({ name: index.idxname, table: index.relation.relname, columns: index.indexParams.map((each: any) => each.IndexElem.name) });
    }
  }
  return structure;
}

const textHost: HostProfile = { ...defaultHostProfile, idType: 'text', userIdType: 'text' };

test('the default host gets the committed files, byte for byte', () => {
  const rendered = renderModule(defaultHostProfile);
  const committed = readdirSync(moduleMigrationsFolder(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  expect(rendered.map((file) => file.name)).toEqual(committed);
  for (const { name, sql } of rendered) expect(sql, name).toBe(readFileSync(join(moduleMigrationsFolder(), name, 'migration.sql'), 'utf8'));
});

test('the first migration has six tables, 15 foreign keys and 24 indexes besides primary keys', async () => {
  const [first] = renderModule(defaultHostProfile);
  expect(first?.sql.match(/^CREATE TABLE /gm)).toHaveLength(6);
  expect(first?.sql.match(/ FOREIGN KEY /g)).toHaveLength(15);
  expect(first?.sql.match(/^CREATE (?:UNIQUE )?INDEX /gm)).toHaveLength(24);
});

test('a host with text ids gets the same objects, only with text for uuid', async () => {
  const [uuid, text] = [await structureOf(defaultHostProfile), await structureOf(textHost)];
  expect([...text.columns.keys()]).toEqual([...uuid.columns.keys()]);
  expect([...text.columns.values()]).toEqual(
    [...uuid.columns.values()].map((type) => type.replace(/^uuid call$/, 'text call::text').replace(/^uuid$/, 'text')),
  );
  expect(uuid.columns.get('patients.id')).toBe('uuid call');
  expect(text.columns.get('patients.id')).toBe('text call::text');
  expect(text.foreignKeys).toEqual(uuid.foreignKeys);
  expect(text.indexes).toEqual(uuid.indexes);
  expect(text.statements).toBe(uuid.statements);
});

test('user columns follow the type of users.id, all others that of the link tables', async () => {
  const mixed = await structureOf({ ...defaultHostProfile, idType: 'uuid', userIdType: 'text' });
  const uuid = await structureOf(defaultHostProfile);
  const changed = [...mixed.columns].filter(([column, type]) => uuid.columns.get(column) !== type).map(([column]) => column);
  expect(changed.sort()).toEqual(
    [
      ...['restrictedBy', 'deceasedBy', 'archivedBy', 'mergedBy', 'createdBy', 'updatedBy'].map((column) => `patients.${column}`),
      ...['patient_contacts', 'patient_documents', 'patient_allergies'].flatMap((table) => [`${table}.createdBy`, `${table}.updatedBy`]),
      'patient_documents.verifiedBy',
      'patient_allergies.diagnosedBy',
      'patient_risk_flags.setBy',
      'patient_risk_flags.clearedBy',
      'patient_merge_history.mergedBy',
      'patient_placeholders.completedBy',
      ...['patient_names', 'patient_addresses', 'patient_telecoms', 'patient_identifiers', 'identifier_authorities'].flatMap((table) => [
        `${table}.createdBy`,
        `${table}.updatedBy`,
      ]),
      'patient_identifiers.verifiedBy',
      'access_accounts.userId',
    ].sort(),
  );
});

test('without a users table exactly the six keys to it are left out; a renamed one is referenced by its name', async () => {
  const all = (await structureOf(defaultHostProfile)).foreignKeys;
  const without = (await structureOf({ ...defaultHostProfile, usersTable: undefined })).foreignKeys;
  const renamed = (await structureOf({ ...defaultHostProfile, usersTable: 'staff "members" $1' })).foreignKeys;
  expect(all.filter((key) => key.target === 'users')).toHaveLength(6);
  expect(without).toEqual(all.filter((key) => key.target !== 'users'));
  expect(renamed).toEqual(all.map((key) => (key.target === 'users' ? { ...key, target: 'staff "members" $1' } : key)));
});

test('link indexes are written only where the host has none', async () => {
  expect(renderModule(defaultHostProfile).map((file) => file.name)).not.toContain(linkIndexMigrationName);
  const profile = { ...defaultHostProfile, linkTables: defaultHostProfile.linkTables.map((link) => ({ ...link, indexed: link.table !== 'bills' })) };
  const names = renderModule(profile).map((file) => file.name);
  expect(names).toEqual([...names].sort());
  const added = (await structureOf(profile)).indexes.filter((index) => index.table === 'bills');
  expect(added).toEqual([{ name: 'bills_patientId_idx', table: 'bills', columns: ['patientId'] }]);
});

const identifier = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 70 })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= 63 && name.isWellFormed());

test('any link table, however it is called, gets its key and index, and nothing else changes', async () => {
  const rest = await structureOf({ ...defaultHostProfile, linkTables: [] });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.record({ table: identifier, column: identifier, indexed: fc.boolean() }), {
        maxLength: 4,
        selector: (link) => prismaName(link.table, [link.column], '_idx'),
      }),
      async (linkTables) => {
        const structure = await structureOf({ ...defaultHostProfile, linkTables });
        const names = new Set(linkTables.map((link) => prismaName(link.table, [link.column], '_fkey')));
        const isLink = (key: ForeignKey) =>
          key.target === 'patients' && names.has(key.name) && linkTables.some((link) => link.table === key.table && link.column === key.column);
        expect(structure.foreignKeys.filter(isLink).map(({ table, column, onDelete }) => ({ table, column, onDelete }))).toEqual(
          linkTables.map(({ table, column }) => ({ table, column, onDelete: 'r' })),
        );
        expect(structure.foreignKeys.filter((key) => !isLink(key))).toEqual(rest.foreignKeys);
        const missing = linkTables.filter((link) => !link.indexed);
        expect(structure.indexes.filter((index) => !rest.indexes.some((each) => each.name === index.name))).toEqual(
          missing.map(({ table, column }) => ({ name: prismaName(table, [column], '_idx'), table, columns: [column] })),
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('names are cut before the suffix, at a character border', () => {
  expect(prismaName('bills', ['patientId'], '_fkey')).toBe('bills_patientId_fkey');
  const long = prismaName('t'.repeat(60), ['patientId'], '_fkey');
  expect(long).toBe(`${'t'.repeat(58)}_fkey`.slice(0, 63));
  expect(Buffer.byteLength(long)).toBe(63);
  const accented = prismaName('é'.repeat(31), ['patientId'], '_idx');
  expect(accented).toBe(`${'é'.repeat(29)}_idx`);
});

test('two link columns whose index names meet after 63 bytes are refused in words', () => {
  const table = 't'.repeat(60);
  const linkTables = ['patientId', 'patient_id'].map((column) => ({ table, column, indexed: false }));
  expect(() => renderModule({ ...defaultHostProfile, linkTables })).toThrow(/same name/);
});
