import { expect, test } from 'vitest';
import { moduleMigrationNames } from './module/index.ts';
import { isModuleMigration } from './source.ts';

test("every committed migration counts as the module's, on its own day and on the one init moves it to", () => {
  const names = moduleMigrationNames();
  expect(names).toContain('20260103001300_keep_document_contents');
  expect(names).toContain('20260103000500_index_link_tables');
  for (const name of names) {
    expect(isModuleMigration(name), name).toBe(true);
    expect(isModuleMigration(`20300102${name.slice(8)}`), name).toBe(true);
  }
});

test('a migration of the host under the same words is not taken for ours', () => {
  expect(isModuleMigration('20250412153012_add_accounts')).toBe(false);
  expect(isModuleMigration('20260103001000_add_accounts_table')).toBe(false);
  expect(isModuleMigration('001000_add_accounts')).toBe(false);
});
