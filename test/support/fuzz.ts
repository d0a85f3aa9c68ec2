import type { FastifyInstance, InjectOptions } from 'fastify';
import { z } from 'zod';
import { isBinary, type RouteContract } from '../../src/api/contract.ts';
import { bodyExamples } from '../../src/api/examples.ts';
import { Problem } from '../../src/api/problem.schema.ts';
import { routes } from '../../src/api/routes.ts';
import { allowedValue, hostileTexts, type Random, seededRandom, spoiledValue } from './hostile-input.ts';

export interface FuzzOptions {
  readonly server: FastifyInstance;
  /** Where the same server listens: files are read from a real socket. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly casesPerOperation: number;
  /** Ids of charts and their parts that exist, so that not every attack ends at a 404. */
  readonly ids: readonly string[];
  /** Marked texts that stand in the database; none of them may be in an error. */
  readonly secrets: readonly string[];
  /** How many rows there are in all tables that a refused call must not touch. */
  readonly countRows: () => Promise<number>;
  readonly skip?: (contract: RouteContract) => boolean;
}

export interface FuzzResult {
  readonly requests: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** What must not be, in words. */
  readonly findings: readonly string[];
}

/** Sends every operation of the description malformed and hostile input and looks at what comes back. */
export async function fuzzServer(options: FuzzOptions): Promise<FuzzResult> {
  const statuses: Record<number, number> = {};
  const findings: string[] = [];
  let requests = 0;
  for (const [index, contract] of inOrderOfAttack().entries()) {
    if (options.skip?.(contract)) continue;
    const random = seededRandom(options.seed * 1000 + index);
    for (let round = 0; round < options.casesPerOperation; round += 1) {
      const request = attack(contract, options, random);
      const before = await options.countRows();
      const reply = isBinary(contract.body) ? await overSocket(options.baseUrl, request) : await options.server.inject(request);
      requests += 1;
      statuses[reply.statusCode] = (statuses[reply.statusCode] ?? 0) + 1;
      const unchanged = async () => before === (await options.countRows());
      const found = await judge(contract, reply, { ...options, sent: sentTexts(request), unchanged });
      for (const each of found) findings.push(`${contract.operationId} (seed ${options.seed}, case ${round}): ${each}: ${describeRequest(request)}`);
    }
  }
  return { requests, statuses, findings };
}

/** What closes a chart comes last: before, everything would end at a chart that is restricted or archived. */
function inOrderOfAttack(): RouteContract[] {
  const closes = ({ operationId }: RouteContract) => (/^(archive|restrict|markPatientDeceased|changePatientStatus)/.test(operationId) ? 1 : 0);
  return (routes as readonly RouteContract[]).toSorted((a, b) => closes(a) - closes(b));
}

