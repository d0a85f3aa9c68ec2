/** What a command may touch of the process it runs in. Passed in, so that a test can run every command in-process. */
export interface CliIo {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** What is piped in; that of the process unless given. */
  readonly stdin?: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Whether a person sits at the terminal: progress bars and questions only then. */
  readonly interactive: boolean;
  /** Exit code of a command that ends well; errors have their own from the error table. */
  exitCode: number;
}

/** The io of this process. */
export function processIo(): CliIo {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: Boolean(process.stdout.isTTY && process.stderr.isTTY && process.stdin.isTTY) && !process.env.CI,
    exitCode: 0,
  };
}

/** The result of a command for machines: one JSON document on stdout. A bigint is written as a string, as JSON has no room for it. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? each.toString() : each), 2)}\n`);
}

/** A line of the result, on stdout. */
export function print(io: CliIo, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** A line beside the result (progress, hints), on stderr. */
export function note(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`);
}
