import type { SyntheticChart } from './synthetic-charts.ts';

/** What somebody types, and the id of the chart they look for. */
export interface TypedSearch {
  readonly typed: string;
  readonly sought: string;
}

export interface SearchKind {
  readonly name: string;
  readonly searches: readonly TypedSearch[];
}

/** The name as a desk with Latin keys types it: of another script, the transcription. */
function latinName({ person }: SyntheticChart): { first: string; last: string } | undefined {
  const isLatin = (text: string) => /^\p{Script=Latin}/u.test(text);
  const names = [person, ...person.names.filter((name) => name.use === 'TRANSCRIPTION')];
  const name = names.find(({ firstName, lastName }) => firstName && isLatin(firstName) && isLatin(lastName));
  return name?.firstName ? { first: name.firstName, last: name.lastName } : undefined;
}

/** Two letters after the first exchanged, one left out or one doubled, by turns: what fingers do. */
function mistyped(word: string, turn: number): string {
  const place = 1 + (turn % (word.length - 2));
  if (turn % 3 === 0) return word.slice(0, place) + word.charAt(place + 1) + word.charAt(place) + word.slice(place + 2);
  return turn % 3 === 1 ? word.slice(0, place) + word.slice(place + 1) : word.slice(0, place) + word.charAt(place) + word.slice(place);
}

function german(date: string): string {
  const [year, month, day] = date.split('-');
  return `${Number(day)}.${Number(month)}.${year}`;
}

/** Searches of every kind for the charts of a sample. */
export function searchesFor(sample: readonly SyntheticChart[]): SearchKind[] {
  const kind = (name: string, typedFor: (chart: SyntheticChart, turn: number) => string | undefined): SearchKind => ({
    name,
    searches: sample.flatMap((chart, turn) => {
      const typed = typedFor(chart, turn);
      return typed ? [{ typed, sought: chart.id }] : [];
    }),
  });
  const named = (make: (name: { first: string; last: string }, turn: number) => string | undefined) => (chart: SyntheticChart, turn: number) => {
    const name = latinName(chart);
    return name && make(name, turn);
  };
  const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return [
    kind(
      'first and last name',
      named(({ first, last }) => `${first} ${last}`),
    ),
    kind(
      'last name, first name, small and without accents',
      named(({ first, last }) => plain(`${last}, ${first}`)),
    ),
    kind(
      'last name and three letters of the first',
      named(({ first, last }) => `${last} ${first.slice(0, 3)}`),
    ),
    kind(
      'typo in the last name',
      named(({ first, last }, turn) => (last.length > 4 ? `${first} ${mistyped(last, turn)}` : undefined)),
    ),
    kind('name in its own script', ({ person }) => (/^\p{Script=Latin}/u.test(person.lastName) ? undefined : `${person.lastName} ${person.firstName ?? ''}`)),
    kind(
      'last name alone',
      named(({ last }) => last),
    ),
    kind(
      'three letters of a last name',
      named(({ last }) => last.slice(0, 3)),
    ),
    kind('date of birth', ({ person }) => (person.dateOfBirth?.length === 10 ? german(person.dateOfBirth) : undefined)),
    kind('last name and date of birth', (chart) => {
      const { dateOfBirth } = chart.person;
      return dateOfBirth?.length === 10 ? `${latinName(chart)?.last ?? chart.person.lastName} ${german(dateOfBirth)}` : undefined;
    }),
    kind('MRN', ({ mrn }) => mrn),
    kind('last four digits of a telephone', ({ person }) => person.phone?.slice(-4)),
    kind('last seven digits of a telephone', ({ person }) => person.phone?.slice(-7)),
    kind('another identifier', ({ person }) => person.identifiers[0]?.value),
    kind('nobody', (_, turn) => `Qxzv${turn} Wqkj`),
  ];
}
