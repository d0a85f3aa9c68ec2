import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { delivered, pdfOf, sha256Of } from '../../test/support/files.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { blue, halves, jpegOf, red } from '../../test/support/pictures.ts';
import { Problem } from '../api/problem.schema.ts';
import { createClient } from '../client/client.ts';
import { digestHeader } from '../document/digest.ts';
import { PatientDocument } from '../patient/patient.schema.ts';
import { listen } from './server.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let origin: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  origin = await listen(server, { port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const desk = { 'x-test-role': 'FRONT_DESK' };
const limit = 20 * 1024 * 1024;

async function newDocument(): Promise<{ content: string; document: string; patient: string }> {
  const made = await server.inject({
    method: 'POST',
    url: '/api/v1/patients',
    headers: desk,
    payload: { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' },
  });
  const patient = `/api/v1/patients/${made.json().id}`;
  const added = await server.inject({ method: 'POST', url: `${patient}/documents`, headers: desk, payload: { documentType: 'PASSPORT' } });
  const document = `${patient}/documents/${added.json().id}`;
  return { patient, document, content: `${document}/content` };
}

const put = (path: string, body: Uint8Array | AsyncIterable<Uint8Array>, headers: Record<string, string> = {}) =>
  fetch(`${origin}${path}`, { method: 'PUT', headers: { ...desk, ...headers }, body: body as never, duplex: 'half' } as RequestInit);
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${origin}${path}`, { headers: { ...desk, ...headers } });

async function stored(): Promise<number> {
  const [row] = await database.query<{ n: number }>('SELECT count(*)::int AS n FROM patient_document_contents');
  return row?.n ?? -1;
}

test('a file goes in as a stream and comes out with its name, digest and ETag, to be saved and not shown', async () => {
  const { content } = await newDocument();
  const file = pdfOf(700_001);
  const reply = await put(content, delivered(file), {
    'content-type': 'application/pdf',
    'content-disposition': `attachment; filename="x.pdf"; filename*=UTF-8''P%C3%A4sse%20%E6%97%85.pdf`,
    'repr-digest': digestHeader(sha256Of(file)),
  });
  expect(reply.status).toBe(200);
  expect(PatientDocument.parse(await reply.json())).toMatchObject({ fileName: 'Pässe 旅.pdf', fileSize: 700_001, contentSha256: sha256Of(file) });
  const back = await get(content);
  expect(Buffer.from(await back.arrayBuffer()).equals(file)).toBe(true);
  expect(Object.fromEntries(back.headers)).toMatchObject({
    'content-type': 'application/pdf',
    'content-length': '700001',
    etag: `"${sha256Of(file)}"`,
    'repr-digest': digestHeader(sha256Of(file)),
    'content-disposition': `attachment; filename="P?sse ?.pdf"; filename*=UTF-8''P%C3%A4sse%20%E6%97%85.pdf`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
  });
});

test('ranges, what the caller has already, and HEAD', async () => {
  const { content } = await newDocument();
  const file = pdfOf(600_000);
  await put(content, file);
  const etag = `"${sha256Of(file)}"`;
  const part = await get(content, { range: 'bytes=262000-262999' });
  expect([part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([206, 'bytes 262000-262999/600000', '1000']);
  expect(Buffer.from(await part.arrayBuffer()).equals(file.subarray(262_000, 263_000))).toBe(true);
  const end = await get(content, { range: 'bytes=-5' });
  expect(Buffer.from(await end.arrayBuffer()).equals(file.subarray(-5))).toBe(true);
  const resumed = await get(content, { range: 'bytes=599999-', 'if-range': etag });
  expect([resumed.status, (await resumed.arrayBuffer()).byteLength]).toEqual([206, 1]);
  const changed = await get(content, { range: 'bytes=599999-', 'if-range': '"another"' });
  expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, 600_000]);
  const several = await get(content, { range: 'bytes=0-1,5-6' });
  expect([several.status, (await several.arrayBuffer()).byteLength]).toEqual([200, 600_000]);
  const beyond = await get(content, { range: 'bytes=600000-' });
  expect([beyond.status, beyond.headers.get('content-range'), Problem.parse(await beyond.json()).code]).toEqual([416, 'bytes */600000', 'RANGE_UNSATISFIABLE']);
  expect((await get(content, { 'if-none-match': etag })).status).toBe(304);
  const head = await fetch(`${origin}${content}`, { method: 'HEAD', headers: desk });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '600000']);
});

test('what is refused is said in words with its status, on a connection that goes on, and leaves nothing', async () => {
  const { content, document } = await newDocument();
  const before = await stored();
  const endless = async function* () {
    yield pdfOf(1000);
    for (let sent = 0; sent < limit + 5_000_000; sent += 1_000_000) yield Buffer.alloc(1_000_000);
  };
  const answers = [
    await put(content, delivered(pdfOf(limit + 1)), { 'content-type': 'application/pdf' }),
    await put(content, endless()),
    await put(content, new Uint8Array(0)),
    await put(content, pdfOf(100), { 'content-type': 'image/png' }),
    await put(content, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), { 'content-type': 'image/svg+xml' }),
    await put(content, pdfOf(100), { 'content-type': 'multipart/form-data; boundary=x' }),
    await put(content, pdfOf(100), { 'content-encoding': 'gzip' }),
    await put(content, pdfOf(100), { 'repr-digest': digestHeader(sha256Of(Buffer.from('another'))) }),
    await put(content, pdfOf(100), { 'repr-digest': 'sha-256=:nonsense:' }),
    await put(content, pdfOf(100), { 'if-match': '"1"' }),
    await put(content, pdfOf(100), { 'x-test-role': 'NURSE' }),
    await put(`${document}x/content`, pdfOf(100)),
    await get(content),
  ];
  expect(await Promise.all(answers.map(async (reply) => [reply.status, Problem.parse(await reply.json()).code]))).toEqual([
    [413, 'DOCUMENT_TOO_LARGE'],
    [413, 'DOCUMENT_TOO_LARGE'],
    [400, 'DOCUMENT_EMPTY'],
    [415, 'MEDIA_TYPE_MISMATCH'],
    [415, 'MEDIA_TYPE_UNSUPPORTED'],
    [415, 'MULTIPART_UNSUPPORTED'],
    [415, 'CONTENT_ENCODING_UNSUPPORTED'],
    [400, 'DIGEST_MISMATCH'],
    [400, 'DIGEST_INVALID'],
    [412, 'CHART_PART_STALE'],
    [403, 'ACCESS_DENIED'],
    [404, 'ID_NOT_FOUND'],
    [404, 'DOCUMENT_CONTENT_MISSING'],
  ]);
  expect(await stored()).toBe(before);
});

test('a client that goes away in the middle leaves nothing, and neither a connection nor a transaction open', async () => {
  const { content } = await newDocument();
  const before = await stored();
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`PUT ${content} HTTP/1.1\r\nhost: x\r\nx-test-role: FRONT_DESK\r\ncontent-type: application/pdf\r\ncontent-length: 5000000\r\n\r\n`);
  socket.write(pdfOf(1_000_000));
  await expect.poll(stored).toBe(before + 1);
  const busy = () => database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`);
  // Three pieces are in, and the client says nothing: whoever is slow holds nothing here.
  await expect.poll(() => database.query('SELECT FROM patient_document_chunks')).not.toHaveLength(0);
  await expect.poll(busy).toEqual([]);
  socket.resetAndDestroy();
  await expect.poll(stored).toBe(before);
  await expect.poll(busy).toEqual([]);
  expect((await get(content)).status).toBe(404);
});

