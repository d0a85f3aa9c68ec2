/** A small seeded generator (mulberry32): the same seed, the same attack. */
export function seededRandom(seed: number): { next(): number; below(limit: number): number; pick<Item>(items: readonly Item[]): Item } {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, pick: <Item>(items: readonly Item[]) => items[below(items.length)] as Item };
}
export type Random = ReturnType<typeof seededRandom>;

/** What people type, paste and send in bad faith, one of each family. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\t\r\n',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e309',
  '99999999999999999999999999',
  '0x10',
  '٣٤٥',
  '1,000.00',
  '\u0000',
  'before\u0000after',
  '\u0007\u001b[31mred\u001b[0m',
  '\ud800',
  '\udfff\ud800',
  '\ufeffbyte order mark',
  '\u200bzero\u200dwidth',
  '\u202eright to left\u202c',
  '\uffff',
  'e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301',
  'ﷺ'.repeat(40),
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}',
  '𝒜𝓁𝒾𝒸ℯ',
  'مريم بنت علي',
  '王小明',
  'Ægir Þórsson-Ó’Brien',
  "'; DROP TABLE patients; --",
  "' OR '1'='1",
  '") ON CONFLICT DO NOTHING; SELECT pg_sleep(9); --',
  '$$; SELECT 1; $$',
  '\\',
  '\\x00',
  '%',
  '_%_%_%',
  '{"$ne": null}',
  '[1,2,3]',
  '{}',
  '__proto__',
  'constructor',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '<!--#exec cmd="id"-->',
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  '{{7*7}}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the very text that a template engine would fill
  '${7*7}',
  '#{7*7}',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%00',
  '%c0%ae%c0%ae/',
  '%n%s%x%d',
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  '; cat /etc/passwd |',
  '`id`',
  '$(id)',
  'line\r\nset-cookie: injected=1',
  '{"level":50,"msg":"forged"}\n',
  '2026-02-30',
  '0000-00-00',
  '9999-12-31T23:59:60Z',
  '-000001-01-01T00:00:00Z',
  '2026-11-23T24:00:00+99:99',
  'a'.repeat(300),
  'a'.repeat(20_000),
  '(a+)+$'.repeat(50),
];

/** Values of the wrong kind. */
const wrongKinds: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  [1, 'two', { three: 3 }],
];

type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
};

/** A value that the schema allows, as far as it says; optional fields come now and then. */
export function allowedValue(schema: JsonSchema, random: Random): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  if (schema.examples && random.below(3) > 0) return random.pick(schema.examples);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return allowedValue(random.pick(choices), random);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => allowedValue(part, random)));
  switch (Array.isArray(schema.type) ? random.pick(schema.type as string[]) : schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
          schema.required?.includes(name) || random.below(3) === 0 ? [[name, allowedValue(property, random)]] : [],
        ),
      );
    case 'array':
      return Array.from({ length: random.below(3) }, () => allowedValue(schema.items ?? {}, random));
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1) + random.below(3);
    case 'boolean':
      return random.below(2) === 0;
    case 'null':
      return null;
    default:
      return allowedText(schema, random);
  }
}

function allowedText(schema: JsonSchema, random: Random): string {
  if (schema.format === 'date') return `19${10 + random.below(90)}-0${1 + random.below(9)}-1${random.below(10)}`;
  if (schema.format === 'date-time') return '2020-01-01T00:00:00Z';
  if (schema.format === 'email') return `someone${random.below(1000)}@example.org`;
  return `Text${random.below(1000)}`.padEnd(schema.minLength ?? 0, 'x').slice(0, schema.maxLength ?? 100);
}

/** A value that makes trouble: of the wrong kind, out of bounds by one, hostile text, or a structure that is not what it seems. */
export function hostileValue(schema: JsonSchema, random: Random): unknown {
  switch (random.below(6)) {
    case 0:
      return random.pick(wrongKinds);
    case 1:
      return 'x'.repeat((schema.maxLength ?? 255) + 1);
    case 2:
      return (schema.maximum ?? 2 ** 31) + 1;
    case 3:
      return nested(random.below(2) === 0 ? 50 : 1500);
    default:
      return random.pick(hostileTexts);
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { deeper: value };
  return value;
}

/** A value that is allowed with one field, or the whole of it, made hostile. */
export function spoiledValue(schema: JsonSchema, random: Random, value: unknown = allowedValue(schema, random)): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || random.below(8) === 0) return hostileValue(schema, random);
  const fields = Object.entries(schema.properties ?? {});
  const chosen = fields.length === 0 ? undefined : random.pick(fields);
  const spoiled: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  switch (random.below(5)) {
    case 0:
      spoiled[random.pick(['constructor', 'toString', 'id', 'version', 'restricted', 'role', 'unknown field', ''])] = random.pick(hostileTexts);
      return spoiled;
    case 1:
      if (chosen) delete spoiled[chosen[0]];
      return spoiled;
    default:
      if (chosen) spoiled[chosen[0]] = hostileValue(chosen[1], random);
      return spoiled;
  }
}
