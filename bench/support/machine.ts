import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import type pg from 'pg';

/** Server settings that decide how fast it writes and how long it makes others wait. */
const settings = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'data_checksums',
  'shared_buffers',
  'maintenance_work_mem',
  'max_parallel_maintenance_workers',
  'max_wal_size',
  'checkpoint_timeout',
  'checkpoint_completion_target',
  'wal_buffers',
  'wal_compression',
  'io_method',
  'autovacuum',
  'deadlock_timeout',
  'lock_timeout',
  'max_connections',
];

/** Lines that say on what a figure was measured; a figure without them says nothing. */
export async function describeMachine(client: pg.ClientBase): Promise<string[]> {
  const version = (await client.query<{ version: string }>('SELECT version()')).rows[0]?.version ?? '';
  const found = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1) ORDER BY array_position($1, name)',
    [settings],
  );
  const cores = cpus();
  return [
    `date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `machine: ${cores[0]?.model.trim() || 'unknown processor'}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GB memory, ${platform()} ${release()}`,
    `node: ${process.version}`,
    `server: ${version.split(',')[0]?.replace(/ on .*/, '') ?? version}`,
    `settings: ${found.rows.map(({ name, value }) => `${name}=${value}`).join(' ')}`,
  ];
}

/** The load of the last minute: whoever reads a figure must see whether others used the machine. */
export function machineLoad(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** Milliseconds for people: 0.8, 12, 3,450. */
export function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
