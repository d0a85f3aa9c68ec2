import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { ModifiableInstruction } from 'dockerfile-ast/lib/modifiableInstruction.js';

// The Dockerfile as data, for the checks of the tests and for scripts/prove-image.ts.

export interface Step {
  readonly keyword: string;
  /** Everything after the keyword, variables of ARG filled in, continued lines joined. */
  readonly text: string;
  /** In the exec form or split at blanks. */
  readonly words: readonly string[];
  readonly exec: boolean;
  /** `--from=build` and its kin. */
  readonly flags: Readonly<Record<string, string>>;
  readonly line: number;
}

export interface Stage {
  readonly name: string;
  /** A stage of this file, or an image. */
  readonly from: string;
  readonly steps: readonly Step[];
}

/** The stages in their order, each with its own steps only. */
export function readDockerfile(path: string): Stage[] {
  const parsed = DockerfileParser.parse(readFileSync(path, 'utf8'));
  const variables = new Map<string, string>();
  const stages: { name: string; from: string; steps: Step[] }[] = [];
  for (const instruction of parsed.getInstructions()) {
    const keyword = instruction.getKeyword();
    const raw = (instruction.getRawArgumentsContent() ?? '').replaceAll(/\\\r?\n/g, ' ');
    const text = raw.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole).trim();
    const words = text.split(/\s+/);
    if (keyword === 'ARG') {
      const [name = '', value = ''] = text.split('=');
      variables.set(name, value);
    } else if (keyword === 'FROM') {
      stages.push({ name: words[1]?.toUpperCase() === 'AS' ? (words[2] ?? '') : String(stages.length), from: words[0] ?? '', steps: [] });
    } else {
      const flags = instruction instanceof ModifiableInstruction ? instruction.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? ''] as const) : [];
      // HEALTHCHECK has a command behind its flags.
      const command = keyword === 'HEALTHCHECK' ? text.replace(/^CMD\s+/, '') : text;
      const exec = command.startsWith('[');
      stages.at(-1)?.steps.push({
        keyword,
        text,
        words: exec ? (JSON.parse(command) as string[]) : words,
        exec,
        flags: Object.fromEntries(flags),
        line: (instruction.getRange()?.start.line ?? 0) + 1,
      });
    }
  }
  return stages;
}

/** The steps that make up a stage, those of the stages of this file it is built from first. */
export function stepsOf(stages: readonly Stage[], name: string): Step[] {
  const stage = stages.find((each) => each.name === name);
  return stage === undefined ? [] : [...stepsOf(stages, stage.from), ...stage.steps];
}

/** The last command, entry point, user … of a stage. */
export function lastOf(stages: readonly Stage[], name: string, keyword: string): Step | undefined {
  return stepsOf(stages, name).findLast((step) => step.keyword === keyword);
}

/** What a .dockerignore lets through, as Docker reads it: the last pattern that fits counts, `!` brings back. */
export function readIgnore(path: string): (file: string) => boolean {
  const patterns = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keep: line.startsWith('!'), pattern: expressionOf(line.replace(/^!/, '')) }));
  return (file) => patterns.findLast(({ pattern }) => pattern.test(file))?.keep ?? true;
}

/** `*` within a name, `**` across folders; what fits a folder fits everything in it. */
function expressionOf(pattern: string): RegExp {
  const body = pattern
    .split('/')
    .map((part) => (part === '**' ? '(?:.*/)?' : `${part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}/`))
    .join('')
    .replace(/\/$/, '');
  return new RegExp(`^${body}(?:/.*)?$`);
}

/** Files of the build's context below a path of COPY, which may be a file. */
export function filesOf(root: string, source: string, isSent: (file: string) => boolean): string[] {
  const path = posix.normalize(source).replace(/\/$/, '');
  let below: string[];
  try {
    below = readdirSync(join(root, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => posix.join(entry.parentPath.slice(root.length + 1), entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
    below = [path];
  }
  return below.filter(isSent);
}
