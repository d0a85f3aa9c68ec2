import { expect, test } from 'vitest';
import { prepareHome } from './home.ts';

test('a home where no folder can be made, not even by root, is refused in words and at once', async () => {
  await expect(prepareHome('/proc/onechart/home', undefined)).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_HOME_UNWRITABLE' });
});
