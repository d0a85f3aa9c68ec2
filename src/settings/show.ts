import { describeAddress, parseDatabaseUrl } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import type { LoadedSettings } from './load.ts';
import { type Setting, settingList } from './setting-list.ts';

/** A setting as it counts, for people and machines. A secret is never in it. */
export interface ShownSetting {
  readonly key: string;
  /** Undefined: not given, and there is no default. */
  readonly value: unknown;
  readonly source: string;
}

/** The effective configuration, each value with where it came from. */
export function showSettings(loaded: LoadedSettings): ShownSetting[] {
  return settingList.map((setting) => {
    const value = setting.key.split('.').reduce<unknown>((place, name) => (place as Record<string, unknown> | undefined)?.[name], loaded.settings);
    return { key: setting.key, value: shown(setting, value), source: loaded.origins.get(setting.key) ?? (value === undefined ? 'not given' : 'default') };
  });
}

function shown(setting: Setting, value: unknown): unknown {
  if (!setting.secret || value === undefined) return value;
  if (setting.key === 'database.replicaUrls') return (value as string[]).map(shownAddress);
  return setting.key === 'database.url' && typeof value === 'string' ? shownAddress(value) : '(set, not shown)';
}

function shownAddress(value: string): string {
  try {
    return describeAddress(parseDatabaseUrl(value));
  } catch (error) {
    if (error instanceof AppError) return '(set, and no address of a database)';
    throw error;
  }
}
