import { z } from 'zod';
import { Settings } from './settings.schema.ts';

/** One setting: a leaf of the schema. */
export interface Setting {
  /** `server.port` */
  readonly key: string;
  /** `ONECHART_SERVER_PORT` */
  readonly variable: string;
  readonly schema: z.ZodType;
  readonly description: string;
  /** What it takes, in words. */
  readonly takes: string;
  /** Undefined: it has to be given, or nothing happens without it. */
  readonly fallback: unknown;
  /** Never shown; may be read from a file named by the variable with _FILE. */
  readonly secret: boolean;
  /** The path of a file, which is looked for at start. */
  readonly file: boolean;
}

/** Fails safe: a key that sounds like a secret is one. */
const secretName = /(secret|password|passphrase|token$|accessKey)/i;

/** They hold a password. */
const databaseAddresses = new Set(['database.url', 'database.replicaUrls']);

/** Every setting there is, in the order of the schema. */
export const settingList: readonly Setting[] = leavesOf(Settings, []);

export function findSetting(key: string): Setting | undefined {
  return settingList.find((setting) => setting.key === key);
}

function leavesOf(schema: z.ZodType, path: readonly string[]): Setting[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return Object.entries(inner.shape).flatMap(([name, field]) => leavesOf(field as z.ZodType, [...path, name]));
  const key = path.join('.');
  const name = path.at(-1) ?? '';
  return [
    {
      key,
      variable: variableOf(key),
      schema: inner,
      description: describedBy(schema) ?? '',
      takes: takes(inner),
      fallback: fallbackOf(schema),
      secret: secretName.test(name) || databaseAddresses.has(key),
      file: name.endsWith('File'),
    },
  ];
}

export function variableOf(key: string): string {
  return `ONECHART_${key
    .replaceAll('.', '_')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
}

type Wrapper = z.ZodOptional<z.ZodType> | z.ZodDefault<z.ZodType> | z.ZodPrefault<z.ZodType> | z.ZodNullable<z.ZodType>;

function isWrapper(schema: z.ZodType): schema is Wrapper {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable;
}

function bare(schema: z.ZodType): z.ZodType {
  return isWrapper(schema) ? bare(schema.unwrap()) : schema;
}

function describedBy(schema: z.ZodType): string | undefined {
  return schema.description ?? (isWrapper(schema) ? describedBy(schema.unwrap()) : undefined);
}

function fallbackOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodDefault) return schema.def.defaultValue;
  return isWrapper(schema) ? fallbackOf(schema.unwrap()) : undefined;
}

function takes(schema: z.ZodType): string {
  if (schema instanceof z.ZodNumber) {
    const whole = schema.format === 'safeint' ? 'a whole number' : 'a number';
    return `${whole} from ${schema.minValue} to ${schema.maxValue}`;
  }
  if (schema instanceof z.ZodBoolean) return 'true or false';
  if (schema instanceof z.ZodEnum) return `one of ${schema.options.join(', ')}`;
  if (schema instanceof z.ZodArray) {
    const element = bare(schema.element as z.ZodType);
    return element instanceof z.ZodEnum ? `a list of ${element.options.join(', ')}` : 'a list; in a variable separated by commas';
  }
  if (schema instanceof z.ZodRecord) return 'names with their values; in a variable as JSON';
  return 'a text';
}
