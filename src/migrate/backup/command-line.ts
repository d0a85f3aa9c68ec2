import { AppError } from '../../base/errors.ts';

/**
 * Splits a command as a POSIX shell would: blanks separate, `'…'` is literal, `"…"` and `\` quote. No shell runs, so there is
 * nothing for `$`, `*` or `;` to mean: they are themselves.
 *
 * Errors: `BACKUP_COMMAND_INVALID` for an unclosed quote or an empty command.
 *
 * @example
 * splitCommand(`docker exec "ehr postgres" pg_dump`, '--pg-dump'); // ['docker', 'exec', 'ehr postgres', 'pg_dump']
 */
export function splitCommand(text: string, option: string): string[] {
  const words: string[] = [];
  const token = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)|(\s+)|(["'\\])/g;
  let word: string | undefined;
  for (const [, single, double, escaped, plain, blank, stray] of text.matchAll(token)) {
    if (stray !== undefined)
      throw new AppError('invalid', 'BACKUP_COMMAND_INVALID', `The command in ${option} has a quote that is not closed. Close it, or leave it out.`, {
        option,
      });
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new AppError('invalid', 'BACKUP_COMMAND_INVALID', `The command in ${option} is empty. Name a program.`, { option });
  return words;
}

const containerPrograms = /(?:^|[\\/])(?:docker|podman|nerdctl|kubectl|oc)(?:\.exe)?$/;

/**
 * The pg_restore that belongs to a given pg_dump: `docker exec ehr-postgres pg_dump` becomes
 * `docker exec -i ehr-postgres pg_restore` (it reads the dump from its standard input, which only -i passes on).
 * Undefined where no word of the command is pg_dump.
 */
export function restoreCommandFor(dumpCommand: readonly string[]): string[] | undefined {
  const at = dumpCommand.findLastIndex((word) => /(?:^|[\\/])pg_dump(?:\.exe)?$/.test(word));
  if (at < 0) return undefined;
  const words = dumpCommand.map((word, index) => (index === at ? word.replace(/pg_dump(?=(?:\.exe)?$)/, 'pg_restore') : word));
  const exec = words.indexOf('exec');
  const interactive = words.slice(exec + 1).some((word) => /^-[a-z]*i[a-z]*$/.test(word) || word === '--interactive' || word === '--stdin');
  // `docker compose exec` is interactive by itself (and wants -T, which its user has given for pg_dump already).
  if (exec > 0 && containerPrograms.test(words[0] ?? '') && !interactive && !words.slice(0, exec).includes('compose')) words.splice(exec + 1, 0, '-i');
  return words;
}

/** A value of a libpq connection string: quoted, so that a database may be called anything. */
export function conninfo(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}='${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`]))
    .join(' ');
}
