import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { HostLinkTable, HostProfile } from './host.ts';
import { type PrismaField, type PrismaModel, readPrismaModels, writePrismaModel } from './prisma-schema.ts';
import { isUserColumn, moduleMigrationsFolder } from './render-module.ts';

/** Lines that a person adds to a model of the host. */
export interface ModelAddition {
  readonly model: string;
  readonly table: string;
  readonly lines: readonly string[];
}

type Field = Pick<PrismaField, 'name' | 'type' | 'attributes'>;

/** The text of patient.prisma for this host, and what its own models have to gain. */
export function renderPatientModels(profile: HostProfile, hostModels: readonly PrismaModel[]): { text: string; additions: ModelAddition[] } {
  const source = readFileSync(join(dirname(moduleMigrationsFolder()), 'schema.prisma'), 'utf8');
  const [hostPart, modulePart] = source.split('// The module.\n') as [string, string];
  const standIns = readPrismaModels(hostPart);
  const moduleModels = readPrismaModels(modulePart);
  refuseSameNames(moduleModels, hostModels);

  const users = profile.usersTable === undefined ? undefined : getHostModel(hostModels, profile.usersTable);
  const links = profile.linkTables.map((link) => linkRelation(link, profile.linkTables, hostModels));
  const taken = new Set<string>();
  const backRelations = links.map((link) => link.back(taken));
  const text = moduleModels
    .map((model) => {
      if (model.kind === 'enum') return writePrismaModel(model);
      const fields = model.fields.flatMap((field) => renderField(field, { profile, users, standIns }));
      if (model.name !== 'Patient') return writePrismaModel({ ...model, fields });
      const own = new Set(fields.map((field) => field.name));
      return writePrismaModel({ ...model, fields: [...fields, ...backRelations.map((field) => ({ ...field, name: freeName(field.name, own) }))] });
    })
    .join('\n');

  const additions = [...links.map((link) => link.addition), ...(users ? [userAddition(users, standIns)] : [])];
  return { text: `// The patient module of OneChart: written by "onechart migrate init", yours from here on.\n\n${text}`, additions: joinByModel(additions) };
}

function refuseSameNames(moduleModels: readonly PrismaModel[], hostModels: readonly PrismaModel[]): void {
  for (const model of hostModels) {
    const same = moduleModels.find((each) => each.name === model.name || (each.kind === 'model' && model.kind === 'model' && each.table === model.table));
    if (same) {
      throw new AppError(
        'conflict',
        'HOST_MODEL_EXISTS',
        `The host's schema already has ${model.kind} ${model.name} (${model.table}), which the patient module brings too. Rename or remove it first.`,
        { model: model.name, table: model.table },
      );
    }
  }
}

function getHostModel(models: readonly PrismaModel[], table: string): PrismaModel {
  const model = models.find((each) => each.kind === 'model' && each.table === table);
  if (!model)
    throw new AppError(
      'not-found',
      'HOST_MODEL_MISSING',
      `No model of the host's Prisma schema maps to table ${table}. Add it, or run init on the folder that holds all *.prisma files.`,
      { table },
    );
  return model;
}

function getHostField(model: PrismaModel, column: string): PrismaField {
  const field = model.fields.find((each) => each.column === column);
  if (!field)
    throw new AppError(
      'not-found',
      'HOST_FIELD_MISSING',
      `Model ${model.name} has no field for column ${model.table}.${column}. Add it to the host's Prisma schema first.`,
      { model: model.name, column },
    );
  return field;
}

function renderField(field: PrismaField, host: { profile: HostProfile; users: PrismaModel | undefined; standIns: readonly PrismaModel[] }): Field[] {
  const target = field.type.replace(/[?[\]]/g, '');
  if (target === 'User') {
    if (!host.users) return [];
    const id = getHostField(host.users, 'id').name;
    return [
      { name: field.name, type: field.type.replace('User', host.users.name), attributes: field.attributes.replace('references: [id]', `references: [${id}]`) },
    ];
  }
  if (host.standIns.some((model) => model.name === target)) return [];
  if (!/@db\.Uuid\b/.test(field.attributes)) return [field];
  const type = isUserColumn(field.column) ? host.profile.userIdType : host.profile.idType;
  if (type === 'uuid') return [field];
  // As PostgreSQL writes the default back, so that Prisma sees no difference.
  return [
    {
      ...field,
      attributes: field.attributes.replace(/\s*@db\.Uuid\b/, '').replace('dbgenerated("gen_random_uuid()")', 'dbgenerated("(gen_random_uuid())::text")'),
    },
  ];
}

function linkRelation(
  link: HostLinkTable,
  all: readonly HostLinkTable[],
  models: readonly PrismaModel[],
): { addition: ModelAddition; back(taken: Set<string>): Field } {
  const model = getHostModel(models, link.table);
  const field = getHostField(model, link.column);
  const several = all.filter((each) => each.table === link.table).length > 1;
  const relation = several ? `"${model.name}${upperFirst(field.name)}"` : undefined;
  const present = model.fields.some(
    (each) => each.type.replace('?', '') === 'Patient' && each.attributes.replaceAll(' ', '').includes(`fields:[${field.name}]`),
  );
  const name = freeName(several ? `${field.name.replace(/_?[iI]d$/, '')}Chart` : 'patient', new Set(model.fields.map((each) => each.name)));
  const optional = field.type.endsWith('?') ? '?' : '';
  const lines = present
    ? []
    : [`${name} Patient${optional} @relation(${relation ? `${relation}, ` : ''}fields: [${field.name}], references: [id], onDelete: Restrict)`];
  const index = `@@index([${field.name}])`;
  if (!link.indexed && !model.blockAttributes.some((line) => line.replaceAll(' ', '') === index)) lines.push(index);
  return {
    addition: { model: model.name, table: model.table, lines },
    back: (taken) => ({
      name: freeName(camelCase(link.table) + (several ? `By${upperFirst(field.name)}` : ''), taken),
      type: `${model.name}[]`,
      attributes: relation ? `@relation(${relation})` : '',
    }),
  };
}

function userAddition(users: PrismaModel, standIns: readonly PrismaModel[]): ModelAddition {
  const own = new Set(users.fields.map((field) => field.name));
  const back = standIns.find((model) => model.name === 'User')?.fields.filter((field) => field.type.endsWith('[]')) ?? [];
  const asked = back.filter(
    (field) => !users.fields.some((each) => each.type === field.type && each.attributes.replaceAll(' ', '') === field.attributes.replaceAll(' ', '')),
  );
  return { model: users.name, table: users.table, lines: asked.map((field) => `${freeName(field.name, own)} ${field.type} ${field.attributes}`) };
}

function joinByModel(additions: readonly ModelAddition[]): ModelAddition[] {
  const joined = new Map<string, ModelAddition>();
  for (const each of additions) joined.set(each.model, { ...each, lines: [...(joined.get(each.model)?.lines ?? []), ...each.lines] });
  return [...joined.values()].filter((each) => each.lines.length > 0);
}

/** A name nothing else bears yet; remembers it. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
  taken.add(name);
  return name;
}

function camelCase(table: string): string {
  const words = table.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word, at) => (at === 0 ? word.charAt(0).toLowerCase() + word.slice(1) : upperFirst(word))).join('');
  return /^[a-z]/.test(name) ? name : `linked${upperFirst(name)}`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
