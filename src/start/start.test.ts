import { expect, test } from 'vitest';
import { parseStartOptions } from './options.ts';
import { renderTour } from './tour.ts';

test('npm start takes its options, and has sensible ones without any', () => {
  expect(parseStartOptions([], () => undefined)).toMatchObject({
    port: undefined,
    rows: 5000,
    patients: 25,
    yes: false,
    backup: true,
    exit: false,
    keepDatabase: false,
  });
  expect(parseStartOptions(['--port', '0', '--rows', '100', '--yes', '--no-backup', '--no-open', '--exit'], () => undefined)).toMatchObject({
    port: 0,
    rows: 100,
    yes: true,
    backup: false,
    open: false,
    exit: true,
  });
});

test('help goes to the given writer and starts nothing', () => {
  let text = '';
  const options = parseStartOptions(['--help'], (part) => {
    text += part;
  });
  expect(options).toBeUndefined();
  for (const option of ['--port', '--home', '--rows', '--patients', '--no-open', '--yes', '--exit']) expect(text).toContain(option);
});

test.each([[['--rows', '-1']], [['--rows', 'many']], [['--port', '65536']], [['--nonsense']]])('%j is refused in words', (args) => {
  expect(() => parseStartOptions(args, () => undefined)).toThrow(/See: npm start -- --help$/);
});

test('the tour says when nothing was applied, and does not claim a verification', () => {
  const step = { estimate: { milliseconds: 4, writeWaitMilliseconds: 4 } } as never;
  const text = renderTour({
    database: 'ehr',
    rows: undefined,
    findings: [],
    plan: { steps: [step], historyOnly: [] },
    applied: undefined,
    verification: undefined,
    report: undefined,
    writer: undefined,
    patients: undefined,
    url: 'http://127.0.0.1:1',
  });
  expect(text).toContain('nothing; the plan was only shown');
  expect(text).not.toContain('verified');
  expect(text).not.toContain('in the registry');
  expect(text).toContain('none is made on a database of your own');
});

test('the tour prints the accounts of the sample and a call that signs in with one', () => {
  const text = renderTour({
    database: 'ehr',
    rows: 1,
    findings: [],
    plan: { steps: [], historyOnly: [] },
    applied: undefined,
    verification: undefined,
    report: undefined,
    writer: undefined,
    patients: undefined,
    url: 'http://127.0.0.1:1',
    accounts: [{ role: 'FRONT_DESK', username: 'desk', password: 'made-once' }],
  });
  expect(text).toMatch(/desk +made-once +front desk/);
  expect(text).toContain(`-d '{"username":"desk","password":"made-once"}' http://127.0.0.1:1/api/v1/session`);
});
