import type { Block, Cell, Section } from './document.ts';

/** Parts of a run's details that have a place of their own in the report, or say the same as one that has. */
const placed = new Set(['database', 'serverVersion', 'findings', 'plan', 'planned', 'before', 'after', 'verification', 'backup', 'error', 'stopped']);

/** Columns that say what a row is about come first, whatever order the journal gives them in. */
const first = ['migration', 'table', 'column', 'name', 'action'];

/** A list of longer texts than this is a list of sentences, a paragraph each. */
const sentenceLength = 60;

/** Whatever else a command has noted, shown as it is: texts and numbers as a line, lists of such as a table. Pure. */
export function otherFacts(details: Readonly<Record<string, unknown>>): Section[] {
  const others = Object.fromEntries(Object.entries(details).filter(([key]) => !placed.has(key)));
  const blocks = objectBlocks(others, []);
  return blocks.length === 0 ? [] : [{ heading: 'More about this run', blocks }];
}

/** Simple values in one table, then each list and object under a heading of its own. */
function objectBlocks(value: Readonly<Record<string, unknown>>, above: readonly string[]): Block[] {
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  const simple = entries.filter(([, each]) => typeof each !== 'object');
  const blocks: Block[] = simple.length > 0 ? [{ kind: 'facts', facts: simple.map(([key, each]) => [words(key), show(each)]) }] : [];
  for (const [key, each] of entries) {
    if (typeof each !== 'object') continue;
    const path = [...above, words(key)];
    const inside = Array.isArray(each) ? listBlocks(each) : objectBlocks(each as Record<string, unknown>, path);
    blocks.push(...(inside[0]?.kind === 'subheading' ? [] : [{ kind: 'subheading' as const, text: path.join(': ') }]), ...inside);
  }
  return blocks;
}

function listBlocks(list: readonly unknown[]): Block[] {
  if (list.length === 0) return [{ kind: 'text', text: 'none' }];
  if (!list.every(isPlain)) {
    const texts = list.map(show);
    return texts.some((text) => text.length > sentenceLength) ? texts.map((text) => ({ kind: 'text', text })) : [{ kind: 'text', text: texts.join(', ') }];
  }
  const rank = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length);
  const head = [...new Set(list.flatMap((each) => Object.keys(each)))].sort((left, right) => rank(left) - rank(right));
  return [
    {
      kind: 'table',
      head: head.map((name) => (list.every((each) => typeof each[name] === 'number') ? { name: words(name), align: 'right' } : { name: words(name) })),
      rows: list.map((each) => head.map((name): Cell => show(each[name]))),
    },
  ];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en-US');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `rowsExported` reads "rows exported". */
function words(key: string): string {
  return key.replace(/([a-z])([A-Z])/g, (_, left: string, right: string) => `${left} ${right.toLowerCase()}`);
}
