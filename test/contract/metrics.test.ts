import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { readAlerts, renderMetrics } from '../../scripts/documents/metrics.ts';
import { routes } from '../../src/api/routes.ts';
import { errorFaces } from '../../src/base/errors.ts';
import { refusalReasons } from '../../src/base/meter.ts';
import { type MetricDefinition, metricDefinitions } from '../../src/metrics/catalogue.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';

// Every expression of the dashboard and of the alerts asks for metrics that there are, with labels that they have, in a way that means something.
// That a running server gives exactly the metrics of the catalogue is proven in src/http/metrics.db.test.ts.

const root = dirname(dirname(import.meta.dirname));
const definitions = metricDefinitions as Record<string, MetricDefinition>;
const ofPrometheus = ['job', 'instance'];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { expr: string; legendFormat: string }[];
}
const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/onechart.json'), 'utf8')) as {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
};
const alerts = readAlerts();

/** A metric and the suffix with which a histogram is asked for. */
function definitionOf(name: string): { definition: MetricDefinition; suffix: string } | undefined {
  if (definitions[name] !== undefined) return definitions[name].kind === 'histogram' ? undefined : { definition: definitions[name], suffix: '' };
  const suffix = /_(?:bucket|sum|count)$/.exec(name)?.[0] ?? '';
  const definition = definitions[name.slice(0, name.length - suffix.length)];
  return suffix !== '' && definition?.kind === 'histogram' ? { definition, suffix } : undefined;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

function above(node: Node, name: string): Node | undefined {
  for (let each = node.parent; each; each = each.parent) if (each.name === name) return each;
  return undefined;
}

function below(node: Node, name: string): Node[] {
  const found: Node[] = [];
  node.cursor().iterate((each) => {
    if (each.name === name) found.push(each.node);
  });
  return found;
}

/** What is wrong with an expression, and the labels that its result or its parts can have. */
function look(expression: string): { problems: string[]; labels: Set<string>; metrics: Set<string> } {
  const query = expression.replaceAll('$__rate_interval', '5m');
  const top = parser.parse(query).topNode;
  const text = (node: Node) => query.slice(node.from, node.to);
  const problems: string[] = [];
  const labels = new Set(ofPrometheus);
  const metrics = new Set<string>();
  top.cursor().iterate((node) => {
    if (node.type.isError) problems.push(`cannot be read at ${node.from}: ${query}`);
  });
  for (const selector of below(top, 'VectorSelector')) {
    const [identifier] = below(selector, 'Identifier');
    const name = identifier === undefined ? '' : text(identifier);
    const found = definitionOf(name);
    if (!found) {
      problems.push(`there is no metric ${name}`);
      continue;
    }
    const { definition, suffix } = found;
    metrics.add(name.slice(0, name.length - suffix.length));
    const own = [...ofPrometheus, ...Object.keys(definition.labels ?? {}), ...(suffix === '_bucket' ? ['le'] : [])];
    for (const label of own) labels.add(label);
    for (const label of below(selector, 'LabelName').map(text)) if (!own.includes(label)) problems.push(`${name} has no label ${label}`);
    const ranged = above(selector, 'MatrixSelector') !== undefined;
    const call = above(selector, 'FunctionCall');
    const calls = call === undefined ? '' : text(call).split('(', 1)[0];
    const counts = definition.kind === 'counter' || suffix !== '';
    if (counts && !(ranged && ['rate', 'increase'].includes(calls ?? ''))) problems.push(`${name} is a counter and is not asked for as rate or increase`);
    if (!counts && ['rate', 'increase'].includes(calls ?? '')) problems.push(`${name} is a gauge and is asked for as ${calls}`);
    const aggregate = above(selector, 'AggregateExpr');
    if (definition.from === 'database' && /^(?:sum|avg)\b/.test(aggregate === undefined ? '' : text(aggregate)))
      problems.push(`${name} is the same from every server and is added up`);
  }
  for (const label of below(top, 'GroupingLabels').flatMap((group) => below(group, 'LabelName').map(text)))
    if (!labels.has(label)) problems.push(`no metric of the expression has the label ${label}: ${query}`);
  return { problems, labels, metrics };
}

test('the checks see what is wrong', () => {
  expect(look('sum(rate(onechart_http_requests_total[5m]))').problems).toEqual([]);
  for (const wrong of [
    'sum(rate(onechart_http_request_total[5m]))',
    'sum by (route) (rate(onechart_http_requests_total[5m]))',
    'rate(onechart_http_requests_total{path="x"}[5m])',
    'onechart_http_requests_total',
    'rate(onechart_database_pool_waiting[5m])',
    'sum(onechart_patients)',
    'sum(rate(onechart_http_requests_total[5m])',
    'onechart_http_request_duration_seconds',
  ])
    expect(look(wrong).problems, wrong).not.toEqual([]);
});

const targets = dashboard.panels.flatMap(({ title, targets: each = [] }) => each.map((target) => ({ title, ...target })));

test('every query of the dashboard asks for what there is, and its legend for labels that the result has', () => {
  expect(targets.length).toBeGreaterThan(40);
  for (const { title, expr, legendFormat } of targets) {
    const { problems, labels } = look(expr);
    expect(problems, title).toEqual([]);
    expect(
      [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label).filter((label) => !labels.has(label ?? '')),
      `legend of ${title}`,
    ).toEqual([]);
  }
  for (const { definition } of dashboard.templating.list) {
    const metric = /label_values\((\w+)/.exec(definition ?? '')?.[1];
    if (metric !== undefined) expect(definitions).toHaveProperty(metric);
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  expect(panels.filter(({ description = '' }) => description === '').map(({ title }) => title)).toEqual([]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});

test('every metric of ours stands on the dashboard', () => {
  const shown = new Set(targets.flatMap(({ expr }) => [...look(expr).metrics]));
  expect(Object.keys(definitions).filter((name) => !shown.has(name))).toEqual([]);
});

test('every alert asks for what there is, says what to do, and has its part in the runbook', () => {
  const runbook = readFileSync(join(root, 'docs/runbooks/operate.md'), 'utf8');
  const headings = new Set([...runbook.matchAll(/^#{2,4} (\w+)$/gm)].map(([, heading = '']) => heading.toLowerCase()));
  expect(alerts.length).toBeGreaterThan(15);
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  for (const { alert, expr, labels, annotations } of alerts) {
    const found = look(expr);
    expect(found.problems, alert).toEqual([]);
    expect(['critical', 'warning'], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toMatch(/\.$/);
    expect(annotations.description?.length, alert).toBeGreaterThan(40);
    expect(annotations.runbook_url, alert).toBe(`docs/runbooks/operate.md#${alert.toLowerCase()}`);
    expect(headings, alert).toContain(alert.toLowerCase());
    const named = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(
      named.filter((label) => !found.labels.has(label)),
      alert,
    ).toEqual([]);
  }
});

test('values that expressions look for can come', () => {
  const known: Record<string, readonly string[]> = {
    operation: [...routes.map(({ operationId }) => operationId), 'none'],
    status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
    kind: Object.keys(errorFaces),
    reason: refusalReasons,
    quantile: ['0.5', '0.99', '1'],
  };
  const matchers = [...targets.map(({ expr }) => expr), ...alerts.map(({ expr }) => expr)].flatMap((expr) => [
    ...expr.matchAll(/(\w+)(?:=~|!~|=|!=)"([^"]*)"/g),
  ]);
  for (const [, label = '', value = ''] of matchers) {
    if (ofPrometheus.includes(label)) continue;
    for (const each of /[.(*]/.test(value) ? [value] : value.split('|')) {
      expect(
        known[label]?.some((possible) => new RegExp(`^(?:${each})$`).test(possible)),
        `${label}="${each}"`,
      ).toBe(true);
    }
  }
  expect(matchers.length).toBeGreaterThan(10);
});

test('the registry has what is declared and nothing else', async () => {
  const text = await createMetrics({ operations: ['getPatient'] }).render();
  expect([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind])).toEqual(
    Object.entries(definitions).map(([name, { kind }]) => [name, kind]),
  );
});

test('docs/metrics.md describes the metrics and alerts there are', () => {
  expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8'), 'The committed file is stale. Run `npm run docs` and commit what it writes.').toBe(
    renderMetrics(),
  );
});
