import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { filesOf, lastOf, readDockerfile, readIgnore, stepsOf } from '../../scripts/image/dockerfile.ts';
import { healthRoutes } from '../../src/api/health.routes.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { settingList } from '../../src/settings/setting-list.ts';

// The cheap half of what can be known of image, compose file and manifests without Docker; `npm run prove-image` is the other one.

const root = dirname(dirname(import.meta.dirname));
const read = (path: string) => readFileSync(join(root, 'deploy', path), 'utf8');
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; files: string[] };

/** Whether these words are a command of the program with options that it has. */
function commandProblem(words: readonly string[]): string | undefined {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const io: CliIo = { env: {}, cwd: '/', stdout: nowhere, stderr: nowhere, interactive: false, exitCode: 0 };
  let command = buildProgram(io);
  for (const [index, word] of words.entries()) {
    if (word === '--help') continue;
    if (word.startsWith('--')) {
      if (!command.options.some(({ long }) => long === word)) return `${command.name()} has no option ${word}`;
    } else if (command.commands.length > 0) {
      const next = command.commands.find((each) => each.name() === word);
      if (!next) return `${command.name()} has no command ${word}`;
      command = next;
    } else if (!words[index - 1]?.startsWith('--')) return `${command.name()} takes no ${word}`;
  }
  return undefined;
}

/** Variables as a container has them: values are checked, files of secrets are not there. */
async function expectSettings(env: Readonly<Record<string, string>>): Promise<Awaited<ReturnType<typeof loadSettings>>> {
  const secrets = Object.keys(env).filter((name) => name.endsWith('_FILE'));
  for (const name of secrets) {
    const known = name === 'DATABASE_URL_FILE' || settingList.some(({ variable, secret }) => secret && `${variable}_FILE` === name);
    expect(known, `${name} names a secret`).toBe(true);
  }
  return loadSettings({ env: Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.includes(name))), cwd: '/' });
}

