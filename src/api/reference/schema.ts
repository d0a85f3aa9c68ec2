import { noControlCharacters, noNull } from '../openapi.ts';
import type { Schema } from './document.ts';
import { type Html, html, prose } from './html.ts';

/** A field of a body: `name` has the way to it, such as `items[].id`. */
interface Row {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** The fields of a schema as a table; what has a name of its own is a link to it. */
export function schemaTable(schema: Schema): Html {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return html`<p>${typeOf(schema)} ${notes(schema)}</p>`;
  return fieldTable(rows);
}

export function fieldTable(rows: readonly Row[]): Html {
  return html`<div class="scroll"><table>
<thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead>
<tbody>
${rows.map(({ name, required, schema }) => html`<tr><td><code>${name}</code>${required ? html` <b>required</b>` : ''}</td><td>${typeOf(schema)}</td><td>${notes(schema)}</td></tr>\n`)}</tbody>
</table></div>`;
}

function rowsOf(schema: Schema, prefix: string): Row[] {
  const { properties, items, allOf } = schema;
  if (allOf) return allOf.flatMap((each) => rowsOf(each, prefix));
  if (items && !items.$ref && (items.properties || items.allOf)) return rowsOf(items, `${prefix}[]`);
  if (!properties) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return [{ name: path, required: schema.required?.includes(name) === true, schema: field }, ...rowsOf(withoutNull(field), path)];
  });
}

/** Where something may be null, what it is otherwise. */
function withoutNull(schema: Schema): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  return others.length === 1 && others[0] ? others[0] : schema;
}

/** The type in words, with links to what has a name: `string or null`, `list of Patient`. */
export function typeOf(schema: Schema): Html {
  const { $ref, type, items, enum: values, anyOf, oneOf, allOf } = schema;
  if ($ref !== undefined) return schemaLink($ref);
  if ('const' in schema) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (values) return joined(values.map((value) => html`<code>${String(value)}</code>`));
  const choices = anyOf ?? oneOf;
  if (choices) return joined(choices.map(typeOf));
  if (allOf?.[0] && type === undefined) return typeOf(allOf[0]);
  if (items) return html`list of ${items.properties ? 'objects' : typeOf(items)}`;
  if (type === undefined) return html`anything`;
  return html`${[type].flat().join(' or ')}`;
}

function joined(parts: readonly Html[]): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html` or ${part}`))}`;
}

export function schemaLink(reference: string): Html {
  const name = reference.slice(reference.lastIndexOf('/') + 1);
  return html`<a href="#schema-${name}">${name}</a>`;
}

/** Description, limits, default, example. */
function notes(schema: Schema): Html {
  const inner = withoutNull(schema);
  const { description = inner.description, examples = inner.examples } = schema;
  const limits = [...limitsOf(inner), ...('default' in schema ? [`${JSON.stringify(schema.default)} unless given`] : [])];
  return html`${description === undefined ? '' : prose(description)}${limits.length === 0 ? '' : html` <small>${sentence(limits.join(', '))}.</small>`}${
    examples === undefined ? '' : html` <small>Such as ${joined(examples.map((example) => html`<code>${String(example)}</code>`))}.</small>`
  }`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Limits in words. A pattern that no eye can read is left to the document. */
export function limitsOf(schema: Schema): string[] {
  const { format, pattern, minimum, maximum, allOf = [] } = schema;
  return [
    ...(format === undefined ? [] : [formats[format] ?? format]),
    ...range(schema.minLength, schema.maxLength, 'characters'),
    ...range(schema.minItems, schema.maxItems, 'entries'),
    ...range(bound(minimum), bound(maximum), ''),
    ...(pattern === undefined || format !== undefined ? [] : (patterns[pattern] ?? (pattern.length <= 80 ? [`matches ${pattern}`] : []))),
    ...allOf.flatMap(limitsOf),
  ];
}

const formats: Readonly<Record<string, string>> = {
  date: 'a day as YYYY-MM-DD',
  'date-time': 'an instant of ISO 8601 with its offset',
  email: 'an e-mail address',
  uuid: 'a UUID',
};

/** Patterns of ../../base/fields.ts in words. */
const patterns: Readonly<Record<string, readonly string[]>> = {
  [noControlCharacters]: ['no control characters'],
  '\\d': ['with digits'],
  '^[!#-\\[\\]-~]+$': ['visible ASCII without quotes and backslashes'],
  [noNull]: ['no U+0000'],
};

/** The bounds of what is exact in JSON are no limit that anybody meets. */
function bound(value: number | undefined): number | undefined {
  return value !== undefined && Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;
}

function range(least: number | undefined, most: number | undefined, unit: string): string[] {
  const text =
    least !== undefined && most !== undefined ? `${least} to ${most}` : least !== undefined ? `${least} or more` : most !== undefined ? `at most ${most}` : '';
  return text === '' ? [] : [`${text} ${unit}`.trim()];
}
