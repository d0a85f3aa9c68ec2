/** What a script says about its own way back, in the comments before it. */
export type WayBack =
  | { readonly kind: 'sql'; readonly sql: string }
  /** Whatever it did goes with objects that are dropped anyway. */
  | { readonly kind: 'not-needed'; readonly why: string }
  | { readonly kind: 'unknown' };

/**
 * Reads a script's way back from the migration's text. Pure.
 *
 * Lines `-- onechart:undo <SQL>` before a statement are its way back, several lines one script; `-- onechart:undo-not-needed
 * <why>` says that there is none because none is needed. The comments are part of the file, so they travel with it into a
 * host's folder, into the journal and into the checksum; a second file beside migration.sql would do none of that.
 */
export function wayBackOf(migrationSql: string, statementText: string): WayBack {
  const at = migrationSql.indexOf(statementText);
  const before = migrationSql
    .slice(0, Math.max(at, 0))
    .split(/\r?\n/)
    .map((line) => line.trim());
  // The comments that stand directly before the statement, blank lines between them allowed.
  const lines = before.slice(before.findLastIndex((line) => line !== '' && !line.startsWith('--')) + 1);
  const said = (key: string) => lines.flatMap((line) => new RegExp(`^--\\s*onechart:${key}(?:\\s(.*))?$`).exec(line)?.[1] ?? []);
  const undo = said('undo');
  if (undo.length > 0) return { kind: 'sql', sql: undo.join('\n').replace(/;\s*$/, '') };
  const [why] = said('undo-not-needed');
  return why === undefined ? { kind: 'unknown' } : { kind: 'not-needed', why };
}
