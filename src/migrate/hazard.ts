import { AppError } from '../base/errors.ts';

/** What a statement can do that nobody should learn afterwards; each kind is approved by its name. */
export const hazardKinds = {
  'data-loss': 'rows or columns are gone for good',
  'data-change': 'existing rows are changed, in one transaction that locks them',
  'constraint-loss': 'a rule that the database kept is kept no longer',
  'index-loss': 'queries that used the index become slow',
  rename: 'a running application asks for the old name',
  rewrite: 'the table is written anew under a lock that stops readers and writers',
  blocking: 'the table is read or written whole under a lock that stops writers',
  rerun: 'a script may have run by hand before, and nothing in the database tells',
  unknown: 'the engine does not know what the statement does',
} as const;

export type HazardKind = keyof typeof hazardKinds;

export interface Hazard {
  readonly kind: HazardKind;
  /** The object it befalls: a table, `table.column`, an index or constraint. */
  readonly on: string;
}

/**
 * Whether a hazard was approved: by its kind (`data-loss`) or by kind and object (`data-loss:bills.legacyCode`).
 *
 * @example
 * isApproved({ kind: 'data-loss', on: 'bills.legacyCode' }, ['data-loss:bills.legacyCode']); // true
 */
export function isApproved(hazard: Hazard, approvals: readonly string[]): boolean {
  return approvals.includes(hazard.kind) || approvals.includes(`${hazard.kind}:${hazard.on}`);
}

/** Errors: `HAZARD_UNKNOWN` for an approval of something that is no hazard. */
export function checkApprovals(approvals: readonly string[]): void {
  for (const approval of approvals) {
    if (approval.split(':')[0] !== undefined && (approval.split(':')[0] as string) in hazardKinds) continue;
    throw new AppError(
      'invalid',
      'HAZARD_UNKNOWN',
      `--approve ${approval} names no hazard. There are ${Object.keys(hazardKinds).join(', ')}; add :object to approve it for one object only.`,
      { approval },
    );
  }
}
