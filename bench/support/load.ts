export interface Measured {
  /** Completed per second. */
  readonly rate: number;
  /** Milliseconds from call to return. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Runs the work over and over in so many clients at once, after a short warm-up, and measures each call. */
export async function measure(options: { clients: number; seconds: number; work: (client: number) => Promise<void> }): Promise<Measured> {
  const { clients, seconds, work } = options;
  const warmUntil = performance.now() + Math.min(1000, seconds * 200);
  const until = warmUntil + seconds * 1000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let started = performance.now(); started < until; ) {
        await work(client);
        const ended = performance.now();
        if (started >= warmUntil && ended < until) latencies.push(ended - started);
        started = ended;
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { rate: latencies.length / seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** The round in the middle by its rate. */
export function medianByRate(rounds: readonly Measured[]): Measured {
  const middle = rounds.toSorted((a, b) => a.rate - b.rate)[Math.floor(rounds.length / 2)];
  if (!middle) throw new Error('Nothing was measured.');
  return middle;
}

/** A Markdown table, columns aligned, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  return [
    line(head),
    `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}
