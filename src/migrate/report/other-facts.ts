import type { Block, Cell, Section } from './document.ts';

/** Parts of a run's details that have a place of their own in the report, or say the same as one that has. */
const placed = new Set(['database', 'serverVersion', 'findings', 'plan', 'planned', 'before', 'after', 'verification', 'backup', 'error', 'stopped']);

/** Whatever else a command has noted, shown as it is: texts and numbers as a line, lists of such as a table. Pure. */
export function otherFacts(details: Readonly<Record<string, unknown>>): Section[] {
  const others = Object.entries(details).filter(([key, value]) => !placed.has(key) && value !== null && value !== undefined);
  if (others.length === 0) return [];
  const single = others.filter(([, value]) => typeof value !== 'object');
  const blocks: Block[] = [];
  if (single.length > 0) blocks.push({ kind: 'facts', facts: single.map(([key, value]) => [words(key), show(value)]) });
  for (const [key, value] of others) {
    if (typeof value !== 'object') continue;
    blocks.push({ kind: 'subheading', text: words(key) }, ...(Array.isArray(value) ? listBlocks(value) : [objectBlock(value as Record<string, unknown>)]));
  }
  return [{ heading: 'More about this run', blocks }];
}

function listBlocks(list: readonly unknown[]): Block[] {
  if (list.length === 0) return [{ kind: 'text', text: 'none' }];
  if (!list.every(isPlain)) return [{ kind: 'text', text: list.map(show).join(', ') }];
  const head = [...new Set(list.flatMap((each) => Object.keys(each)))];
  return [{ kind: 'table', head: head.map((name) => ({ name: words(name) })), rows: list.map((each) => head.map((name): Cell => show(each[name]))) }];
}

function objectBlock(value: Record<string, unknown>): Block {
  return { kind: 'facts', facts: Object.entries(value).map(([key, each]) => [words(key), show(each)]) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return value.toLocaleString('en-US');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `rowsExported` reads "rows exported". */
function words(key: string): string {
  return key.replace(/([a-z])([A-Z])/g, (_, left: string, right: string) => `${left} ${right.toLowerCase()}`);
}
