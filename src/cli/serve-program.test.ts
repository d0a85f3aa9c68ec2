import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const source = dirname(import.meta.dirname);

test('a server loads no migration engine, no SQL parser, no embedded database, and nothing for what few servers use', async () => {
  // Everything that `onechart serve` has loaded when it listens.
  const script = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    for (const file of ['cli/serve-program.ts', 'base/log.ts', 'http/open.ts', 'base/until-stopped.ts']) await import(${JSON.stringify(`file://${source}/`)} + file);
    console.log(JSON.stringify(urls));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { maxBuffer: 16 * 1024 * 1024 });
  const urls = JSON.parse(stdout) as string[];
  expect(urls.some((url) => url.endsWith('/http/server.ts'))).toBe(true);
  // Sign-in by OpenID Connect, tokens, S3, photos and YAML are loaded by whoever needs them first.
  const heavy = /libpg-query|\/src\/(?:migrate|embedded|start)\/|@aws-sdk|openid-client|\/jose\/|\/yaml\/|jpeg|cli-table3|csv-parse|pg-copy-streams/;
  expect(urls.filter((url) => heavy.test(url)).map((url) => url.replace(/^.*\/(?=node_modules|src)/, ''))).toEqual([]);
});
