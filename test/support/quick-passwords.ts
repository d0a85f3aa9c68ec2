import type { scrypt } from 'node:crypto';
import { vi } from 'vitest';

/**
 * Hashes passwords at a thousandth of the cost, for files that sign in again and again and prove something else: imported before what they
 * test. The real cost is proven by src/access/password.test.ts and session.db.test.ts.
 */
vi.doMock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<{ scrypt: typeof scrypt }>();
  const quick = (...[password, salt, length, options, done]: Parameters<typeof scrypt>) =>
    original.scrypt(password, salt, length, { ...options, N: 16, p: 1 }, done);
  return { ...original, scrypt: quick };
});
