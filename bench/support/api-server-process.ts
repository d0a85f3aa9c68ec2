import { parseDatabaseUrl } from '../../src/base/config.ts';
import { createReadiness } from '../../src/http/readiness.ts';
import { openServerRegistry } from '../../src/http/registry.ts';
import { createServer, listen } from '../../src/http/server.ts';

const address = parseDatabaseUrl(process.argv[2] ?? '');
const readiness = createReadiness(address);
const server = createServer({
  assertReady: readiness.assertReady,
  registry: openServerRegistry(address, { timeZone: 'Africa/Nairobi' }),
  authenticate: async () => ({ kind: 'key', id: 'bench', name: 'bench', role: 'ADMIN' }),
});
process.send?.({ url: await listen(server, { port: 0, host: '127.0.0.1' }) });
process.on('message', () => process.send?.({ memory: process.memoryUsage(), peak: process.resourceUsage().maxRSS * 1024 }));
