import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Settings } from '../../src/document/document.schema.ts';

// The package is CommonJS without types.
const require = createRequire(import.meta.url);

interface S3rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

/** An S3-compatible server on a free port of this machine, with one empty bucket. It checks signatures like the real one. */
export async function startS3(): Promise<{ settings: S3Settings; folder: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-test-s3-'));
  const Server = require('s3rver') as new (options: object) => S3rver;
  const server = new Server({ port: 0, address: '127.0.0.1', silent: true, directory: folder, configureBuckets: [{ name: 'files' }] });
  const { port } = await server.run();
  return {
    settings: {
      bucket: 'files',
      prefix: 'onechart/',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
    },
    folder,
    stop: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
