/** A small reader of Prisma schema text: models, their fields and block attributes, as far as rendering relations needs them. */

export interface PrismaField {
  readonly name: string;
  /** With its `?` or `[]`. */
  readonly type: string;
  /** Everything behind the type, without a comment. */
  readonly attributes: string;
  /** The column: `@map`, or the field's name. */
  readonly column: string;
}

export interface PrismaModel {
  readonly kind: 'model' | 'enum';
  readonly name: string;
  /** The table: `@@map`, or the model's name. */
  readonly table: string;
  readonly fields: readonly PrismaField[];
  readonly blockAttributes: readonly string[];
}

/** The models and enums of a schema file, in order. */
export function readPrismaModels(text: string): PrismaModel[] {
  return [...text.matchAll(/^[ \t]*(model|enum)[ \t]+(\w+)[ \t]*\{[^\n]*\n([\s\S]*?)^[ \t]*\}/gm)].map(([, kind, name, body]) => {
    const lines = (body as string).split(/\r?\n/).map((line) => withoutComment(line).trim());
    const blockAttributes = lines.filter((line) => line.startsWith('@@'));
    const map = blockAttributes.map((line) => /^@@map\(\s*(?:name:\s*)?"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]).find((each) => each !== undefined);
    return {
      kind: kind as 'model' | 'enum',
      name: name as string,
      table: unescape(map) ?? (name as string),
      blockAttributes,
      fields: lines.filter((line) => /^\w/.test(line)).map(readField),
    };
  });
}

function readField(line: string): PrismaField {
  const [, name = line, type = '', attributes = ''] = /^(\w+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
  const map = /(?:^|\s)@map\(\s*(?:name:\s*)?"((?:[^"\\]|\\.)*)"/.exec(attributes)?.[1];
  return { name, type, attributes, column: unescape(map) ?? name };
}

function unescape(text: string | undefined): string | undefined {
  return text?.replace(/\\(.)/g, '$1');
}

/** Cuts `// ...`, but not inside a string. */
function withoutComment(line: string): string {
  return /^(?:[^"/]|"(?:[^"\\]|\\.)*"|\/(?!\/))*/.exec(line)?.[0] ?? line;
}

/** A model as `prisma format` lays it out: names, types and attributes in columns. */
export function writePrismaModel(
  model: Pick<PrismaModel, 'kind' | 'name' | 'blockAttributes'> & { readonly fields: readonly Pick<PrismaField, 'name' | 'type' | 'attributes'>[] },
): string {
  const names = Math.max(0, ...model.fields.map((field) => field.name.length));
  const types = Math.max(0, ...model.fields.map((field) => field.type.length));
  const fields = model.fields.map((field) => `  ${field.name.padEnd(names)} ${field.type.padEnd(types)} ${field.attributes}`.trimEnd());
  const block = model.blockAttributes.length > 0 ? ['', ...model.blockAttributes.map((line) => `  ${line}`)] : [];
  return [`${model.kind} ${model.name} {`, ...fields, ...block, '}', ''].join('\n');
}
