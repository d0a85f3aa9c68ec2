import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '../base/errors.ts';
import { findSetting, type Setting, settingList } from './setting-list.ts';
import { Settings } from './settings.schema.ts';

/** Where a value came from, for `config show` and for errors: `default`, the file's path, the variable's or the flag's name. */
export type Origin = string;

export interface LoadedSettings {
  readonly settings: Settings;
  /** By key; what is not there is at its default. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
}

export interface SettingsSources {
  /** `--config`; else ONECHART_CONFIG, else onechart.config.json, .yaml or .yml in the present folder, if there is one. */
  readonly config?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What flags said, with the flag's name: texts are read as those of variables are. */
  readonly flags?: readonly { readonly key: string; readonly value: unknown; readonly flag: string }[];
}

/** Something wrong in the configuration: which setting, where it was said, what to do. */
export interface SettingsProblem {
  readonly key: string;
  readonly source: Origin;
  readonly problem: string;
}

/** Variables of ours that are no settings. */
const otherVariables = new Set([
  'ONECHART_CONFIG',
  'ONECHART_HOME',
  'ONECHART_DEBUG',
  'ONECHART_REPORT_DIR',
  'ONECHART_BACKUP_PASSPHRASE',
  'ONECHART_BACKUPS',
  'ONECHART_KEY',
  'ONECHART_PASSWORD',
  'ONECHART_WALK',
  'ONECHART_WALK_FROM',
]);
const otherPrefixes = /^ONECHART_(TEST|STATES|BENCH)_/;
/** A cluster writes addresses of services into every container: one called onechart gives ONECHART_PORT=tcp://…, ONECHART_SERVICE_HOST and more. */
const clusterVariable = /^ONECHART_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP)(?:_\w+)?)?)$/;
const clusterValue = /^(?:tcp|udp):\/\//;

const fileNames = ['onechart.config.json', 'onechart.config.yaml', 'onechart.config.yml'];

/**
 * The configuration of a server: defaults, then the file, then the environment, then flags; each wins over those before it.
 *
 * Errors: `CONFIG_INVALID` with every wrong key, where it stands and what to do; `CONFIG_FILE_UNREADABLE`.
 *
 * @example
 * const { settings } = await loadSettings({ env: { ONECHART_SERVER_PORT: '9000' }, cwd: '/srv/onechart' });
 * settings.server.port; // 9000
 */
export async function loadSettings(sources: SettingsSources): Promise<LoadedSettings> {
  const problems: SettingsProblem[] = [];
  const values = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  const give = (setting: Setting, value: unknown, origin: Origin) => {
    values.set(setting.key, value);
    origins.set(setting.key, origin);
  };

  const file = configFile(sources);
  if (file !== undefined) {
    for (const [key, value] of entriesOf(await readConfigFile(file.path), [])) {
      const setting = findSetting(key);
      if (setting) give(setting, setting.file && typeof value === 'string' ? resolve(dirname(file.path), value) : value, file.path);
      else
        problems.push({
          key,
          source: file.path,
          problem: `is no setting; ${remedyFor(
            key,
            settingList.map((each) => each.key),
          )}`,
        });
    }
  }
  readVariables(sources, { give, problems });
  for (const { key, value, flag } of sources.flags ?? []) {
    const setting = findSetting(key);
    if (!setting)
      problems.push({
        key,
        source: flag,
        problem: `is no setting; ${remedyFor(
          key,
          settingList.map((each) => each.key),
        )}`,
      });
    else give(setting, fromText(setting, value, sources.cwd), flag);
  }

  const parsed = Settings.safeParse(nest(values));
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue, origins)));
  else problems.push(...missingFiles(values, origins));
  if (problems.length > 0 || !parsed.success) throw invalid(problems);
  return { settings: parsed.data, origins, file: file?.path };
}

