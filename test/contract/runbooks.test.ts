import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { CliIo } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { loadSettings } from '../../src/settings/load.ts';

// What the runbooks tell people to type exists: every command, every option, every file that is linked.

const root = dirname(dirname(import.meta.dirname));
const runbooks = readdirSync(join(root, 'docs/runbooks'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => join(root, 'docs/runbooks', name));
const pages = [...runbooks, join(root, 'README.md'), join(root, 'ARCHITECTURE.md')].map((path) => ({
  path,
  name: relative(root, path),
  text: readFileSync(path, 'utf8'),
}));

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
const io: CliIo = { env: {}, cwd: '/', stdout: nowhere, stderr: nowhere, interactive: false, exitCode: 0 };
const program = buildProgram(io);

/** Everything that is set as code: fenced blocks with continued lines joined, and code inside a line. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```/gm)].filter(([, language]) => !language?.startsWith('sql'));
  const lines = blocks.flatMap(([, , body = '']) => body.replaceAll('\\\n', ' ').split('\n'));
  const inline = text
    .replace(/^```[\s\S]*?^```/gm, '')
    .split('\n')
    .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|')));
  return [...lines, ...inline];
}

/** The words after `onechart` in a line of code, up to where the shell takes over. */
function commandsIn(code: string): string[][] {
  return [...code.matchAll(/(?:^|[\s/(])onechart ((?:migrate|backup|db|patient|mrn|serve|config|accounts|keys|audit|documents|-)[\s\S]*)$/g)].map(
    ([, rest = '']) => {
      const words: string[] = [];
      for (const [word] of rest.matchAll(/"[^"]*"|'[^']*'|[^\s]+/g)) {
        if (/^(?:[|>&;#()]|2>|\d>)/.test(word)) break;
        if (word.startsWith('─')) break;
        words.push(word.replace(/[.,:;)]+$/, ''));
        if (/[;.)]$/.test(word)) break;
      }
      return words;
    },
  );
}

/** What is wrong with a command line; undefined when there is nothing. In a sentence the command ends where its arguments do. */
function problemOf(words: readonly string[], sentence = false): string | undefined {
  let command: Command = program;
  let positional = 0;
  const name = () =>
    path
      .slice(1)
      .map((each) => each.name())
      .join(' ');
  const path: Command[] = [program];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word.startsWith('-')) {
      const flag = word.split('=')[0] ?? '';
      if (['--help', '-h', '--json', '--version'].includes(flag)) continue;
      const option = path.flatMap((each) => each.options).find(({ long, short }) => long === flag || short === flag);
      if (!option) return `${name()} has no option ${flag}`;
      if (option.required && !word.includes('=')) index += 1;
    } else if (command.commands.length > 0) {
      const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (!next) return `${name()} has no command ${word}`;
      command = next;
      path.push(next);
    } else {
      positional += 1;
      const most = command.registeredArguments.some(({ variadic }) => variadic) ? Infinity : command.registeredArguments.length;
      if (positional > most) return sentence ? undefined : `${name()} takes no ${word}`;
    }
  }
  return undefined;
}

test('every command and option that a runbook names exists', () => {
  const seen = pages.flatMap(({ name, text }) =>
    codeOf(text).flatMap((code) =>
      commandsIn(code).map((words) => ({ name, words, sentence: !/^(?:\$ )?(?:\S*onechart|docker|npx|export|[A-Z_]+=)/.test(code) })),
    ),
  );
  expect(seen.length).toBeGreaterThan(60);
  expect(
    seen.flatMap(({ name, words, sentence }) => {
      const problem = problemOf(words, sentence);
      return problem === undefined ? [] : [`${name}: onechart ${words.join(' ')}: ${problem}`];
    }),
  ).toEqual([]);
});

test('the search for wrong commands finds them', () => {
  expect(commandsIn('docker run x onechart migrate aply --yes | tee log')).toEqual([['migrate', 'aply', '--yes']]);
  expect(problemOf(['migrate', 'aply'])).toBe('migrate has no command aply');
  expect(problemOf(['migrate', 'apply', '--yse'])).toBe('migrate apply has no option --yse');
  expect(problemOf(['migrate', 'apply', 'now'])).toBe('migrate apply takes no now');
  expect(problemOf(['migrate', 'apply', '--report-dir', '/x', '-y'])).toBeUndefined();
});

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link of the runbooks, README and ARCHITECTURE leads to a file, and every anchor to a heading', () => {
  const broken = pages.flatMap(({ path, name, text }) =>
    [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, href = '']) => {
      const [file = '', anchor] = href.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(target)) return [`${name}: ${href} is not there`];
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? [`${name}: ${href} has no such heading`] : [];
    }),
  );
  expect(broken).toEqual([]);
});