function attack(contract: RouteContract, options: FuzzOptions, random: Random): InjectOptions {
  const spoil = random.below(5);
  const path = contract.path.replaceAll(/\{(\w+)\}/g, () =>
    encodeURIComponent(spoil === 0 ? wellFormed(random.pick(hostileTexts)) || ' ' : random.pick(options.ids)),
  );
  const query = contract.query ? queryOf(contract.query, spoil === 1, random) : spoil === 1 ? { 'not a field': random.pick(hostileTexts) } : {};
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    search.append(wellFormed(name), wellFormed(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')));
  const headers: Record<string, string> = { ...options.headers };
  if (contract.ifMatch) headers['if-match'] = spoil === 2 ? asHeader(random.pick(hostileTexts)) : `"${1 + random.below(3)}"`;
  if (contract.idempotent && random.below(3) === 0) headers['idempotency-key'] = spoil === 2 ? asHeader(random.pick(hostileTexts)) : `key-${random.below(1e9)}`;
  return {
    method: contract.method,
    url: `${path}${search.size > 0 ? `?${search.toString()}` : ''}`,
    headers: { ...headers, ...(contract.body === undefined ? {} : { 'content-type': contentTypeOf(contract, random) }) },
    ...(contract.body === undefined ? {} : { payload: payloadOf(contract, spoil >= 3, random) }),
  };
}

async function overSocket(baseUrl: string, { method, url, headers, payload }: InjectOptions): Promise<{ statusCode: number; headers: object; body: string }> {
  const reply = await fetch(new URL(url as string, baseUrl), { method: method as string, headers: headers as Record<string, string>, body: payload as Buffer });
  return { statusCode: reply.status, headers: reply.headers, body: await reply.text() };
}

function queryOf(schema: z.ZodObject, spoiled: boolean, random: Random): Record<string, unknown> {
  const shape = z.toJSONSchema(schema, { io: 'input' });
  const value = spoiled ? spoiledValue(shape as object, random) : allowedValue(shape as object, random);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { q: value };
}

function contentTypeOf({ body }: RouteContract, random: Random): string {
  if (random.below(15) === 0)
    return random.pick(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', 'multipart/form-data', 'image/svg+xml', ';;;']);
  return isBinary(body) ? random.pick(body.contentTypes) : 'application/json';
}

function payloadOf({ body, operationId }: RouteContract, spoiled: boolean, random: Random): string | Buffer {
  if (body === undefined || isBinary(body)) return Buffer.from(Array.from({ length: random.below(2000) }, () => random.below(256)));
  const schema = z.toJSONSchema(body, { io: 'input' }) as object;
  // Half of them begin with the example, which gets past the checks of the shape.
  const example = random.below(2) === 0 ? (bodyExamples as Readonly<Record<string, object>>)[operationId] : undefined;
  const text = JSON.stringify(spoiled ? spoiledValue(schema, random, example) : (example ?? allowedValue(schema, random))) ?? '';
  switch (random.below(20)) {
    case 0:
      return text.slice(0, -1);
    case 1:
      return `${text}${text}`;
    case 2:
      return text.replace('{', '{"__proto__":{"role":"ADMIN"},');
    case 3:
      return text.replace('{', '{"lastName":"first of two",');
    case 4:
      return Buffer.from([0xff, 0xfe, ...Buffer.from(text)]);
    case 5:
      return random.below(2) === 0 ? '' : `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    default:
      return text;
  }
}

/** A lone surrogate cannot be written in a URL. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** What can stand in a header at all. */
function asHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2000);
}

interface Judged extends FuzzOptions {
  readonly sent: readonly string[];
  readonly unchanged: () => Promise<boolean>;
}

async function judge(contract: RouteContract, reply: { statusCode: number; headers: object; body: string }, judged: Judged): Promise<string[]> {
  const { statusCode, body } = reply;
  if (statusCode < 400) return judgeAnswer(contract, statusCode, body);
  const found: string[] = [];
  if (statusCode >= 500) found.push(`answers ${statusCode}`);
  const problem = Problem.safeParse(parseJson(body));
  if (!problem.success) found.push(`${statusCode} without a problem document`);
  else if (problem.data.status !== statusCode) found.push(`the problem says ${problem.data.status}, the status is ${statusCode}`);
  const telling = [...judged.secrets, ...judged.sent].find((text) => body.includes(text));
  if (telling !== undefined) found.push(`the error repeats ${JSON.stringify(telling.slice(0, 40))}`);
  if (/\n\s+at |\.[jt]s:\d+:\d+|node_modules|select .* from|insert into/i.test(body)) found.push('the error shows a stack or SQL');
  if (!(await judged.unchanged())) found.push(`${statusCode}, but rows were written`);
  return found;
}

function judgeAnswer(contract: RouteContract, statusCode: number, body: string): string[] {
  if (statusCode === 304 || statusCode === 302) return [];
  const declared = contract.responses[statusCode];
  if (!declared) return [`answers ${statusCode}, which the contract does not name`];
  if (!declared.schema) return [];
  const result = declared.schema.safeParse(parseJson(body));
  return result.success ? [] : [`the answer is not as the contract says: ${JSON.stringify(result.error.issues.slice(0, 2))}`];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Texts of the request that are long and odd enough to be recognised in an answer. */
function sentTexts(request: InjectOptions): string[] {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= 12 && /[^\w .:-]/.test(value)) texts.push(value, JSON.stringify(value).slice(1, -1));
    else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value))
      for (const each of Object.values(value)) if (typeof each === 'string') collect(each);
  };
  if (typeof request.payload === 'string') collect(parseJson(request.payload));
  for (const value of new URL(request.url as string, 'http://localhost').searchParams.values()) collect(value);
  return texts;
}

function describeRequest({ method, url, headers, payload }: InjectOptions): string {
  return `${method} ${(url as string).slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${((payload as string | Buffer | undefined) ?? '').toString().slice(0, 400)}`;
}