function configFile(sources: SettingsSources): { path: string } | undefined {
  const named = sources.config ?? (sources.env.ONECHART_CONFIG || undefined);
  if (named !== undefined) return { path: resolve(sources.cwd, named) };
  const path = fileNames.map((name) => join(sources.cwd, name)).find((each) => existsSync(each));
  return path === undefined ? undefined : { path };
}

async function readConfigFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'CONFIG_FILE_UNREADABLE',
      `The configuration ${path} cannot be read. Correct --config or ONECHART_CONFIG, or its rights.`,
      { path },
      { cause },
    );
  }
  try {
    if (path.endsWith('.json')) return JSON.parse(text);
    // YAML costs 15 ms and 5 MB: only where a file is written in it.
    const { parse } = await import('yaml');
    return parse(text, { uniqueKeys: true }) ?? {};
  } catch (cause) {
    const reason = cause instanceof Error ? (/(?:line|position) \d+(?:[ ,]+(?:\(?line \d+ )?column \d+\)?)?/.exec(cause.message)?.[0] ?? '') : '';
    throw new AppError(
      'invalid',
      'CONFIG_FILE_MALFORMED',
      `The configuration ${path} is not ${path.endsWith('.json') ? 'JSON' : 'YAML'}${reason === '' ? '' : ` (at ${reason})`}. Correct it; onechart config check says when it is right.`,
      { path },
      { cause },
    );
  }
}

/** The leaves of a document by dotted key. A value under the key of a whole setting (a list, a record) is not taken apart. */
function entriesOf(value: unknown, path: readonly string[]): [string, unknown][] {
  const key = path.join('.');
  // A heading in YAML with nothing below it.
  if (value === null && isSection(key)) return [];
  if (path.length > 0 && (findSetting(key) || !isRecord(value))) return [[key, value]];
  if (!isRecord(value)) return [['(the whole document)', value]];
  if (path.length > 0 && Object.keys(value).length === 0) return isSection(key) ? [] : [[key, value]];
  // Editors find the schema of a JSON file under this name.
  return Object.entries(value).flatMap(([name, each]) => (path.length === 0 && name === '$schema' ? [] : entriesOf(each, [...path, name])));
}

function isSection(key: string): boolean {
  return settingList.some((setting) => setting.key.startsWith(`${key}.`));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Collected = { give: (setting: Setting, value: unknown, origin: Origin) => void; problems: SettingsProblem[] };

function readVariables({ env, cwd }: SettingsSources, { give, problems }: Collected): void {
  const known = new Map(settingList.map((setting) => [setting.variable, setting]));
  // The names that everybody uses; ours win over them, because they are about this server alone.
  for (const [usual, key] of Object.entries({ DATABASE_URL: 'database.url', DATABASE_REPLICA_URLS: 'database.replicaUrls' })) {
    const setting = findSetting(key) as Setting;
    for (const name of [usual, `${usual}_FILE`]) {
      const text = env[name];
      if (!text) continue;
      const value = name.endsWith('_FILE') ? readSecret({ path: text, cwd, name, key }, problems) : text;
      if (value !== undefined) give(setting, fromText(setting, value, cwd), name);
    }
  }
  for (const [name, text] of Object.entries(env).sort(([left], [right]) => (left < right ? -1 : 1))) {
    if (!name.startsWith('ONECHART_') || !text || otherVariables.has(name) || otherPrefixes.test(name)) continue;
    if (clusterValue.test(text) && clusterVariable.test(name)) continue;
    const setting = known.get(name);
    const secret = name.endsWith('_FILE') ? known.get(name.slice(0, -'_FILE'.length)) : undefined;
    if (setting) give(setting, fromText(setting, text, cwd), name);
    else if (secret?.secret) {
      const value = readSecret({ path: text, cwd, name, key: secret.key }, problems);
      if (value !== undefined) give(secret, fromText(secret, value, cwd), name);
    } else if (!clusterVariable.test(name))
      problems.push({ key: name, source: 'environment', problem: `is no variable of OneChart; ${remedyFor(name, [...known.keys()])}` });
  }
}

/** As Docker and Kubernetes hand over secrets: a file, with or without a line end. */
function readSecret({ path, cwd, name, key }: { path: string; cwd: string; name: string; key: string }, problems: SettingsProblem[]): string | undefined {
  try {
    return readFileSync(resolve(cwd, path), 'utf8').replace(/\r?\n$/, '');
  } catch {
    problems.push({ key, source: name, problem: 'names a file that cannot be read; correct its path or its rights' });
    return undefined;
  }
}

/** The value that a text of a variable or a flag means. What cannot be read stays text, and the schema refuses it. */
function fromText(setting: Setting, value: unknown, cwd: string): unknown {
  if (typeof value !== 'string') return value;
  const { schema } = setting;
  if (setting.file) return isAbsolute(value) ? value : resolve(cwd, value);
  if (schema instanceof z.ZodNumber) return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (schema instanceof z.ZodBoolean) return value === 'true' ? true : value === 'false' ? false : value;
  if (schema instanceof z.ZodArray && !value.startsWith('['))
    return value
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  if (schema instanceof z.ZodArray || schema instanceof z.ZodRecord) {
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }
  return value;
}

function nest(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const path = key.split('.');
    let place = whole;
    for (const name of path.slice(0, -1)) place = (place[name] ??= {}) as Record<string, unknown>;
    place[path.at(-1) as string] = value;
  }
  return whole;
}

