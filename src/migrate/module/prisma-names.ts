/** PostgreSQL cuts identifiers to 63 bytes (NAMEDATALEN - 1) without a word; Prisma cuts them itself, before the suffix. */
const maxIdentifierBytes = 63;

/**
 * The name Prisma gives a constraint or an index: `<table>_<column>_<column>` cut to what leaves room for the suffix.
 *
 * @example
 * prismaName('bills', ['patientId'], '_fkey'); // bills_patientId_fkey
 */
export function prismaName(table: string, columns: readonly string[], suffix: '_pkey' | '_key' | '_idx' | '_fkey'): string {
  const base = [table, ...columns].join('_');
  return cutToBytes(base, maxIdentifierBytes - suffix.length) + suffix;
}

/** Cuts at a character border, so that no half of a UTF-8 sequence stays behind. */
function cutToBytes(text: string, limit: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    cut += character;
  }
  return cut;
}
