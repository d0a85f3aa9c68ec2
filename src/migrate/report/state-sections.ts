import { duration } from '../../base/quantities.ts';
import type { Block, Fact, Section } from './document.ts';
import type { RunRecord } from './run-record.ts';
import { utc } from './times.ts';

// What a run found, left and saved: the catalogue, the checks, the backup, where it ran.

export function beforeAndAfterSection({ details: { before, after } }: RunRecord): Section[] {
  if (!before) return [];
  const known = new Map((after ?? []).map((each) => [each.migration, each]));
  const pair = (left: number, right: number | undefined) => (right === undefined ? `${left}` : `${left} → ${right}`);
  const wrong = [...before, ...(after ?? [])].flatMap((each) => each.wrong);
  return [
    {
      heading: 'Before and after',
      blocks: [
        {
          kind: 'text',
          text: after
            ? 'Objects of each migration in the catalogue, by definition and validity: before → after.'
            : 'Objects of each migration in the catalogue, by definition and validity, before the run; it ended before it could look again.',
        },
        {
          kind: 'table',
          head: [
            { name: 'migration' },
            { name: 'there', align: 'right' },
            { name: 'missing', align: 'right' },
            { name: 'invalid', align: 'right' },
            { name: 'other definition', align: 'right' },
            { name: 'history' },
          ],
          rows: before.map((left) => {
            const right = known.get(left.migration);
            return [
              left.migration,
              pair(left.present, right?.present),
              pair(left.missing, right?.missing),
              pair(left.invalid, right?.invalid),
              pair(left.conflict, right?.conflict),
              right === undefined || right.history === left.history ? left.history : `${left.history} → ${right.history}`,
            ];
          }),
        },
        ...(wrong.length > 0 ? ([{ kind: 'text', text: `Invalid, or of another definition: ${[...new Set(wrong)].join(', ')}.` }] as Block[]) : []),
        { kind: 'text', text: 'SHA-256 of each migration.sql:' },
        { kind: 'table', head: [{ name: 'migration' }, { name: 'SHA-256' }], rows: before.map(({ migration, checksum }) => [migration, { code: checksum }]) },
      ],
    },
  ];
}

export function verificationSection({ details: { verification } }: RunRecord): Section[] {
  if (!verification) return [];
  return [
    {
      heading: 'Verification of the result',
      blocks: [
        {
          kind: 'table',
          head: [{ name: 'result' }, { name: 'check' }, { name: 'found' }],
          rows: verification.items.map(({ name, ok, found }) => [ok ? 'ok' : 'FAILED', name, found]),
        },
      ],
    },
  ];
}

const levels = { ok: 'ok', info: 'note', warn: 'WARNING', block: 'BLOCK' };

export function checkedSection({ details: { findings } }: RunRecord): Section[] {
  if (!findings || findings.length === 0) return [];
  return [
    {
      heading: 'What was checked beforehand',
      blocks: [
        {
          kind: 'table',
          head: [{ name: 'result' }, { name: 'found' }, { name: 'code' }],
          rows: findings.map(({ level, message, code }) => [levels[level] ?? level, message, { code }]),
        },
      ],
    },
  ];
}

export function backupSection({ details: { backup } }: RunRecord): Section[] {
  if (backup === undefined || typeof backup === 'string') return [];
  const { file, sha256, encryption, startedAt, finishedAt, clientVersion, serverVersion, database, proof } = backup;
  const sums = Object.entries(proof.checksums ?? {});
  return [
    {
      heading: 'Backup and its proof',
      blocks: [
        {
          kind: 'facts',
          facts: [
            ['File', { code: file }],
            ['SHA-256', { code: sha256 }],
            ['Encrypted', encryption ? `yes, for a ${encryption}` : 'no'],
            ['Made', `${utc(new Date(startedAt))} to ${utc(new Date(finishedAt))}, of database ${database}`],
            ['Client and server', `${clientVersion}; ${serverVersion}`],
            ['Proof', `restored for real (${proof.where}) at ${utc(new Date(proof.at))} in ${duration(proof.milliseconds)}, then compared`],
          ],
        },
        ...(sums.length > 0
          ? [
              {
                kind: 'table' as const,
                head: [{ name: 'table' }, { name: 'checksum of its rows, the same in both' }],
                rows: sums.map(([table, sum]) => [table, { code: sum }]),
              },
            ]
          : []),
      ],
    },
  ];
}

export function surroundings(run: RunRecord): Fact[] {
  return [
    ['Run', `${run.id} (${run.command})`],
    ['Database and schema', `${run.database}, ${run.schema}`],
    ['Began', utc(run.startedAt)],
    ['Ended', run.finishedAt ? utc(run.finishedAt) : run.state === 'running' ? 'still running' : 'no end was recorded'],
    ['Database user', run.databaseUser],
    ['Operating system user', run.operatingSystemUser ?? 'unknown'],
    ['Host', run.host ?? 'unknown'],
    ['OneChart', run.version ?? 'unknown'],
    ['PostgreSQL', run.serverVersion ?? 'unknown'],
  ];
}
