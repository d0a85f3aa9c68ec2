/** Letters without marks and case, words in alphabetical order: `Núñez, Ana` and `ANA NUNEZ` are the same. */
export function foldName(...names: readonly (string | null | undefined)[]): string {
  const folded = names
    .filter((name) => name)
    .join(' ')
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\p{M}'’ʼ`]/gu, '');
  return folded
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .toSorted()
    .join(' ');
}

export interface Comparable {
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly dateOfBirth?: string | null;
  readonly phone?: string | null;
  readonly phoneSecondary?: string | null;
}

/** What a duplicate shares, and how the report calls it. */
export const duplicateReasons = { b: 'same name and date of birth', p: 'same name and telephone number' } as const;

/**
 * What two rows of one person are likely to share: folded name with date of birth, folded name with a telephone number. The middle name
 * is left out, as it often is.
 *
 * @example
 * duplicateKeys({ firstName: 'Ana', lastName: 'Núñez', dateOfBirth: '1980-05-31' }); // ['b|ana nunez|1980-05-31']
 */
export function duplicateKeys(person: Comparable): string[] {
  const name = foldName(person.firstName, person.lastName);
  if (name === '') return [];
  const phones = [...new Set([person.phone, person.phoneSecondary])].filter((phone) => phone);
  return [...(person.dateOfBirth ? [`b|${name}|${person.dateOfBirth}`] : []), ...phones.map((phone) => `p|${name}|${phone}`)];
}

export function reasonOfKey(key: string): string {
  return duplicateReasons[key.charAt(0) as keyof typeof duplicateReasons] ?? 'same identifier';
}
