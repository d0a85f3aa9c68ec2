/**
 * What happened in a room, told to whoever counts: one hook that a context carries, so that no room knows of metrics. Called after the
 * fact, takes half a microsecond, never throws. Undefined where nobody counts.
 */
export interface Meter {
  /** A search was answered; by the kind of what was asked for. */
  searched(kind: SearchKind, milliseconds: number): void;
  /** A proof of who somebody is was refused. */
  signInRefused(reason: RefusalReason): void;
  /** A round of sealing the audit trail: how many rows, or that it could not be done. */
  sealed(rows: number | 'failed'): void;
}

/** Kinds of queries, never what was asked. */
export const searchKinds = ['name', 'date', 'number', 'email', 'mixed', 'fields', 'other'] as const;
export type SearchKind = (typeof searchKinds)[number];

export const refusalReasons = ['password', 'unknown', 'locked', 'disabled', 'key', 'token', 'provider', 'other'] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** A reason that is known by name, or `other`: a label of a metric must not have as many values as somebody can invent. */
export function refusalReason(text: string): RefusalReason {
  return refusalReasons.find((reason) => reason === text) ?? 'other';
}
