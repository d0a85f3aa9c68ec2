import type { Catalogue, CatalogueObject } from '../catalogue.ts';
import type { Programs } from './programs.ts';

/** One object that is not as the migrations made it. */
export interface Difference {
  readonly state: 'missing' | 'extra' | 'different' | 'invalid';
  /** `table`, `column`, `index`, `foreign key`, … */
  readonly object: string;
  /** With its table where it has one: `bills.patientId`. */
  readonly name: string;
  readonly expected?: string;
  readonly found?: string;
}

/** Everything that was read of one database. */
export interface Picture {
  readonly catalogue: Catalogue;
  readonly programs: Programs;
}

/** Compares two pictures, object by object, in both directions. Pure. */
export function compareCatalogues(expected: Catalogue, found: Catalogue): Difference[] {
  return [
    ...compareTexts('enum', expected.enums, found.enums),
    ...compareTables(expected.tables, found.tables),
    ...compareObjects('index', withoutConstraints(expected), withoutConstraints(found)),
    ...compareObjects('foreign key', expected.foreignKeys, found.foreignKeys),
    ...compareObjects('check', expected.checks, found.checks),
    ...compareObjects('constraint', expected.otherConstraints, found.otherConstraints),
    ...compareTexts('comment', expected.comments, found.comments),
  ];
}

/** What roles may do: the name is `table: role`. */
export function compareGrants(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): Difference[] {
  return compareTexts('grant', expected, found);
}

/** The name begins with the kind: `function shout(text)`. */
export function comparePrograms(expected: Programs, found: Programs): Difference[] {
  return compareTexts('', expected, found).map((difference) => {
    const [, object = '', name = ''] = /^(function|trigger|view|materialized view|policy|row security of) (.*)$/s.exec(difference.name) ?? [];
    return { ...difference, object: object.replace(/ of$/, ''), name };
  });
}

/** The index of a primary key or unique constraint is compared with its constraint. */
function withoutConstraints({ indexes, otherConstraints }: Catalogue): Map<string, CatalogueObject> {
  const named = new Set(otherConstraints.keys());
  return new Map([...indexes].filter(([name, { table }]) => !named.has(`${table}.${name.replace(/^.*"\."(.*)"$/, '$1')}`)));
}

function compareTables(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): Difference[] {
  const columns = (definition: string) =>
    new Map(
      definition
        .split('\n')
        // The primary key stands among the constraints.
        .filter((line) => line !== '' && !line.startsWith('PRIMARY KEY'))
        .map((line): [string, string] => [/^(?:"(?:[^"]|"")+"|\S+)/.exec(line)?.[0] ?? line, line]),
    );
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((table): Difference[] => {
    const wanted = expected.get(table);
    const there = found.get(table);
    if (wanted === undefined) return [{ state: 'extra', object: 'table', name: table }];
    if (there === undefined) return [{ state: 'missing', object: 'table', name: table }];
    return compareTexts('column', columns(wanted), columns(there)).map((each) => ({ ...each, name: `${table}.${each.name.replace(/^"(.*)"$/, '$1')}` }));
  });
}

function compareObjects(object: string, expected: ReadonlyMap<string, CatalogueObject>, found: ReadonlyMap<string, CatalogueObject>): Difference[] {
  const texts = (map: ReadonlyMap<string, CatalogueObject>) => new Map([...map].map(([name, { table, definition }]) => [name, `on ${table}: ${definition}`]));
  const invalid = [...found].flatMap(([name, { valid, table, definition }]): Difference[] =>
    !valid && expected.get(name)?.valid === true && expected.get(name)?.definition === definition
      ? [{ state: 'invalid', object, name, expected: 'validated', found: object === 'index' ? `INVALID on ${table}` : `NOT VALID on ${table}` }]
      : [],
  );
  return [...compareTexts(object, texts(expected), texts(found)), ...invalid];
}

function compareTexts(object: string, expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): Difference[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((name): Difference[] => {
    const wanted = expected.get(name);
    const there = found.get(name);
    if (wanted === there) return [];
    if (wanted === undefined) return [{ state: 'extra', object, name, found: there as string }];
    if (there === undefined) return [{ state: 'missing', object, name, expected: wanted }];
    return [{ state: 'different', object, name, expected: wanted, found: there }];
  });
}
