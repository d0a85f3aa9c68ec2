import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type MetricDefinition, metricDefinitions } from '../../src/metrics/catalogue.ts';

const root = join(import.meta.dirname, '../..');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function readAlerts(): Alert[] {
  const { groups } = parse(readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8')) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

const origins = {
  server: 'Counted by the server that is scraped: add them up over servers.',
  database: 'Read from the database, the same from every server: take the maximum, not the sum.',
  process: 'Of the process.',
} as const;

/** docs/metrics.md, from the definitions that the registry is made from, and the rules of the alerts. */
export function renderMetrics(): string {
  const metrics = Object.entries(metricDefinitions as Record<string, MetricDefinition>);
  return [
    '# Metrics',
    '',
    'Generated from the registry and from deploy/prometheus/alerts.yaml by `npm run docs`. How to scrape them and what to do about an alert: [operate](runbooks/operate.md).',
    '',
    'Every label has a bounded number of values; none is an id of a patient, a path or anything that a caller can invent.',
    '',
    ...(Object.keys(origins) as (keyof typeof origins)[]).flatMap((from) => [
      `## ${from[0]?.toUpperCase()}${from.slice(1)}`,
      '',
      origins[from],
      '',
      '| metric | kind | labels | meaning |',
      '|---|---|---|---|',
      ...metrics.filter(([, definition]) => definition.from === from).map(([name, definition]) => row(name, definition)),
      '',
    ]),
    '## Alerts',
    '',
    '| alert | severity | after | says |',
    '|---|---|---|---|',
    ...readAlerts().map(
      ({ alert, labels, annotations, for: after = 'at once' }) =>
        `| [${alert}](runbooks/operate.md#${alert.toLowerCase()}) | ${labels.severity} | ${after} | ${cell(annotations.summary ?? '')} |`,
    ),
    '',
  ].join('\n');
}

function row(name: string, { kind, labels = {}, help, buckets }: MetricDefinition): string {
  const shown = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${cell(values)}`);
  const bounds = buckets === undefined ? '' : ` Buckets up to ${buckets.at(-1)} s.`;
  return `| \`${name}\` | ${kind} | ${shown.join('; ')} | ${cell(help)}${bounds} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