describe('Dockerfile', () => {
  const stages = readDockerfile(join(root, 'deploy/Dockerfile'));
  const isSent = readIgnore(join(root, 'deploy/Dockerfile.dockerignore'));

  test('is as the linter wants it', () => {
    const findings = validate(read('Dockerfile')).map(({ message, range }) => `line ${range.start.line + 1}: ${JSON.stringify(message)}`);
    expect(findings).toEqual([]);
  });

  test('is built on one pinned image, ends in the server, and installs what the lock says without running its scripts', () => {
    const names = stages.map(({ name }) => name);
    expect(stages.at(-1)?.name).toBe('server');
    const bases = new Set(stages.map(({ from }) => from).filter((from) => !names.includes(from)));
    expect([...bases]).toEqual([expect.stringMatching(/^node:24\.\d+\.\d+-[a-z]+-slim(@sha256:[0-9a-f]{64})?$/)]);
    for (const { words, text } of stages.flatMap(({ steps }) => steps.filter(({ keyword }) => keyword === 'RUN'))) {
      if (words[0] === 'npm') expect(text).toMatch(/^npm install --no-save --ignore-scripts/);
      if (text.includes('apt-get install')) expect(text).toMatch(/--no-install-recommends.*rm -rf \/var\/lib\/apt\/lists/);
      expect(text).not.toMatch(/curl|wget|\bsudo\b|chmod 777/);
    }
    expect(stages.flatMap(({ steps }) => steps.map(({ keyword }) => keyword))).not.toContain('ADD');
  });

  test('runs as a numbered user that is not root, as process 1 without shell or npm, with a health check and labels', () => {
    for (const stage of ['server', 'tools']) {
      expect(lastOf(stages, stage, 'USER')?.text).toBe('1000:1000');
      const entry = lastOf(stages, stage, 'ENTRYPOINT');
      expect(entry).toMatchObject({ exec: true, words: ['node', '/app/bin/onechart'] });
      const command = lastOf(stages, stage, 'CMD');
      expect(command?.exec).toBe(true);
      expect(commandProblem(command?.words ?? [])).toBeUndefined();
    }
    expect(lastOf(stages, 'server', 'CMD')?.words).toEqual(['serve']);
    expect(lastOf(stages, 'server', 'HEALTHCHECK')).toMatchObject({ exec: true, words: ['node', '/app/healthcheck.mjs', 'live'] });
    expect(lastOf(stages, 'server', 'LABEL')?.text).toContain(`org.opencontainers.image.version="${packageJson.version}"`);
  });

  test('gives the server settings that there are, and no secret', async () => {
    const env = Object.fromEntries(
      stepsOf(stages, 'server')
        .filter(({ keyword }) => keyword === 'ENV')
        .map(({ text }) => text.split('=', 2) as [string, string]),
    );
    expect(settingList.filter(({ variable, secret }) => secret && variable in env)).toEqual([]);
    expect((await expectSettings(env)).settings.server.host).toBe('0.0.0.0');
  });

  test('copies what there is and what is sent; secrets, tests and what is built stay behind', () => {
    const copied = new Set<string>();
    for (const { words, flags, line } of stages.flatMap(({ steps }) => steps.filter(({ keyword }) => keyword === 'COPY'))) {
      if (flags.from !== undefined) {
        expect(
          stages.map(({ name }) => name),
          `line ${line}`,
        ).toContain(flags.from);
        continue;
      }
      for (const source of words.slice(0, -1)) {
        const files = filesOf(root, source, isSent);
        expect(files.length, `line ${line}: ${source}`).toBeGreaterThan(0);
        for (const file of files) copied.add(file);
      }
    }
    expect([...copied].filter((file) => /\.test\.ts$|^src\/start\/|secrets|\.env/.test(file))).toEqual([]);
    for (const file of [
      'deploy/compose/secrets/postgres_password',
      '.git/config',
      'node_modules/pg/package.json',
      'src/x.test.ts',
      '.env',
      'test/support/http.ts',
    ])
      expect(isSent(file), file).toBe(false);
    // What the package holds, the image holds.
    const inImage = stepsOf(stages, 'server')
      .filter(({ keyword }) => keyword === 'COPY')
      .flatMap(({ words }) => words.slice(0, -1).map((source) => source.replace(/^\/build\//, '')));
    expect(packageJson.files.filter((file) => !inImage.includes(file))).toEqual([]);
  });
});

interface Service {
  readonly image: string;
  readonly build?: { context: string; dockerfile: string; target: string };
  readonly command?: string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: string[];
  readonly volumes?: string[];
  readonly ports?: string[];
  readonly networks: string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck: { test?: string[]; disable?: boolean };
  readonly [key: string]: unknown;
}

describe('compose.yaml', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
    networks: Record<string, { internal?: boolean }>;
    volumes: Record<string, unknown>;
  };
  const services = Object.entries(compose.services);

  test('every service is held down: no rights, a read-only root, a health check or an end', () => {
    expect(services.map(([name]) => name)).toEqual(expect.arrayContaining(['database', 'migrate', 'queue', 'worker', 'server']));
    for (const [name, service] of services) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(service.privileged, name).toBeUndefined();
      expect(service.tmpfs, name).toContain('/tmp');
      expect(service.image, name).toMatch(/:\d+\.\d+/);
      // Jobs end, and the worker has no port that could be asked.
      if (service.healthcheck.disable === true) expect(['migrate', 'queue', 'worker'], name).toContain(name);
      else expect(service.healthcheck.test?.[0], name).toBe('CMD');
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/);
    }
    expect(compose.networks.inside?.internal).toBe(true);
    expect(compose.services.database?.networks).toEqual(['inside']);
  });

  test('what services name is there: secrets, volumes, networks, targets, scripts', () => {
    const targets = readDockerfile(join(root, 'deploy/Dockerfile')).map(({ name }) => name);
    const made = read('compose/make-secrets.sh');
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`./compose/secrets/${name}`);
      expect(made, `${name} is made`).toMatch(new RegExp(`^keep ${name} `, 'm'));
    }
    for (const [name, service] of services) {
      for (const secret of service.secrets ?? []) expect(compose.secrets, name).toHaveProperty(secret);
      for (const network of service.networks) expect(compose.networks, name).toHaveProperty(network);
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) expect(read(source.slice(2)).startsWith('#!/bin/sh'), volume).toBe(true);
        else expect(compose.volumes, volume).toHaveProperty(source);
      }
      for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services, name).toHaveProperty(other);
      if (service.image.startsWith('onechart')) expect(commandProblem(service.command ?? ['serve']), name).toBeUndefined();
      if (service.build) {
        expect(service.build).toMatchObject({ context: '..', dockerfile: 'deploy/Dockerfile' });
        expect(targets).toContain(service.build.target);
        expect(service.image, name).toContain(`:${packageJson.version}`);
      }
      // A password in the environment is one that everybody sees who may look at the container.
      for (const [variable, value] of Object.entries(service.environment)) {
        if (/PASSWORD|TOKEN|SECRET|URL/.test(variable)) expect(value, variable).toMatch(/^\/run\/secrets\//);
        const secret = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1];
        if (secret !== undefined) expect(service.secrets, `${name} ${variable}`).toContain(secret);
      }
    }
  });

  test('the server is started when the migration has ended well, with settings that there are, and is given the time to finish', async () => {
    const { server, migrate } = compose.services;
    expect(server?.depends_on?.migrate?.condition).toBe('service_completed_successfully');
    expect(migrate?.depends_on?.database?.condition).toBe('service_healthy');
    const { settings } = await expectSettings(server?.environment ?? {});
    const grace = Number(/^(\d+)s$/.exec(String(server?.stop_grace_period))?.[1]);
    expect(grace).toBeGreaterThanOrEqual(settings.server.shutdownDelaySeconds + settings.server.shutdownLimitSeconds + 5);
    expect(server?.healthcheck.test).toEqual(['CMD', 'node', '/app/healthcheck.mjs', 'ready']);
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { name: string; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: the shape is the cluster's
  readonly [key: string]: any;
}

describe('Kubernetes', () => {
  const files = readdirSync(join(root, 'deploy/kubernetes'));
  const manifests = files
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) =>
      parseAllDocuments(read(`kubernetes/${file}`)).map((document) => ({ file, errors: document.errors, manifest: document.toJS() as Manifest })),
    );
  const get = (kind: string, name = 'onechart'): Manifest => {
    const found = manifests.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name);
    if (!found) throw new Error(`There is no ${kind} ${name}.`);
    return found.manifest;
  };
  const podOf = (manifest: Manifest) => manifest.spec.template;
  const labels = podOf(get('Deployment')).metadata.labels;

  test('every manifest can be read, and kustomization names the files there are', () => {
    for (const { file, errors, manifest } of manifests) {
      expect(errors, file).toEqual([]);
      expect(manifest, file).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String), metadata: { name: expect.any(String) } });
    }
    const { resources } = parse(read('kubernetes/kustomization.yaml')) as { resources: string[] };
    expect(resources.filter((file) => !files.includes(file))).toEqual([]);
    // What is applied once, by hand, or with something else in the cluster.
    expect(files.filter((file) => !resources.includes(file)).sort()).toEqual([
      'kustomization.yaml',
      'migrate-job.yaml',
      'secret.example.yaml',
      'service-monitor.yaml',
    ]);
  });

  test('pods run as the user of the image, with a read-only root and no rights', () => {
    for (const manifest of [get('Deployment'), get('Deployment', 'onechart-worker'), get('Job', 'onechart-migrate'), get('Job', 'onechart-queue')]) {
      const { spec } = podOf(manifest);
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const container of spec.containers) {
        expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
        expect(container.resources.limits.memory).toMatch(/Mi$/);
        expect(commandProblem(container.args)).toBeUndefined();
        const volumes = spec.volumes.map(({ name }: { name: string }) => name);
        for (const { name } of container.volumeMounts) expect(volumes).toContain(name);
      }
    }
  });

  test('a rolling update loses no request: there is time for the delay and the limit, and a pod too many for a while', async () => {
    const { settings } = await expectSettings(get('ConfigMap').data);
    const deployment = get('Deployment');
    const { spec } = podOf(deployment);
    const { shutdownDelaySeconds, shutdownLimitSeconds } = settings.server;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(shutdownDelaySeconds + shutdownLimitSeconds + 5);
    // As long as a node may take to hear that a pod has left the service; there is no preStop to do it.
    expect(shutdownDelaySeconds).toBeGreaterThanOrEqual(5);
    expect(spec.containers[0].lifecycle).toBeUndefined();
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect(get('PodDisruptionBudget').spec.minAvailable).toBeLessThan(deployment.spec.replicas);
  });

  test('probes ask paths that there are on ports that there are; a database that is away restarts nobody', () => {
    const [container] = podOf(get('Deployment')).spec.containers;
    const paths = healthRoutes.map(({ path }) => path as string);
    const ports = container.ports.map(({ name }: { name: string }) => name);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(paths, probe).toContain(container[probe].httpGet.path);
      expect(ports, probe).toContain(container[probe].httpGet.port);
    }
    expect(container.livenessProbe.httpGet.path).toBe('/health/live');
    expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
  });

  test('services, policy, budget and monitor mean these pods and their ports; secrets have the keys that pods read', async () => {
    const [container] = podOf(get('Deployment')).spec.containers;
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }: { name: string; containerPort: number }) => [name, containerPort]));
    const { settings } = await expectSettings(get('ConfigMap').data);
    expect(ports).toEqual({ http: settings.server.port, metrics: settings.metrics.port });
    for (const name of ['onechart', 'onechart-metrics']) {
      const { spec } = get('Service', name);
      expect(labels).toMatchObject(spec.selector);
      for (const { targetPort } of spec.ports) expect(ports).toHaveProperty(targetPort);
    }
    expect(get('Service').spec.ports.map(({ name }: { name: string }) => name)).toEqual(['http']);
    expect(labels).toMatchObject(get('PodDisruptionBudget').spec.selector.matchLabels);
    expect(labels).toMatchObject(get('NetworkPolicy').spec.podSelector.matchLabels);
    const open = get('NetworkPolicy').spec.ingress.flatMap((rule: Manifest) => rule.ports.map(({ port }: { port: number }) => port));
    expect(open).toEqual(Object.values(ports));
    expect(get('Service', 'onechart-metrics').metadata.labels).toMatchObject(get('ServiceMonitor').spec.selector.matchLabels);

    for (const [manifest, secret] of [
      [get('Deployment'), 'onechart'],
      [get('Job', 'onechart-migrate'), 'onechart-migrate'],
      [get('Job', 'onechart-queue'), 'onechart-migrate'],
      [get('Deployment', 'onechart-worker'), 'onechart'],
    ] as const) {
      const keys = Object.keys(get('Secret', secret).stringData);
      const env = Object.fromEntries(podOf(manifest).spec.containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]));
      await expectSettings(env);
      for (const value of Object.values(env) as string[]) expect(keys).toContain(value.replace('/etc/onechart/secret/', ''));
    }
    expect(Object.keys(get('Secret').stringData)).toContain(get('ServiceMonitor').spec.endpoints[0].authorization.credentials.key);
  });
});
