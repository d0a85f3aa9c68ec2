import { type DestinationStream, type Logger, pino } from 'pino';
import { AppError } from './errors.ts';

export type { Logger };

/**
 * Field names that may hold PHI or secrets. The rule is not to log them at all; redaction is the second line.
 * Both the field itself and the same name one level down are covered.
 */
const redactedFields = [
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'email',
  'phone',
  'phoneSecondary',
  'addressLine1',
  'addressLine2',
  'documentNumber',
  'password',
  'databaseUrl',
  'authorization',
  'cookie',
];

/**
 * What a log may say of an exception: its type, its code, where it came from. Not its message: PostgreSQL's quote values
 * (`Key (lastName)=(…) already exists`), and a driver hangs the row in question on the error. Messages of ours are safe.
 */
export function describeThrown(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { type: typeof thrown };
  const code = 'code' in thrown && (typeof thrown.code === 'string' || typeof thrown.code === 'number') ? thrown.code : undefined;
  return {
    type: thrown.constructor.name,
    ...(code === undefined ? {} : { code }),
    ...(thrown instanceof AppError ? { message: thrown.message } : {}),
    // The first lines of a stack are the message again.
    at: (thrown.stack ?? '')
      .split('\n')
      .filter((line) => /^ {4}at /.test(line))
      .slice(0, 12)
      .map((line) => line.trim()),
    ...(thrown.cause === undefined ? {} : { cause: describeThrown(thrown.cause) }),
  };
}

/** Structured log lines on stderr (stdout belongs to a command's result). */
export function createLogger(options: { level?: string; name?: string; destination?: DestinationStream } = {}): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      ...(options.name === undefined ? {} : { name: options.name }),
      serializers: { err: describeThrown },
      redact: { paths: redactedFields.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    },
    options.destination ?? pino.destination(2),
  );
}
