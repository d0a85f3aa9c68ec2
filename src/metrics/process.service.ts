import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { packageVersion } from '../base/version.ts';
import type { Metrics } from './metrics.ts';

/** Watches the process until it is closed: memory, CPU time, and how late its timers run. */
export function watchProcess(metrics: Metrics): { close(): void } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let utilization = performance.eventLoopUtilization();
  const started = performance.timeOrigin / 1000;
  metrics.onScrape(() => {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    metrics.set('onechart_build_info', 1, { version: packageVersion(), node: process.versions.node });
    metrics.set('process_start_time_seconds', started);
    metrics.set('process_cpu_seconds_total', (user + system) / 1e6);
    metrics.set('process_resident_memory_bytes', rss);
    metrics.set('nodejs_heap_used_bytes', heapUsed);
    metrics.set('nodejs_heap_total_bytes', heapTotal);
    metrics.set('nodejs_external_memory_bytes', external);
    // The histogram has the whole distance between two looks; what is over the distance that was asked for is delay.
    for (const [quantile, value] of [
      ['0.5', delay.percentile(50)],
      ['0.99', delay.percentile(99)],
      ['1', delay.max],
    ] as const)
      metrics.set('nodejs_eventloop_delay_seconds', Math.max(0, value - 20e6) / 1e9, { quantile });
    delay.reset();
    const now = performance.eventLoopUtilization();
    metrics.set('nodejs_eventloop_utilization', performance.eventLoopUtilization(now, utilization).utilization);
    utilization = now;
  });
  return { close: () => void delay.disable() };
}