test('every runbook stands in the index', () => {
  const index = readFileSync(join(root, 'docs/runbooks/README.md'), 'utf8');
  const names = runbooks.map((path) => relative(join(root, 'docs/runbooks'), path)).filter((name) => name !== 'README.md');
  expect(names.filter((name) => !index.includes(`(${name})`))).toEqual([]);
});

test('the codes that a runbook names are codes of the product', () => {
  // Findings that stop nothing are no errors and stand in the source only.
  const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const known = source.map((file) => readFileSync(join(root, 'src', file), 'utf8')).join('\n');
  const named = pages.flatMap(({ name, text }) => [...text.matchAll(/`([A-Z]+(?:_[A-Z]+){1,6})`/g)].map(([, code = '']) => ({ name, code })));
  const settings = /^(?:DATABASE_URL|ONECHART_|PG|PRISMA_|NODE_|CREATE_|NOT_)/;
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ code }) => !settings.test(code) && !known.includes(`'${code}'`))).toEqual([]);
});

test('the configurations of the runbook for servers are configurations, and the unit stops later than the server', async () => {
  const page = readFileSync(join(root, 'docs/runbooks/serve.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml[^\n]*\n([\s\S]*?)^```/gm)].map(([, body = '']) => body);
  expect(blocks).toHaveLength(2);
  const folder = mkdtempSync(join(tmpdir(), 'onechart-runbook-'));
  try {
    mkdirSync(join(folder, 'tls'));
    for (const file of ['tls/fullchain.pem', 'tls/key.pem', 'audit.key']) writeFileSync(join(folder, file), '');
    const loaded = [];
    for (const [index, body] of blocks.entries()) {
      const config = join(folder, `${index}.yaml`);
      writeFileSync(config, body);
      loaded.push((await loadSettings({ config, env: {}, cwd: folder })).settings.server);
    }
    expect(loaded.map(({ trustProxy }) => trustProxy)).toEqual([[], ['loopback']]);
    const [own] = loaded;
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(page)?.[1])).toBeGreaterThan((own?.shutdownDelaySeconds ?? 0) + (own?.shutdownLimitSeconds ?? 0));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the configurations of the runbook for signing in are configurations, its variables too', async () => {
  const page = readFileSync(join(root, 'docs/runbooks/sign-in.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, body = '']) => body);
  expect(blocks).toHaveLength(5);
  const folder = mkdtempSync(join(tmpdir(), 'onechart-runbook-'));
  try {
    writeFileSync(join(folder, 'secret'), 'the secret of the client\n');
    for (const [index, body] of blocks.entries()) {
      const config = join(folder, `${index}.yaml`);
      writeFileSync(config, body);
      const secret = body.includes('oidc:') ? { ONECHART_ACCESS_OIDC_CLIENT_SECRET_FILE: join(folder, 'secret') } : {};
      const { settings } = await loadSettings({ config, env: secret, cwd: folder });
      expect(settings.access.oidc?.clientSecret, body).toBe(body.includes('oidc:') ? 'the secret of the client' : undefined);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the manifest of the Kubernetes Job is YAML, runs without rights, and its arguments are a command there is', () => {
  const page = readFileSync(join(root, 'docs/runbooks/kubernetes-job.md'), 'utf8');
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const documents = parseAllDocuments(yaml, { strict: true, uniqueKeys: true });
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  const [secret, claim, job] = documents.map((document) => document.toJS() as Record<string, unknown>);
  expect([secret?.kind, claim?.kind, job?.kind]).toEqual(['Secret', 'PersistentVolumeClaim', 'Job']);
  expect(job).toMatchObject({
    apiVersion: 'batch/v1',
    spec: {
      backoffLimit: 2,
      podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [5, 6] } }] },
      activeDeadlineSeconds: expect.any(Number) as number,
      template: { spec: { restartPolicy: 'Never', securityContext: { runAsNonRoot: true } } },
    },
  });
  const { containers, volumes } = (job as { spec: { template: { spec: { containers: Container[]; volumes: { name: string }[] } } } }).spec.template.spec;
  const [container] = containers;
  expect(container?.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  expect(problemOf(container?.args ?? ['missing'])).toBeUndefined();
  expect(container?.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }) => name).sort());
  // What it writes lies on a volume: the root is read-only.
  for (const option of ['--out', '--report-dir']) {
    const folder = container?.args[container.args.indexOf(option) + 1] ?? '';
    expect(
      container?.volumeMounts.some(({ mountPath }) => folder.startsWith(`${mountPath}/`)),
      option,
    ).toBe(true);
  }
});

interface Container {
  readonly args: string[];
  readonly securityContext: unknown;
  readonly volumeMounts: { readonly name: string; readonly mountPath: string }[];
}
