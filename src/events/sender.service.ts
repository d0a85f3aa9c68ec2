import { lookup } from 'node:dns';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AppError } from '../base/errors.ts';
import { packageVersion } from '../base/version.ts';
import { signWebhook } from '../base/webhook-signature.ts';
import { readRetryAfter } from './backoff.ts';

/** What came of one request. `refused`: the receiver does not want this event; `failed`: it could not take any. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'refused' | 'failed'; readonly failure: string; readonly status?: number; readonly retryAfter?: number | undefined };

export interface Sender {
  send(message: { url: string; secrets: readonly string[]; id: string; body: string }): Promise<Outcome>;
  close(): void;
}

export interface SenderOptions {
  readonly timeoutMilliseconds: number;
  readonly connections: number;
  readonly allowHttp: boolean;
  readonly blockedNetworks: readonly string[];
}

/** An answer that says nothing of the one event but of the receiver: not found, not let in, too much at once. */
const ofTheReceiver = new Set([401, 403, 404, 405, 407, 408, 410, 421, 425, 429]);
/** Of an answer no more than this is read; what is in it is not looked at. */
const mostOfAnAnswer = 65_536;

/** Sends signed requests over connections that are kept open. Redirects are not followed: they would lead the body elsewhere. */
export function openSender(options: SenderOptions): Sender {
  const blocked = blockListOf(options.blockedNetworks);
  const settings = { keepAlive: true, maxSockets: options.connections, scheduling: 'lifo' as const };
  const agents = { http: new HttpAgent(settings), https: new HttpsAgent(settings) };
  return {
    send: async ({ url, secrets, id, body }) => {
      const target = new URL(url);
      const host = bareHost(target);
      if (isIP(host) !== 0 && isBlocked(blocked, host)) return { kind: 'failed', failure: 'ADDRESS_BLOCKED' };
      if (!mayUse(target, options.allowHttp)) return { kind: 'failed', failure: 'HTTPS_REQUIRED' };
      const timestamp = Math.floor(Date.now() / 1000);
      const deadline = AbortSignal.timeout(options.timeoutMilliseconds);
      try {
        const response = await exchange(target, {
          body,
          agents,
          lookup: guardedLookup(blocked),
          signal: deadline,
          headers: {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(body)),
            'user-agent': `OneChart/${packageVersion()}`,
            'webhook-id': id,
            'webhook-timestamp': String(timestamp),
            'webhook-signature': signWebhook({ id, timestamp, body, secrets }),
          },
        });
        return outcomeOf(response.status, response.retryAfter);
      } catch (error) {
        return { kind: 'failed', failure: deadline.aborted ? 'TIMEOUT' : failureOf(error) };
      }
    },
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Errors: `RECEIVER_URL_REFUSED` when nothing would be sent there. */
export function assertMaySendTo(url: string, { allowHttp, blockedNetworks }: Pick<SenderOptions, 'allowHttp' | 'blockedNetworks'>): void {
  const target = new URL(url);
  const refuse = (why: string) => new AppError('invalid', 'RECEIVER_URL_REFUSED', why, { field: 'url' });
  if (!mayUse(target, allowHttp))
    throw refuse('url must begin with https://; http is taken on this machine alone (localhost), or everywhere with events.allowHttp.');
  const host = bareHost(target);
  if (isIP(host) !== 0 && isBlocked(blockListOf(blockedNetworks), host))
    throw refuse('url leads into a network of events.blockedNetworks. Give the address of the receiver itself.');
}

function mayUse({ protocol, hostname }: URL, allowHttp: boolean): boolean {
  return protocol === 'https:' || allowHttp || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function outcomeOf(status: number, retryAfter: string | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const failure = status >= 300 && status < 400 ? 'REDIRECTED' : `HTTP_${status}`;
  if (status >= 400 && status < 500 && !ofTheReceiver.has(status)) return { kind: 'refused', failure, status };
  return { kind: 'failed', failure, status, retryAfter: readRetryAfter(retryAfter, new Date()) };
}

interface Exchange {
  readonly body: string;
  readonly agents: { http: HttpAgent; https: HttpsAgent };
  readonly headers: Record<string, string>;
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

function exchange(target: URL, { body, agents, headers, lookup: find, signal }: Exchange): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      let read = 0;
      const answer = () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        // The status was told; the rest of a long answer is not worth the connection.
        if (read > mostOfAnAnswer) {
          answer();
          response.destroy();
        }
      });
      response.on('end', answer);
      response.on('error', reject);
    };
    const common = { method: 'POST', headers, lookup: find, signal };
    const request =
      target.protocol === 'https:'
        ? httpsRequest(target, { ...common, agent: agents.https }, answered)
        : httpRequest(target, { ...common, agent: agents.http }, answered);
    request.on('error', reject);
    request.end(body);
  });
}

const failures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_LOST',
  EPIPE: 'CONNECTION_LOST',
  ENOTFOUND: 'HOST_UNKNOWN',
  EAI_AGAIN: 'HOST_UNKNOWN',
  EHOSTUNREACH: 'HOST_UNREACHABLE',
  ENETUNREACH: 'HOST_UNREACHABLE',
  ETIMEDOUT: 'TIMEOUT',
  ADDRESS_BLOCKED: 'ADDRESS_BLOCKED',
};

function failureOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return 'REQUEST_FAILED';
  if (failures[code] !== undefined) return failures[code];
  return /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code) ? 'TLS_FAILED' : 'REQUEST_FAILED';
}

/** Looks at what a name resolves to at the moment of the connection: a name that was harmless when it was entered may lead elsewhere now. */
function guardedLookup(blocked: BlockList): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const [first] = addresses;
      if (first === undefined || addresses.some(({ address }) => isBlocked(blocked, address)))
        return callback(Object.assign(new Error('address is blocked'), { code: 'ADDRESS_BLOCKED' }), '', 0);
      if (options.all === true) (callback as unknown as (error: null, found: typeof addresses) => void)(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function isBlocked(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
