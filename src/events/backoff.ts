/** When a failed attempt is repeated. Pure. */

const firstPause = 1_000;

/**
 * The pause after so many failures in milliseconds: doubling from a second on up to the longest, the second half of it by chance,
 * so that receivers and workers that failed together do not come back together. A receiver that asks for longer gets it.
 */
export function pauseAfter(
  failures: number,
  { chance, longest, asked, first = firstPause }: { chance: number; longest: number; asked?: number | undefined; first?: number | undefined },
): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
  return Math.round(Math.max(whole / 2 + (whole / 2) * chance, Math.min(asked ?? 0, Math.max(longest, dayMilliseconds))));
}

/** Nobody may ask to be left alone for longer. */
const dayMilliseconds = 86_400_000;

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds from now: seconds, or a date. */
export function readRetryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