test('a client that goes away while a file is sent stops the reading', async () => {
  const { content } = await newDocument();
  await put(content, pdfOf(limit));
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET ${content} HTTP/1.1\r\nhost: x\r\nx-test-role: FRONT_DESK\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resetAndDestroy();
  const whole = await get(content);
  expect((await whole.arrayBuffer()).byteLength).toBe(limit);
});

test('a file whose bytes are gone breaks off, and is not passed off as whole', async () => {
  const { content } = await newDocument();
  await put(content, pdfOf(1_000_000));
  await database.query(`DELETE FROM patient_document_chunks WHERE number = 2`);
  const reply = await get(content);
  await expect(reply.arrayBuffer()).rejects.toThrow();
});

test('the file is removed and the document stays', async () => {
  const { content, document } = await newDocument();
  await put(content, pdfOf(1000));
  const reply = await fetch(`${origin}${content}`, { method: 'DELETE', headers: desk });
  expect([reply.status, PatientDocument.parse(await reply.json()).contentSha256]).toEqual([200, null]);
  expect((await get(document)).status).toBe(200);
  expect((await get(content)).status).toBe(404);
});

test('the typed client sends and fetches files and photos as they are', async () => {
  const client = createClient({ baseUrl: origin, checkAnswers: true, headers: () => desk });
  const { body: patient } = await client.registerPatient({ body: { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' } });
  const added = await client.addDocument({ params: { id: patient.id }, body: { documentType: 'ID_CARD' } });
  const params = { id: patient.id, documentId: added.body.id };
  const file = pdfOf(400_000);
  const body = new Blob([new Uint8Array(file)], { type: 'application/pdf' });
  const sent = await client.storeDocumentContent({
    params,
    body,
    ifMatch: added.version as number,
    headers: { 'content-disposition': 'attachment; filename=card.pdf' },
  });
  expect(sent.body).toMatchObject({ fileName: 'card.pdf', contentSha256: sha256Of(file) });
  const fetched = await client.getDocumentContent({ params });
  expect(Buffer.from(await fetched.body.arrayBuffer()).equals(file)).toBe(true);
  await expect(client.removeDocumentContent({ params, ifMatch: added.version as number })).rejects.toMatchObject({ code: 'CHART_PART_STALE' });
  expect((await client.removeDocumentContent({ params, ifMatch: sent.version as number })).body).toMatchObject({ contentSha256: null });

  const portrait = new Blob([new Uint8Array(await jpegOf(halves(900, 600, { left: red, right: blue })))]);
  const { body: photo } = await client.storePhoto({ params: { id: patient.id }, body: portrait });
  expect(photo).toMatchObject({ width: 600, height: 400 });
  const shown = await client.getPhoto({ params: { id: patient.id } });
  expect([shown.headers.get('content-type'), shown.headers.get('etag')]).toEqual(['image/jpeg', `"${photo.sha256}"`]);
  expect((await shown.body.arrayBuffer()).byteLength).toBe(photo.size);
  const thumbnail = await client.getPhoto({ params: { id: patient.id }, query: { size: 'thumbnail' } });
  expect((await thumbnail.body.arrayBuffer()).byteLength).toBeLessThan(photo.size);
  await client.removePhoto({ params: { id: patient.id } });
  await expect(client.getPhoto({ params: { id: patient.id } })).rejects.toMatchObject({ code: 'PHOTO_MISSING' });
  const nurse = createClient({ baseUrl: origin, headers: () => ({ 'x-test-role': 'NURSE' }) });
  await expect(nurse.storePhoto({ params: { id: patient.id }, body: portrait })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});

test('a restricted chart shows neither its papers nor its photo to who has not broken the glass', async () => {
  const { content, patient } = await newDocument();
  await put(content, pdfOf(1000));
  await put(`${patient}/photo`, await jpegOf(halves(60, 60, { left: red, right: blue })));
  await database.query(`UPDATE patients SET restricted = true, "restrictedReason" = 'staff', "restrictedAt" = now() WHERE id = $1`, [
    patient.split('/').at(-1),
  ]);
  const answers = [
    await get(content),
    await get(`${patient}/photo`),
    await put(content, pdfOf(2000)),
    await put(`${patient}/photo`, await jpegOf(halves(60, 60, { left: red, right: blue }))),
    await fetch(`${origin}${content}`, { method: 'DELETE', headers: desk }),
    await fetch(`${origin}${patient}/photo`, { method: 'DELETE', headers: desk }),
  ];
  expect(await Promise.all(answers.map(async (reply) => [reply.status, Problem.parse(await reply.json()).code]))).toEqual(
    answers.map(() => [403, 'CHART_RESTRICTED']),
  );
});
