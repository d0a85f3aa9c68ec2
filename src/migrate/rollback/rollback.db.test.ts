import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startBackgroundWriter, writeHostPrismaFolder } from '../../../sample-ehr/index.ts';
import { createVariant, type VariantName } from '../../../sample-ehr/variants.ts';
import { type TestDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { hostPicture } from '../../../test/support/host-picture.ts';
import { apply, createHost, moduleHistory, snapshot } from '../../../test/support/migrate.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../../base/config.ts';
import { applyMigration, initMigration, migrationStatus, planMigration, planRollback, type RollbackOptions, rollbackMigration } from '../index.ts';

function rollback(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return rollbackMigration({ address: parseDatabaseUrl(database.url), ...options });
}

function plan(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return planRollback({ address: parseDatabaseUrl(database.url), ...options });
}

function picture(database: { url: string }): Promise<string[]> {
  return withClient(database.url, (client) => hostPicture(client, parseDatabaseUrl(database.url).schema));
}

async function registerPatients(database: { query: TestDatabase['query'] }, number = 3): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") SELECT 'MRN-2026-' || lpad(i::text, 5, '0'), 'Ines', 'Example ' || i, '1980-02-29' FROM generate_series(1, $1::int) i RETURNING id::text`,
    [number],
  );
  return rows.map(({ id }) => id);
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'onechart-rows-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'rows');
}

test.each(['uuid', 'text'] as const)('apply and rollback, twice, on a host with %s ids: nothing is left and nothing is taken', async (idType) => {
  await using host = await createHost(idType);
  const before = await picture(host);
  for (const round of [1, 2]) {
    expect((await apply(host)).verification.ok).toBe(true);
    expect(await picture(host)).not.toEqual(before);
    const { steps, plan: planned } = await rollback(host);
    expect(await picture(host)).toEqual(before);
    expect(steps.length).toBe(planned.steps.length);
    const attempts = await moduleHistory(host);
    expect(attempts.every(({ finished, rolledBack }) => finished && rolledBack)).toBe(true);
    expect(attempts.length).toBe(planned.migrations.length * round);
    const { migrations } = await migrationStatus({ address: parseDatabaseUrl(host.url) });
    expect(migrations.map(({ history, complete }) => [history, complete])).toEqual(migrations.map(() => ['rolled-back', false]));
    expect((await planMigration({ address: parseDatabaseUrl(host.url) })).plan.steps.length).toBeGreaterThan(10);
    expect(await host.query('SELECT count(*)::int AS files FROM onechart.migration_files')).toEqual([{ files: 0 }]);
    expect(
      await host.query(
        `SELECT count(*)::int AS open FROM onechart.migration_steps s JOIN onechart.migration_runs r ON r.id = s."runId" WHERE r.command = 'apply' AND s."undoneAt" IS NULL`,
      ),
    ).toEqual([{ open: 0 }]);
    const still = await snapshot(host);
    expect((await rollback(host)).steps).toEqual([]);
    expect(await snapshot(host)).toEqual(still);
  }
});
