import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedEvent {
  readonly id: string;
  readonly patientId: string;
  readonly version: number;
  readonly type: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** What it was answered; 0 where it was not. */
  readonly status: number;
}

/** What to answer: a status, with headers, after a while, or nothing at all. */
export type Reaction = number | { readonly status: number; readonly headers?: Record<string, string>; readonly afterMilliseconds?: number } | 'hang';

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  /** Every request, in the order of arrival. */
  readonly requests: readonly ReceivedEvent[];
  /** The events that were taken, the repeats too. */
  taken(): ReceivedEvent[];
  /** How it reacts from now on. */
  react(reaction: (event: Omit<ReceivedEvent, 'status'>) => Reaction): void;
  /** Goes away; whoever calls is refused. */
  stop(): Promise<void>;
  /** Comes back under the same address. */
  start(): Promise<void>;
}

/** A receiver of webhooks on this machine, on a port of its own. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const requests: ReceivedEvent[] = [];
  let reaction: (event: Omit<ReceivedEvent, 'status'>) => Reaction = () => 204;
  let server: Server;
  let port = 0;
  const start = async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const { id, type, data } = JSON.parse(body) as { id: string; type: string; data: { patientId: string; patientVersion: number } };
        const event = { id, type, patientId: data.patientId, version: data.patientVersion, body, headers: request.headers };
        const chosen = reaction(event);
        if (chosen === 'hang') return void requests.push({ ...event, status: 0 });
        const { status, headers = {}, afterMilliseconds = 0 } = typeof chosen === 'number' ? { status: chosen } : chosen;
        setTimeout(() => {
          requests.push({ ...event, status });
          response.writeHead(status, headers).end();
        }, afterMilliseconds);
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    requests,
    taken: () => requests.filter(({ status }) => status >= 200 && status < 300),
    react: (next) => {
      reaction = next;
    },
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The versions of each patient's events in the order in which they were first taken. */
export function versionsByPatient(events: readonly ReceivedEvent[]): Map<string, number[]> {
  const seen = new Set<string>();
  const first = events.filter(({ id }) => !seen.has(id) && seen.add(id));
  return new Map([...Map.groupBy(first, ({ patientId }) => patientId)].map(([id, list]) => [id, list.map(({ version }) => version)]));
}
