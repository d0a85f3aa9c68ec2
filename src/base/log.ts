import { type Logger, pino } from 'pino';

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

/** Structured log lines on stderr (stdout belongs to a command's result). */
export function createLogger(options: { level?: string; name?: string } = {}): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      ...(options.name === undefined ? {} : { name: options.name }),
      redact: { paths: redactedFields.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    },
    pino.destination(2),
  );
}
