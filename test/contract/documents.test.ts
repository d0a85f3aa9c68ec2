import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { renderCli } from '../../scripts/documents/cli.ts';
import { renderConfiguration } from '../../scripts/documents/configuration.ts';
import { collectErrorCodes, renderErrors } from '../../scripts/documents/errors.ts';
import { renderLintRules } from '../../scripts/documents/lint-rules.ts';
import { renderOpenApi } from '../../scripts/documents/openapi.ts';
import { renderSchema } from '../../scripts/documents/schema.ts';
import { createDatabase } from '../support/database.ts';

// Generated references equal the committed ones; `npm run docs` writes them anew.

const root = dirname(dirname(import.meta.dirname));
const committed = (file: string) => readFileSync(join(root, 'docs', file), 'utf8');
const remedy = 'The committed file is stale. Run `npm run docs` and commit what it writes.';

test('docs/openapi.json describes the routes there are', () => {
  expect(committed('openapi.json'), remedy).toBe(renderOpenApi());
});

test('docs/cli.md describes the commands there are', () => {
  expect(committed('cli.md'), remedy).toBe(renderCli());
});

test('docs/configuration.md describes the settings there are', () => {
  expect(committed('configuration.md'), remedy).toBe(renderConfiguration());
});

test('docs/lint-rules.md describes the rules there are', () => {
  expect(committed('lint-rules.md'), remedy).toBe(renderLintRules());
});

test('docs/errors.md and the source know the same codes', () => {
  const inSource = collectErrorCodes().map(({ code }) => code);
  const inDocument = [...committed('errors.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, code]) => code);
  expect(inSource.length).toBeGreaterThan(50);
  expect(
    inDocument.filter((code) => !inSource.includes(code ?? '')),
    'documented, raised nowhere',
  ).toEqual([]);
  expect(
    inSource.filter((code) => !inDocument.includes(code)),
    'raised, not documented',
  ).toEqual([]);
  expect(committed('errors.md'), remedy).toBe(renderErrors());
});

test('docs/schema.md describes the migrated database', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  expect(committed('schema.md'), remedy).toBe(await renderSchema(database.pool() as unknown as Parameters<typeof renderSchema>[0]));
});
