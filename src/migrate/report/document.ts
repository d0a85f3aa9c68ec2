/** A report before it has a format: plain text in a few kinds of blocks, which markdown.ts and html.ts write out. */
export interface ReportDocument {
  readonly title: string;
  readonly tone: 'good' | 'warn' | 'bad';
  /** What a board reads first: a name and a sentence a line. */
  readonly summary: readonly Fact[];
  readonly sections: readonly Section[];
  readonly footer: string;
}

export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
}

export type Fact = readonly [name: string, value: Cell];

/** Text, or a name of the machine's that is set in a fixed width. */
export type Cell = string | { readonly code: string };

export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'subheading'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  | { readonly kind: 'table'; readonly head: readonly Column[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'timeline'; readonly svg: string; readonly caption: string };

export interface Column {
  readonly name: string;
  readonly align?: 'right';
}
