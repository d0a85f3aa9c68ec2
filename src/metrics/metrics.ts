import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { type ErrorKind, errorFaces } from '../base/errors.ts';
import { type Meter, refusalReasons, searchKinds } from '../base/meter.ts';
import { type MetricDefinition, type MetricName, metricDefinitions } from './catalogue.ts';

/** Ways to register somebody, by the operation that does it. */
export const registrationKinds = { registerPatient: 'known', registerUnidentified: 'unidentified', registerNewborn: 'newborn' } as const;

/** The metrics of one server: a registry of its own, so that two servers in a process do not add up. */
export interface Metrics extends Meter {
  readonly contentType: string;
  /** Everything as Prometheus reads it. Asks those who were given to `onScrape` first. */
  render(): Promise<string>;
  /** Called before each scrape; a promise is waited for, so it must be short. */
  onScrape(fill: () => void | Promise<void>): void;
  /** A request of this operation was answered. */
  answered(operation: string, answer: { status: number; milliseconds: number; replayed: boolean }): void;
  aborted(): void;
  failed(kind: ErrorKind): void;
  /** A connection of the pool was had after so many milliseconds, or not at all. */
  acquired(milliseconds: number | undefined): void;
  set(name: SetName, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Takes a number away that is not known any more: a gap in a graph is more honest than an old number. */
  clear(name: GaugeName): void;
}

type NamesOf<Kind> = { [Name in MetricName]: (typeof metricDefinitions)[Name]['kind'] extends Kind ? Name : never }[MetricName];
export type GaugeName = NamesOf<'gauge'>;
/** Gauges, and counters that somebody else counts, as the system does the CPU time. */
export type SetName =
  | GaugeName
  | 'process_cpu_seconds_total'
  | 'onechart_replica_reads_total'
  | 'onechart_replica_failures_total'
  | 'onechart_primary_reads_total';

const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * Opens the metrics of a server. `operations` are those it serves; any other is counted as `none`.
 *
 * Handles are made once for each operation: 0.3 µs for a request, counter and histogram together (measured).
 */
export function createMetrics({ operations }: { operations: readonly string[] }): Metrics {
  const registry = new Registry();
  const instruments = Object.fromEntries(Object.entries(metricDefinitions).map(([name, definition]) => [name, instrument(name, definition, registry)]));
  const counter = (name: NamesOf<'counter'>) => instruments[name] as Counter<string>;
  const clear = (name: GaugeName) => {
    const gauge = instruments[name] as Gauge<string>;
    // The library sets one without labels to 0 when it is reset.
    if (Object.keys((metricDefinitions[name] as MetricDefinition).labels ?? {}).length === 0) gauge.remove();
    else gauge.reset();
  };
  const histogram = (name: NamesOf<'histogram'>) => instruments[name] as Histogram<string>;

  const requests = counter('onechart_http_requests_total');
  const durations = histogram('onechart_http_request_duration_seconds');
  const registrations = counter('onechart_registrations_total');
  const handles = new Map(
    [...operations, 'none'].map((operation) => {
      const kind = registrationKinds[operation as keyof typeof registrationKinds];
      return [
        operation,
        {
          duration: durations.labels({ operation }),
          byStatus: new Map(statusClasses.map((status) => [status as string, requests.labels({ operation, status })])),
          registration: kind === undefined ? undefined : registrations.labels({ kind }),
        },
      ] as const;
    }),
  );
  const none = handles.get('none') as NonNullable<ReturnType<typeof handles.get>>;
  // What nobody has told yet is not 0.
  for (const [name, { kind }] of Object.entries(metricDefinitions)) if (kind === 'gauge') clear(name as GaugeName);
  // A series that is there from the start lets a query see the first increase.
  for (const kind of Object.values(registrationKinds)) registrations.labels({ kind }).inc(0);
  for (const kind of Object.keys(errorFaces)) counter('onechart_http_errors_total').labels({ kind }).inc(0);
  for (const reason of refusalReasons) counter('onechart_sign_ins_refused_total').labels({ reason }).inc(0);
  const searches = new Map(searchKinds.map((kind) => [kind, histogram('onechart_search_duration_seconds').labels({ kind })]));
  const acquires = histogram('onechart_database_pool_acquire_seconds');
  const fills: (() => void | Promise<void>)[] = [];

  return {
    contentType: registry.contentType,
    async render() {
      await Promise.all(fills.map(async (fill) => fill()));
      return registry.metrics();
    },
    onScrape: (fill) => void fills.push(fill),
    answered(operation, { status, milliseconds, replayed }) {
      const handle = handles.get(operation) ?? none;
      handle.duration.observe(milliseconds / 1000);
      handle.byStatus.get(`${Math.floor(status / 100)}xx`)?.inc();
      if (status === 201 && !replayed) handle.registration?.inc();
    },
    aborted: () => counter('onechart_http_requests_aborted_total').inc(),
    failed: (kind) => counter('onechart_http_errors_total').inc({ kind }),
    acquired(milliseconds) {
      if (milliseconds === undefined) counter('onechart_database_pool_failures_total').inc();
      else acquires.observe(milliseconds / 1000);
    },
    searched: (kind, milliseconds) => (searches.get(kind) ?? searches.get('other'))?.observe(milliseconds / 1000),
    signInRefused: (reason) => counter('onechart_sign_ins_refused_total').inc({ reason }),
    sealed(rows) {
      if (rows === 'failed') counter('onechart_audit_sealing_failures_total').inc();
      else counter('onechart_audit_sealed_rows_total').inc(rows);
    },
    set(name, value, labels = {}) {
      const target = instruments[name] as Gauge<string> | Counter<string>;
      if (target instanceof Counter) {
        target.remove(labels);
        target.inc(labels, value);
      } else target.set(labels, value);
    },
    clear,
  };
}

function instrument(name: string, definition: MetricDefinition, registry: Registry): Counter<string> | Gauge<string> | Histogram<string> {
  const { kind, help, labels = {}, buckets = [] } = definition;
  const config = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (kind === 'counter') return new Counter(config);
  return kind === 'gauge' ? new Gauge(config) : new Histogram({ ...config, buckets: [...buckets] });
}
