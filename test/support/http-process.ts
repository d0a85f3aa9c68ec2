/**
 * A server in a process of its own: `node http-process.ts <database url>`, started with an IPC channel, over which it tells its address.
 * A request with the header `x-test-die` is done and committed, and then the process kills itself as kill -9 would, before the answer leaves.
 */
import { listen } from '../../src/http/server.ts';
import type { TestDatabase } from './database.ts';
import { openTestHttp } from './http.ts';

export interface HttpProcessReport {
  readonly address: string;
}

const server = openTestHttp({ url: process.argv[2] } as TestDatabase);
server.addHook('onSend', async (request, _reply, payload) => {
  if (request.headers['x-test-die'] !== undefined) process.kill(process.pid, 'SIGKILL');
  return payload;
});
const report: HttpProcessReport = { address: await listen(server, { port: 0, host: '127.0.0.1' }) };
process.send?.(report);
process.on('disconnect', () => void server.close());
