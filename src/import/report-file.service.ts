import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../base/errors.ts';
import { readRecords } from './source.service.ts';
import { csvLine } from './report-lines.ts';

/** A file beside the import that grows with it: rows with errors, or duplicates. It holds data of patients. */
export interface ReportFile {
  readonly path: string;
  readonly written: number;
  /** Lines of the next batch; on the disk when this ends, before the batch is committed. */
  append(lines: readonly string[]): Promise<void>;
  /** Takes back what was appended since `written` was this: its batch did not become. */
  cut(written: number): Promise<void>;
  close(): Promise<void>;
}

/** Only whoever runs the import may read it. */
const ownerOnly = 0o600;

/**
 * Opens a report. One that goes on is cut where the import goes on: what was written of a batch that was never committed goes. A file
 * without rows is not made at all.
 */
export async function openReport(
  path: string,
  options: { kind: 'csv' | 'ndjson'; header: readonly string[]; fromLine: number | undefined },
): Promise<ReportFile> {
  const { kind, header, fromLine } = options;
  let file: FileHandle | undefined;
  let written = 0;
  if (fromLine === undefined) {
    // What an earlier run left must not be taken for this one's.
    const stale = await attempt(() => open(path, 'r+')).catch(() => undefined);
    await stale?.truncate(0);
    await stale?.close();
  } else {
    written = await endBefore(path, kind, fromLine);
    if (written > 0) {
      file = await attempt(() => open(path, 'r+'));
      await file.truncate(written);
    }
  }
  const cut = async (to: number) => {
    if (!file || written === to) return;
    await file.truncate(to);
    written = to;
  };
  return {
    path,
    get written() {
      return written;
    },
    async append(lines) {
      if (lines.length === 0) return;
      if (!file) {
        file = await attempt(() => open(path, 'w', ownerOnly));
        await file.chmod(ownerOnly);
      }
      const text = Buffer.from((written === 0 && kind === 'csv' ? csvLine(header) : '') + lines.join(''), 'utf8');
      await file.write(text, 0, text.length, written);
      await file.datasync();
      written += text.length;
    },
    cut,
    close: async () => {
      await file?.close();
    },
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'IMPORT_REPORT_UNWRITABLE',
      'The file for errors or duplicates cannot be written. Name another place with --errors and --duplicates-file.',
      {},
      { cause },
    );
  }
}

/** How many bytes of a report tell of lines before this one; they stand in it in order. */
async function endBefore(path: string, kind: 'csv' | 'ndjson', fromLine: number): Promise<number> {
  let end = 0;
  let heading = kind === 'csv';
  try {
    const format = { encoding: 'utf-8', ...(kind === 'csv' ? { delimiter: ',', quote: '"' } : {}) } as const;
    for await (const records of readRecords(path, format, { byte: 0, line: 1 })) {
      for (const { fields, next } of records) {
        const line = heading ? 0 : lineOf(fields?.[0] ?? '', kind);
        if (line === undefined || line >= fromLine) return end;
        heading = false;
        end = next.byte;
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  return end;
}

function lineOf(field: string, kind: 'csv' | 'ndjson'): number | undefined {
  const text = kind === 'csv' ? field : (/^\{"importLine":(\d+)/.exec(field)?.[1] ?? '');
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
