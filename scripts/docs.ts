import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { createSampleEhr } from '../sample-ehr/index.ts';
import { toPgConfig } from '../src/base/config.ts';
import { renderPlan } from '../src/cli/migrate-view.ts';
import { embeddedAddress, startEmbedded, stopEmbedded } from '../src/embedded/index.ts';
import { applyMigration, planMigration } from '../src/migrate/index.ts';
import { renderAccess } from './documents/access.ts';
import { renderCli } from './documents/cli.ts';
import { renderConfiguration } from './documents/configuration.ts';
import { renderErrors } from './documents/errors.ts';
import { renderLintRules } from './documents/lint-rules.ts';
import { renderMetrics } from './documents/metrics.ts';
import { renderOpenApi } from './documents/openapi.ts';
import { renderPlanPicture } from './documents/plan-picture.ts';
import { renderSchema } from './documents/schema.ts';

// `npm run docs`: writes the generated references. test/contract proves the committed ones equal to what this makes.

const docs = join(dirname(import.meta.dirname), 'docs');
mkdirSync(join(docs, 'images'), { recursive: true });
const write = (file: string, text: string) => {
  writeFileSync(join(docs, file), text);
  console.log(`docs/${file}`);
};

write('openapi.json', renderOpenApi());
write('access.md', renderAccess());
write('errors.md', renderErrors());
write('cli.md', renderCli());
write('configuration.md', renderConfiguration());
write('lint-rules.md', renderLintRules());
write('metrics.md', renderMetrics());

const home = mkdtempSync(join(tmpdir(), 'onechart-docs-'));
try {
  await startEmbedded({ home });
  const address = await embeddedAddress({ home });
  const client = new pg.Client(toPgConfig(address, 'onechart docs'));
  await client.connect();
  await createSampleEhr(client, { rows: 200_000 });
  // Filling is no traffic: the rates are to be those of a quiet host.
  await client.query('SELECT pg_stat_reset()');
  const { plan } = await planMigration({ address });
  write('images/plan.svg', renderPlanPicture(renderPlan(plan.steps, 150)));
  await applyMigration({ address, noBackup: true });
  write('schema.md', await renderSchema(client));
  await client.end();
} finally {
  await stopEmbedded({ home });
  rmSync(home, { recursive: true, force: true });
}