function problemsOf(issue: z.core.$ZodIssue, origins: ReadonlyMap<string, Origin>): SettingsProblem[] {
  const names = issue.path.map(String);
  const setting = names.map((_name, index) => findSetting(names.slice(0, index + 1).join('.'))).find((found) => found !== undefined);
  const key = setting?.key ?? names.join('.');
  const source = origins.get(key) ?? 'nowhere';
  if (source === 'nowhere') {
    const problem = issue.code === 'custom' ? issue.message : 'is needed as well; give it, or leave out what belongs to it';
    return [{ key, source, problem }];
  }
  // The schema's own words are kept where somebody wrote them; those of the library are for programmers.
  const own = issue.code === 'custom' || /^(must|is|begins) /.test(issue.message);
  return [{ key, source, problem: own ? issue.message : `must be ${setting?.takes ?? 'something else'}` }];
}

function missingFiles(values: ReadonlyMap<string, unknown>, origins: ReadonlyMap<string, Origin>): SettingsProblem[] {
  return settingList.flatMap(({ key, file }) => {
    const path = values.get(key);
    if (!file || typeof path !== 'string') return [];
    try {
      accessSync(path, constants.R_OK);
      return [];
    } catch {
      return [{ key, source: origins.get(key) ?? '', problem: 'names a file that cannot be read; correct its path or its rights' }];
    }
  });
}

function invalid(problems: readonly SettingsProblem[]): AppError {
  const sentences = problems.map(
    ({ key, source, problem }) => `${key}${source === 'nowhere' ? '' : source === 'environment' ? ' in the environment' : ` in ${source}`} ${problem}.`,
  );
  const text = sentences.length === 1 ? sentences[0] : `The configuration has ${sentences.length} mistakes:\n  ${sentences.join('\n  ')}`;
  return new AppError('invalid', 'CONFIG_INVALID', text ?? '', { problems });
}

/** The nearest name that there is, or where to look. */
function remedyFor(name: string, known: readonly string[]): string {
  const nearest = known.map((each) => ({ each, distance: distanceOf(name.toLowerCase(), each.toLowerCase()) })).sort((a, b) => a.distance - b.distance)[0];
  if (nearest && nearest.distance <= Math.max(2, Math.floor(name.length / 5))) return `perhaps ${nearest.each} is meant`;
  return 'remove it, or see docs/configuration.md for those there are';
}

/** Levenshtein's distance. */
function distanceOf(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_each, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
