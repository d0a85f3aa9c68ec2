import { refusalReasons, searchKinds } from '../base/meter.ts';

/** One metric: everything about it that a dashboard, an alert or a reader of the reference needs. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each label with what it can be. All of them are bounded: no id, no path, nothing that a caller can invent. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a histogram, in seconds. */
  readonly buckets?: readonly number[];
  /** Where the number comes from; those of the database are the same from every server, so that a query takes their maximum and not their sum. */
  readonly from: 'server' | 'database' | 'process';
}

const operation = 'operationId of docs/openapi.json, or none for what no route takes';

const replica = 'place of the replica in database.replicaUrls, counted from 1';

const receiver = 'the first 100 receivers of events by name';

/** From a cached look-up to a statement that is given up. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];
const searchBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const acquireBuckets = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10];

/** Every metric there is. The reference, the checks of the dashboard and of the alerts, and the registry itself are made from this. */
export const metricDefinitions = {
  onechart_build_info: {
    kind: 'gauge',
    from: 'process',
    help: 'Always 1; the labels say what runs.',
    labels: { version: 'version of OneChart', node: 'version of Node' },
  },
  onechart_http_requests_total: {
    kind: 'counter',
    from: 'server',
    help: 'Requests that were answered.',
    labels: { operation, status: '1xx to 5xx' },
  },
  onechart_http_request_duration_seconds: {
    kind: 'histogram',
    from: 'server',
    help: 'From the first byte of a request to the last of its answer, probes included.',
    labels: { operation },
    buckets: requestBuckets,
  },
  onechart_http_requests_in_flight: { kind: 'gauge', from: 'server', help: 'Requests that are being answered at this moment.' },
  onechart_http_requests_aborted_total: { kind: 'counter', from: 'server', help: 'Requests whose client went away before the answer.' },
  onechart_http_errors_total: {
    kind: 'counter',
    from: 'server',
    help: 'Answers that were errors.',
    labels: { kind: 'kind of docs/errors.md: internal is a defect, limited a caller over its limit' },
  },
  onechart_registrations_total: {
    kind: 'counter',
    from: 'server',
    help: 'Patients registered over HTTP by this server; a repeat of an answered request is none.',
    labels: { kind: 'known, unidentified or newborn' },
  },
  onechart_search_duration_seconds: {
    kind: 'histogram',
    from: 'server',
    help: 'How long searches took, without the way of the answer.',
    labels: { kind: `${searchKinds.join(', ')}: of what was typed; number is a record number, another number or a telephone, fields a search by named fields` },
    buckets: searchBuckets,
  },
  onechart_sign_ins_refused_total: {
    kind: 'counter',
    from: 'server',
    help: 'Passwords, keys and tokens that were refused.',
    labels: { reason: refusalReasons.join(', ') },
  },
  onechart_database_pool_size: { kind: 'gauge', from: 'server', help: 'The most connections this server may open, database.maxConnections.' },
  onechart_database_pool_connections: {
    kind: 'gauge',
    from: 'server',
    help: 'Connections that are open.',
    labels: { state: 'idle or used' },
  },
  onechart_database_pool_waiting: { kind: 'gauge', from: 'server', help: 'Requests that wait for a connection.' },
  onechart_database_pool_acquire_seconds: {
    kind: 'histogram',
    from: 'server',
    help: 'How long a connection was waited for.',
    buckets: acquireBuckets,
  },
  onechart_database_pool_failures_total: { kind: 'counter', from: 'server', help: 'Connections that were not to be had.' },
  onechart_replica_in_use: { kind: 'gauge', from: 'server', help: '1 while this server reads from the replica, else 0.', labels: { replica } },
  onechart_replica_lag_seconds: {
    kind: 'gauge',
    from: 'server',
    help: 'For how long the replica has not caught up with what the primary had written; absent while it does not answer.',
    labels: { replica },
  },
  onechart_replica_reads_total: { kind: 'counter', from: 'server', help: 'Statements that the replica answered.', labels: { replica } },
  onechart_replica_failures_total: {
    kind: 'counter',
    from: 'server',
    help: 'Statements that failed on the replica and were repeated on the primary.',
    labels: { replica },
  },
  onechart_primary_reads_total: {
    kind: 'counter',
    from: 'server',
    help: 'Reads that could have gone to a replica and went to the primary.',
    labels: { reason: 'none-in-use, behind or position-unknown' },
  },
  onechart_mrn_numbers_at_hand: { kind: 'gauge', from: 'server', help: 'Record numbers that this server has leased and not handed out.' },
  onechart_audit_sealed_rows_total: { kind: 'counter', from: 'server', help: 'Rows of the audit trail that this server sealed.' },
  onechart_audit_sealing_failures_total: { kind: 'counter', from: 'server', help: 'Rounds of sealing that failed; the log says why.' },
  onechart_readings_success: {
    kind: 'gauge',
    from: 'server',
    help: '1 when the last reading of the numbers below from the database succeeded, else 0. Numbers that could not be read are left out.',
  },
  onechart_readings_timestamp_seconds: { kind: 'gauge', from: 'server', help: 'When the numbers of the database were read last with success.' },
  onechart_readings_duration_seconds: { kind: 'gauge', from: 'server', help: 'How long the last reading took.' },
  onechart_patients: { kind: 'gauge', from: 'database', help: "Charts, as the planner's statistics estimate them." },
  onechart_audit_unsealed_age_seconds: {
    kind: 'gauge',
    from: 'database',
    help: 'Age of the oldest row of the audit trail that no seal covers; 0 when all are sealed.',
  },
  onechart_audit_last_verified_timestamp_seconds: {
    kind: 'gauge',
    from: 'database',
    help: 'When onechart audit verify recorded its result last; absent when that was not within 35 days.',
  },
  onechart_audit_verification_problems: { kind: 'gauge', from: 'database', help: 'What that verification found: 0 when the trail was whole.' },
  onechart_mrn_counter: {
    kind: 'gauge',
    from: 'database',
    help: 'The highest record number leased so far, of the newest year.',
    labels: { authority: 'the first 20 assigning authorities by name' },
  },
  onechart_mrn_counter_capacity: {
    kind: 'gauge',
    from: 'database',
    help: 'The highest number that fits into the digits of the format. Numbers above it are wider, which wristbands and other systems have to take.',
    labels: { authority: 'the first 20 assigning authorities by name' },
  },
  onechart_outbox_waiting_events: {
    kind: 'gauge',
    from: 'database',
    help: 'Events that no worker has taken up, counted up to 100000. They grow where no worker runs, which matters once there are receivers.',
  },
  onechart_outbox_oldest_age_seconds: { kind: 'gauge', from: 'database', help: 'Age of the oldest of them; 0 when there is none.' },
  onechart_event_receiver_behind_events: { kind: 'gauge', from: 'database', help: 'Events that the receiver has not been told of.', labels: { receiver } },
  onechart_event_receiver_oldest_age_seconds: {
    kind: 'gauge',
    from: 'database',
    help: 'Age of the oldest event that the receiver has not been told of; 0 when there is none.',
    labels: { receiver },
  },
  onechart_event_receiver_waiting_events: { kind: 'gauge', from: 'database', help: 'Events that failed and are tried again.', labels: { receiver } },
  onechart_event_receiver_dead_events: { kind: 'gauge', from: 'database', help: 'Events that were given up: dead letters.', labels: { receiver } },
  onechart_event_receiver_paused: { kind: 'gauge', from: 'database', help: '1 while the receiver is paused, else 0.', labels: { receiver } },
  process_start_time_seconds: { kind: 'gauge', from: 'process', help: 'When the process was started.' },
  process_cpu_seconds_total: { kind: 'counter', from: 'process', help: 'CPU time of the process, user and system.' },
  process_resident_memory_bytes: { kind: 'gauge', from: 'process', help: 'Memory that the process holds.' },
  nodejs_heap_used_bytes: { kind: 'gauge', from: 'process', help: 'Of that, JavaScript in use.' },
  nodejs_heap_total_bytes: { kind: 'gauge', from: 'process', help: 'Of that, JavaScript, room to grow included.' },
  nodejs_external_memory_bytes: { kind: 'gauge', from: 'process', help: 'Of that, buffers outside of the heap.' },
  nodejs_eventloop_delay_seconds: {
    kind: 'gauge',
    from: 'process',
    help: 'How much later than wanted timers ran since the last scrape: how long a request waits because another one computes.',
    labels: { quantile: '0.5, 0.99 or 1 (the longest)' },
  },
  nodejs_eventloop_utilization: {
    kind: 'gauge',
    from: 'process',
    help: 'Share of the time since the last scrape that the process computed: at 1 it can do no more.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricDefinitions;
