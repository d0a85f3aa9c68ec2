import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// `npm run fix`: what can be mended by a machine, mended.

const root = dirname(import.meta.dirname);
const tools = [
  { package: 'oxlint', bin: 'oxlint', args: ['--type-aware', '--fix'] },
  { package: '@biomejs/biome', bin: 'biome', args: ['format', '--write', '.'] },
] as const;

for (const tool of tools) {
  const folder = join(root, 'node_modules', tool.package);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: string | Record<string, string> };
  const file = typeof bin === 'string' ? bin : bin[tool.bin];
  if (file === undefined) throw new Error(`The package ${tool.package} has no program ${tool.bin}.`);
  const { status } = spawnSync(process.execPath, [join(folder, file), ...tool.args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
