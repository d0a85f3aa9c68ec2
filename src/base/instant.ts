/** A timestamptz as the wire shows it. A host's Kysely may read it as text, ours reads a Date. */
export function toInstant(value: Date | string): string;
export function toInstant(value: Date | string | null): string | null;
export function toInstant(value: Date | string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}
