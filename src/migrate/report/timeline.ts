import { duration, plural } from '../../base/quantities.ts';
import type { TimedStep } from './group-steps.ts';
import { layOutTimeline, type TimelineLayout, type TimelineRow } from './timeline-layout.ts';

const labelWidth = 372;
const axisWidth = 430;
const textWidth = 240;
const margin = 8;
const rowHeight = 20;
const barHeight = 11;
const headHeight = 46;

/** Colours that a colour-blind reader tells apart; waiting has hatching besides. The second set is for a dark screen. */
const style = `
.oc-text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1b2733; }
.oc-faint { fill: #56646f; }
.oc-bad { fill: #a4161a; }
.oc-grid { stroke: #d5dce2; }
.oc-band { fill: #f3f6f8; }
.oc-work { fill: #1f6fb5; }
.oc-wait { fill: #f2b04b; stroke: #a86400; stroke-width: 0.5; }
.oc-hatch { stroke: #7a4800; }
.oc-mark { fill: #7a4800; }
.oc-cross { stroke: #a4161a; stroke-width: 2; }
@media screen and (prefers-color-scheme: dark) {
.oc-text { fill: #e4eaef; } .oc-faint { fill: #a3b1bd; } .oc-bad { fill: #ff9a9a; } .oc-grid { stroke: #3a4650; } .oc-band { fill: #1d262d; }
.oc-work { fill: #6cb2f0; } .oc-wait { fill: #c98a2b; stroke: #ffd596; } .oc-hatch { stroke: #ffe6bf; } .oc-mark { fill: #ffd596; } .oc-cross { stroke: #ff9a9a; }
}`.trim();

/**
 * Draws the steps of a run as bars on a time axis: waiting for a lock hatched, work plain, retries marked, many batches
 * of one kind on one line. A self-contained SVG without scripts; it may stand inside HTML. Pure.
 */
