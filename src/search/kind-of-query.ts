import type { SearchKind } from '../base/meter.ts';
import type { TypedPart, TypedQuery } from './typed-query.ts';

/** What was typed, as a kind that can be counted and says nothing of anybody. */
export function kindOfQuery({ parts }: Pick<TypedQuery, 'parts'>): SearchKind {
  const kinds = new Set(parts.map(kindOfPart));
  const [only = 'other'] = kinds;
  return kinds.size > 1 ? 'mixed' : only;
}

function kindOfPart({ email, names, dates }: TypedPart): SearchKind {
  if (email !== undefined) return 'email';
  if (names.length > 0) return 'name';
  // A year may be a number too; whoever types four digits mostly means the year.
  return dates.length > 0 ? 'date' : 'number';
}
