import { type AppError, errorFaces } from '../../base/errors.ts';
import { count, duration } from '../../base/quantities.ts';
import type { RestoredBackup } from '../backup/index.ts';
import type { Cell, Fact, ReportDocument, Section } from './document.ts';
import { toHtml } from './html.ts';
import { toMarkdown } from './markdown.ts';

/**
 * A restore as it is reported. It has no row in a journal: the database it makes is the saved one, the saved journal
 * included, and the live one is not touched.
 */
export interface RestoreRecord {
  readonly file: string;
  readonly sha256: string | undefined;
  /** When the backup was made, if its manifest says so. */
  readonly savedAt: string | undefined;
  /** The live database, in words without a password. */
  readonly live: string;
  readonly to: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly databaseUser: string;
  readonly operatingSystemUser: string;
  readonly host: string;
  readonly version: string;
  /** Undefined when it ended with an error; of a cold copy the counts are absent. */
  readonly restored: RestoreOutcome | undefined;
  readonly error: AppError | undefined;
}

export type RestoreOutcome = Pick<RestoredBackup, 'compared' | 'foundComplete'> &
  Partial<Pick<RestoredBackup, 'objects' | 'tables' | 'rows' | 'notes' | 'swapStatements'>> & {
    readonly database: string;
    /** What was exchanged, in a sentence; undefined without a swap. */
    readonly swapped?: string | undefined;
  };

/** Writes out the report of a restore: what was restored, how it was compared, whether it took the live name. Pure. */
export function renderRestoreReport(record: RestoreRecord, format: 'html' | 'markdown'): string {
  const document = compose(record);
  return format === 'html' ? toHtml(document) : toMarkdown(document);
}

function compose(record: RestoreRecord): ReportDocument {
  const { restored, error, file, live, to, startedAt, finishedAt } = record;
  return {
    title: `Restore report: ${to}, from ${file.split(/[\\/]/).at(-1)}`,
    tone: error ? 'bad' : restored?.compared ? 'good' : 'warn',
    summary: [
      ['Outcome', outcomeOf(record)],
      ['Change', restored?.swapped ?? `The live database (${live}) was not touched.`],
      ['Compared', comparedWords(restored)],
      ['Backup', `${file}${record.savedAt ? `, made ${utc(new Date(record.savedAt))}` : ''}`],
      [
        'When and who',
        `${utc(startedAt)}, for ${duration(finishedAt.getTime() - startedAt.getTime())}, by database user ${record.databaseUser}, operating system user ${record.operatingSystemUser} on ${record.host}, OneChart ${record.version}.`,
      ],
    ],
    sections: [
      ...errorSection(error),
      ...notesSection(restored),
      ...swapSection(restored),
      { heading: 'What was restored', blocks: [{ kind: 'facts', facts: facts(record) }] },
    ],
    footer: 'A restore has no run in the journal; this file is its only report.',
  };
}

function outcomeOf({ restored, error, to }: RestoreRecord): string {
  if (error) return `Stopped (${error.code}, exit code ${errorFaces[error.kind].exitCode}): ${error.message}`;
  if (!restored) return 'Stopped; nothing more is known.';
  const name = restored.swapped ? 'Restored and exchanged' : `Restored into ${to}`;
  return `${name}${restored.foundComplete ? ' (an earlier run had restored it completely)' : ''}${restored.compared ? ' and compared with the manifest.' : '; there was no manifest to compare it with.'}`;
}

function comparedWords(restored: RestoreOutcome | undefined): string {
  if (!restored?.compared) return 'Nothing was compared.';
  if (restored.objects === undefined) return 'Every file by its checksum, and what a second server read from the copy with the manifest.';
  return `${count(restored.objects)} objects, ${count(restored.tables ?? 0)} tables and ${count(restored.rows ?? 0)} rows are as the manifest says.`;
}

function errorSection(error: AppError | undefined): Section[] {
  if (!error) return [];
  return [
    {
      heading: 'Why it stopped',
      blocks: [
        {
          kind: 'facts',
          facts: [
            ['Error', { code: error.code }],
            ['In words', error.message],
          ],
        },
      ],
    },
  ];
}

function notesSection(restored: RestoreOutcome | undefined): Section[] {
  if (!restored?.notes?.length) return [];
  return [{ heading: 'What to know', blocks: restored.notes.map((text) => ({ kind: 'text', text })) }];
}

function swapSection(restored: RestoreOutcome | undefined): Section[] {
  if (!restored?.swapStatements?.length || restored.swapped) return [];
  return [
    {
      heading: 'To exchange it with the live database',
      blocks: [
        { kind: 'text', text: 'The same command with --swap, or by hand, connected to another database:' },
        { kind: 'table', head: [{ name: 'statement' }], rows: restored.swapStatements.map((statement): Cell[] => [{ code: statement }]) },
      ],
    },
  ];
}

function facts({ file, sha256, live, restored, to, startedAt, finishedAt }: RestoreRecord): Fact[] {
  return [
    ['Backup', { code: file }],
    ['SHA-256', sha256 === undefined ? 'no manifest' : { code: sha256 }],
    ['Live database', live],
    ['Restored into', restored?.database ?? to],
    ['Began', utc(startedAt)],
    ['Ended', utc(finishedAt)],
  ];
}

function utc(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'unknown' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
