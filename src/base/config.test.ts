import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeAddress, parseDatabaseUrl, resolveDatabase, toDatabaseUrl, toPgConfig } from './config.ts';

describe('database addresses', () => {
  test('a password is taken as people write it, encoded or not', () => {
    const raw = parseDatabaseUrl('postgresql://ehr:p@ss:w/o?r#d%@db.example.org:6432/1xetra*onmi?schema=ehr');
    expect(raw).toMatchObject({ host: 'db.example.org', port: 6432, user: 'ehr', password: 'p@ss:w/o?r#d%', database: '1xetra*onmi', schema: 'ehr' });
    expect(parseDatabaseUrl('postgres://ehr:p%40ss%3Aw@localhost/x').password).toBe('p@ss:w');
  });

  test('any user, password and database survive being written and read again', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        (user, password, database) => {
          const address = { host: '127.0.0.1', port: 5432, user, password, database, schema: 'public', source: '--database-url' as const };
          expect(parseDatabaseUrl(toDatabaseUrl(address))).toEqual(address);
        },
      ),
    );
  });

  test('the option wins over DATABASE_URL, which wins over PG variables; nothing gives nothing', () => {
    const env = { DATABASE_URL: 'postgresql://a@b/c', PGHOST: 'h', PGUSER: 'u', PGDATABASE: 'd' };
    expect(resolveDatabase({ databaseUrl: 'postgresql://x@y/z' }, env)?.database).toBe('z');
    expect(resolveDatabase({}, env)?.database).toBe('c');
    expect(resolveDatabase({}, { ...env, DATABASE_URL: '' })).toMatchObject({ host: 'h', user: 'u', database: 'd', source: 'PG* variables' });
    expect(resolveDatabase({}, {})).toBeUndefined();
  });

  test('an address in a file, as secrets are handed over, wins over the variable; a file that is not there is said', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'onechart-config-')), 'url');
    writeFileSync(file, 'postgresql://filed:pass@h/d\n');
    expect(resolveDatabase({}, { DATABASE_URL: 'postgresql://a@b/c', DATABASE_URL_FILE: file })).toMatchObject({ user: 'filed', database: 'd' });
    rmSync(dirname(file), { recursive: true });
    expect(() => resolveDatabase({}, { DATABASE_URL_FILE: file })).toThrow(expect.objectContaining({ code: 'DATABASE_URL_FILE_UNREADABLE' }));
  });

  test('IPv6, sockets and sslmode', () => {
    expect(parseDatabaseUrl('postgresql://u@[::1]:5433/d').host).toBe('::1');
    expect(parseDatabaseUrl('postgresql://u@localhost/d?host=/run/postgresql').host).toBe('/run/postgresql');
    expect(toPgConfig(parseDatabaseUrl('postgresql://u@h/d?sslmode=verify-full')).ssl).toBe(true);
    expect(toPgConfig(parseDatabaseUrl('postgresql://u@h/d')).ssl).toBeUndefined();
  });

  test('what is no address is refused by the name of where it came from, and messages carry no password', () => {
    expect(() => parseDatabaseUrl('mysql://u@h/d', 'DATABASE_URL')).toThrow(/DATABASE_URL/);
    expect(() => parseDatabaseUrl('postgresql://u@h:99999/d')).toThrow(/1 to 65535/);
    expect(describeAddress(parseDatabaseUrl('postgresql://u:secret@h/d'))).not.toContain('secret');
  });
});