export function renderTimeline(steps: readonly TimedStep[], options: { title: string }): string {
  const layout = layOutTimeline(steps, axisWidth);
  const width = margin + labelWidth + axisWidth + textWidth;
  const height = headHeight + Math.max(1, layout.rows.length) * rowHeight + 26;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="oc-title oc-desc">`,
    `<title id="oc-title">${escapeXml(options.title)}</title>`,
    `<desc id="oc-desc">${escapeXml(describe(layout))}</desc>`,
    `<style>${style}</style>`,
    '<defs><pattern id="oc-hatching" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="oc-hatch" x1="0" y1="0" x2="0" y2="5" stroke-width="1.6"/></pattern></defs>',
    ...legend(),
    ...axis(layout, height),
    ...layout.rows.map(drawRow),
    ...(layout.rows.length === 0 ? [text({ x: margin, y: headHeight + 14, words: 'No step was done.', faint: true })] : []),
    '</svg>',
  ].join('\n');
}

function legend(): string[] {
  const y = 16;
  return [
    `<rect class="oc-work" x="${margin}" y="${y - 10}" width="22" height="${barHeight}"/>`,
    text({ x: margin + 28, y, words: 'work' }),
    waiting(margin + 76, y - 10, 22),
    text({ x: margin + 104, y, words: 'waiting for a lock' }),
    mark(margin + 228, y - 8),
    text({ x: margin + 240, y, words: 'lock obtained after retries' }),
  ];
}

function axis({ ticks, rows }: TimelineLayout, height: number): string[] {
  const left = margin + labelWidth;
  const bottom = height - 20;
  return [
    ...rows.flatMap((_, index) =>
      index % 2 === 0
        ? [`<rect class="oc-band" x="0" y="${headHeight + index * rowHeight}" width="${left + axisWidth + textWidth}" height="${rowHeight}"/>`]
        : [],
    ),
    ...ticks.flatMap(({ x, milliseconds }, index) => {
      const at = round(left + x);
      const anchor = index === 0 ? 'start' : x > axisWidth - 20 ? 'end' : 'middle';
      const words = milliseconds === 0 ? '0' : axisLabel(milliseconds);
      return [
        `<line class="oc-grid" x1="${at}" y1="${headHeight - 6}" x2="${at}" y2="${bottom}"/>`,
        text({ x: at, y: headHeight - 12, words, faint: true, anchor }),
        text({ x: at, y: height - 6, words, faint: true, anchor }),
      ];
    }),
  ];
}

function drawRow(row: TimelineRow, index: number): string {
  const top = headHeight + index * rowHeight;
  const left = margin + labelWidth;
  const y = top + (rowHeight - barHeight) / 2;
  const baseline = top + 14;
  const end = Math.max(0, ...row.segments.map(({ x, width }) => x + width));
  const single = /^\d+$/.test(row.numbers);
  return [
    '<g>',
    `<title>${escapeXml(`${row.numbers}. ${row.label}: ${rowWords(row)}`)}</title>`,
    ...(single
      ? [
          text({ x: margin + 24, y: baseline, words: row.numbers, faint: true, anchor: 'end' }),
          text({ x: margin + 32, y: baseline, words: shorten(row.label, 52) }),
        ]
      : [text({ x: margin, y: baseline, words: shorten(`${row.numbers}: ${row.label}`, 57) })]),
    ...row.segments.map((segment) =>
      segment.kind === 'wait'
        ? waiting(left + segment.x, y, segment.width)
        : `<rect class="oc-work" x="${round(left + segment.x)}" y="${y}" width="${round(segment.width)}" height="${barHeight}"/>`,
    ),
    ...row.retryMarks.slice(0, 40).map((x) => mark(left + x, y - 3)),
    ...(row.done ? [] : [cross(left + Math.min(axisWidth - 5, end), y + barHeight / 2)]),
    text({ x: left + axisWidth + 10, y: baseline, words: rowWords(row), bad: !row.done }),
    '</g>',
  ].join('');
}

function rowWords(row: TimelineRow): string {
  const waited = row.retries > 0 || row.waitMilliseconds > 0 ? duration(row.waitMilliseconds) : '';
  const tries = row.retries > 0 ? `, ${plural(row.retries, 'retry', 'retries')}` : '';
  if (!row.done) return waited === '' ? 'stopped' : `stopped at ${waited}${tries}`;
  return `${duration(row.workMilliseconds)}${waited === '' ? '' : ` + ${waited}${tries}`}`;
}

function describe({ rows, totalMilliseconds }: TimelineLayout): string {
  const worked = rows.reduce((sum, row) => sum + row.workMilliseconds, 0);
  const waited = rows.reduce((sum, row) => sum + row.waitMilliseconds, 0);
  return `${plural(rows.length, 'line')} over ${duration(totalMilliseconds)}: ${duration(worked)} of work, ${waited === 0 ? 'no waiting' : `${duration(waited)} of waiting`} for locks.`;
}

/** Round numbers without a needless decimal: 500 ms, 1 s, 1.5 s, 2 min. */
function axisLabel(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 60_000) return `${milliseconds / 1000} s`;
  if (milliseconds < 3_600_000) return `${milliseconds / 60_000} min`;
  return `${milliseconds / 3_600_000} h`;
}

function text({ x, y, words, faint, bad, anchor }: { x: number; y: number; words: string; faint?: boolean; bad?: boolean; anchor?: string }): string {
  return `<text class="oc-text${faint ? ' oc-faint' : ''}${bad ? ' oc-bad' : ''}" x="${round(x)}" y="${round(y)}"${anchor && anchor !== 'start' ? ` text-anchor="${anchor}"` : ''}>${escapeXml(words)}</text>`;
}

function waiting(x: number, y: number, width: number): string {
  const box = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${barHeight}"`;
  return `<rect class="oc-wait" ${box}/><rect fill="url(#oc-hatching)" ${box}/>`;
}

function mark(x: number, y: number): string {
  return `<path class="oc-mark" d="M${round(x - 4)} ${round(y)}h8l-4 6z"/>`;
}

function cross(x: number, y: number): string {
  return `<path class="oc-cross" d="M${round(x - 5)} ${round(y - 5)}l10 10m0 -10l-10 10"/>`;
}

function shorten(words: string, most: number): string {
  return words.length <= most ? words : `${words.slice(0, most - 1).trimEnd()}…`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escapeXml(words: string): string {
  // Control characters are not allowed in XML at all.
  return words
    .replace(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
