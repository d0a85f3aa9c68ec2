import type { Block, Cell, Column, ReportDocument } from './document.ts';

/**
 * The report as GitHub-flavoured Markdown.
 *
 * @param picture name of the SVG file that lies beside it; without it there is no picture
 */
export function toMarkdown({ title, summary, sections, footer }: ReportDocument, picture?: string): string {
  return `${[
    `# ${escaped(title)}`,
    summary.map(([name, value]) => `- **${escaped(name)}:** ${cell(value)}`).join('\n'),
    ...sections.flatMap(({ heading, blocks }) => {
      const written = blocks.flatMap((block) => write(block, picture));
      return written.length === 0 ? [] : [`## ${escaped(heading)}`, ...written];
    }),
    '---',
    escaped(footer),
  ].join('\n\n')}\n`;
}

function write(block: Block, picture: string | undefined): string[] {
  switch (block.kind) {
    case 'text':
      return [escaped(block.text)];
    case 'subheading':
      return [`### ${escaped(block.text)}`];
    case 'facts':
      return [table([{ name: 'what' }, { name: 'value' }], block.facts)];
    case 'table':
      return [table(block.head, block.rows)];
    case 'timeline':
      return picture === undefined ? [] : [`![${escaped(block.caption)}](${encodeURI(picture)})`, escaped(block.caption)];
  }
}

function table(head: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  return [
    `| ${head.map(({ name }) => escaped(name)).join(' | ')} |`,
    `|${head.map(({ align }) => (align === 'right' ? '---:' : '---')).join('|')}|`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');
}

function cell(value: Cell): string {
  if (typeof value === 'string') return escaped(value);
  // A code span knows no escapes but the bar of a table; its fence is longer than any row of backticks in it.
  const words = oneLine(value.code).replaceAll('|', '\\|');
  const fence = '`'.repeat(1 + Math.max(0, ...[...words.matchAll(/`+/g)].map(([ticks]) => ticks.length)));
  return fence === '`' ? `\`${words}\`` : `${fence} ${words} ${fence}`;
}

/** What Markdown or HTML would read as markup stands as itself. An underscore inside a word is none. */
function escaped(text: string): string {
  return oneLine(text)
    .replace(/[\\`*|[\]]/g, (each) => `\\${each}`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/<(?=[A-Za-z/!?])/g, '&lt;')
    .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
    .replace(/^([#+-]|\d+[.)])(?=\s)/, '\\$1');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
