/**
 * `npm run bench -- <name> [options]`. Each file beside this one is a benchmark: it exports `describe`, one line,
 * and `run(args)`, which prints its figures, those of its peer or floor, the machine and the date.
 */
import { readdir } from 'node:fs/promises';

interface Benchmark {
  readonly describe: string;
  run(args: readonly string[]): Promise<void>;
}

const folder = new URL('.', import.meta.url);
const names = (await readdir(folder)).flatMap((file) => (file.endsWith('.ts') && file !== 'main.ts' ? [file.slice(0, -3)] : [])).toSorted();
const load = async (name: string) => (await import(new URL(`${name}.ts`, folder).href)) as Benchmark;

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && names.includes(name)) {
  await (await load(name)).run(args);
} else {
  const out = name === undefined || name === '--help' ? process.stdout : process.stderr;
  if (out === process.stderr) out.write(`There is no benchmark called ${name}.\n`);
  out.write('npm run bench -- <name>\n');
  for (const each of names) out.write(`  ${each.padEnd(10)} ${(await load(each)).describe}\n`);
  if (out === process.stderr) process.exitCode = 64;
}
