import type { Block, Cell, Column, Fact, ReportDocument } from './document.ts';

/** Reads on paper, on a telephone (a table's row becomes a card) and on a dark screen. */
const style = `
:root { color-scheme: light dark; --ink: #1b2733; --faint: #56646f; --line: #d5dce2; --band: #f3f6f8; --page: #ffffff; --good: #1b6e3c; --warn: #8a5800; --bad: #a4161a; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e4eaef; --faint: #a3b1bd; --line: #3a4650; --band: #1d262d; --page: #12181d; --good: #7fd6a0; --warn: #f2b04b; --bad: #ff9a9a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 48px; max-width: 1060px; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page); }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 12px; }
h2 { font-size: 1.2rem; margin: 36px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
h3 { font-size: 0.95rem; margin: 20px 0 6px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 75ch; overflow-wrap: anywhere; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.summary { margin: 0; padding: 12px 16px; border: 1px solid var(--line); border-left: 6px solid var(--tone); background: var(--band); }
.summary dt { font-weight: 600; color: var(--faint); }
.summary dd { margin: 0 0 6px; overflow-wrap: anywhere; }
.summary > div:first-child dd { font-weight: 600; color: var(--tone); }
.good { --tone: var(--good); } .warn { --tone: var(--warn); } .bad { --tone: var(--bad); }
@media (min-width: 700px) { .summary > div { display: grid; grid-template-columns: 9.5em 1fr; } }
table { width: 100%; border-collapse: collapse; margin: 8px 0; font-size: 0.88rem; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 6px; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 600; }
.right { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 12px 0; overflow-x: auto; }
figure svg { display: block; min-width: 760px; max-width: 100%; height: auto; }
figcaption { color: var(--faint); font-size: 0.88rem; }
footer { margin-top: 40px; padding-top: 8px; border-top: 1px solid var(--line); color: var(--faint); font-size: 0.88rem; }
@media screen and (max-width: 640px) {
  body { padding: 16px 12px 32px; }
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { padding: 6px 0; border-bottom: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 8.5em 1fr; gap: 8px; padding: 1px 0; border: 0; text-align: left !important; white-space: normal !important; }
  td::before { content: attr(data-name); color: var(--faint); }
}
@media print {
  @page { margin: 15mm; }
  :root { color-scheme: light; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  h2, h3 { break-after: avoid; } tr, .summary { break-inside: avoid; } thead { display: table-header-group; }
  figure { overflow: visible; } figure svg { min-width: 0; width: 100%; }
}`.trim();

/** The report as one HTML file: no scripts, nothing loaded from elsewhere. */
export function toHtml({ title, tone, summary, sections, footer }: ReportDocument): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    `<body class="${tone}">`,
    `<h1>${escaped(title)}</h1>`,
    `<dl class="summary">${summary.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${cell(value)}</dd></div>`).join('')}</dl>`,
    ...sections.map(({ heading, blocks }) => `<section>\n<h2>${escaped(heading)}</h2>\n${blocks.map(write).join('\n')}\n</section>`),
    `<footer>${escaped(footer)}</footer>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function write(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'subheading':
      return `<h3>${escaped(block.text)}</h3>`;
    case 'facts':
      return factsTable(block.facts);
    case 'table':
      return table(block.head, block.rows);
    case 'timeline':
      return `<figure>\n${block.svg}\n<figcaption>${escaped(block.caption)}</figcaption>\n</figure>`;
  }
}

function factsTable(facts: readonly Fact[]): string {
  return `<table>\n<tbody>\n${facts.map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td data-name="">${cell(value)}</td></tr>`).join('\n')}\n</tbody>\n</table>`;
}

function table(head: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const side = (index: number) => (head[index]?.align === 'right' ? ' class="right"' : '');
  return [
    '<table>',
    `<thead><tr>${head.map(({ name }, index) => `<th scope="col"${side(index)}>${escaped(name)}</th>`).join('')}</tr></thead>`,
    '<tbody>',
    ...rows.map(
      (row) =>
        `<tr>${row.map((value, index) => `<td${side(index)} data-name="${escaped(head[index]?.name ?? '')}">${cell(value) || '&nbsp;'}</td>`).join('')}</tr>`,
    ),
    '</tbody>',
    '</table>',
  ].join('\n');
}

function cell(value: Cell): string {
  return typeof value === 'string' ? escaped(value) : `<code>${escaped(value.code)}</code>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
