export interface Sample {
  readonly name: string;
  /** The metric it belongs to: `x` for `x_bucket`, `x_sum` and `x_count` of a histogram. */
  readonly family: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** The value of the one sample with exactly these labels; undefined where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** Reads the text format of Prometheus, as far as our metrics need it. Throws at a line that is none. */
export function parseScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) types.set(type[1] ?? '', type[2] ?? '');
    if (line === '' || line.startsWith('#')) continue;
    const parts = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!parts) throw new Error(`No sample of a metric: ${line}`);
    const [, name = '', inside = '', value] = parts;
    const labels = Object.fromEntries([...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text_ = '']) => [label, text_]));
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    samples.push({ name, family: types.get(base) === 'histogram' ? base : name, labels, value: Number(value) });
  }
  const sameLabels = (left: Sample['labels'], right: Sample['labels']) =>
    Object.keys(left).length === Object.keys(right).length && Object.entries(left).every(([label, value]) => right[label] === value);
  return { text, samples, value: (name, labels = {}) => samples.find((sample) => sample.name === name && sameLabels(sample.labels, labels))?.value };
}
