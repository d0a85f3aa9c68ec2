import { AppError } from '../base/errors.ts';
import type { PlainDate } from '../base/plain-date.ts';

/** When something held: from `periodStart` on, and no longer from `periodEnd` on. Null is not known (or, for the end, not yet). */
export interface Period {
  readonly periodStart: PlainDate | null;
  readonly periodEnd: PlainDate | null;
}

/** Refuses a period that ends before it begins. */
export function checkPeriod(period: { readonly periodStart?: unknown; readonly periodEnd?: unknown }): void {
  const { periodStart, periodEnd } = period;
  if (typeof periodStart === 'string' && typeof periodEnd === 'string' && periodEnd < periodStart) {
    throw new AppError('invalid', 'PERIOD_REVERSED', 'periodEnd is before periodStart. Check both dates.', { field: 'periodEnd' });
  }
}

/** Refuses something FORMER that ends after today: it would not be over. */
export function checkFormer(part: { readonly use?: unknown; readonly periodEnd?: unknown }, today: PlainDate): void {
  if (part.use === 'FORMER' && typeof part.periodEnd === 'string' && part.periodEnd > today) {
    throw new AppError(
      'invalid',
      'FORMER_ENDS_IN_FUTURE',
      `periodEnd is after today (${today}), so it is not FORMER yet. Check the date, or choose another use.`,
      {
        field: 'periodEnd',
      },
    );
  }
}

/**
 * Whether two periods are known to share a day. An end that is not known proves nothing; of a start that is not known only the
 * last day before the end is certain.
 */
export function overlaps(a: Period, b: Period): boolean {
  if (a.periodEnd === null || b.periodEnd === null) return false;
  if (a.periodStart === null && b.periodStart === null) return false;
  if (a.periodStart === null) return b.periodStart !== null && b.periodStart < a.periodEnd && a.periodEnd <= b.periodEnd;
  if (b.periodStart === null) return a.periodStart < b.periodEnd && b.periodEnd <= a.periodEnd;
  const start = a.periodStart > b.periodStart ? a.periodStart : b.periodStart;
  return start < a.periodEnd && start < b.periodEnd;
}

/** The latest end among the periods: where the next one of a history begins. Null when there is none. */
export function latestEnd(periods: readonly Pick<Period, 'periodEnd'>[]): PlainDate | null {
  return periods.reduce<PlainDate | null>(
    (latest, { periodEnd }) => (periodEnd !== null && (latest === null || periodEnd > latest) ? periodEnd : latest),
    null,
  );
}
