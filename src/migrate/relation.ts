import { quote } from './sql.ts';

/**
 * How the engine names a table, index or type: bare in the schema it works in, `"schema"."name"` elsewhere. One string, so
 * that names are compared as text everywhere; only this file knows how it is made.
 */
export function relationName(schema: string | undefined, name: string, home: string): string {
  return schema === undefined || schema === home ? name : `${quote(schema)}.${quote(name)}`;
}

const elsewhere = /^"((?:[^"]|"")+)"\."((?:[^"]|"")+)"$/;

export function splitRelation(relation: string, home: string): { readonly schema: string; readonly name: string } {
  const found = elsewhere.exec(relation);
  const bare = (part: string | undefined) => (part ?? '').replaceAll('""', '"');
  return found ? { schema: bare(found[1]), name: bare(found[2]) } : { schema: home, name: relation };
}

/** As it goes into a statement; a bare name is left to the search path, or gets the given schema. */
export function quoteRelation(relation: string, schema?: string): string {
  if (elsewhere.test(relation)) return relation;
  return schema === undefined ? quote(relation) : `${quote(schema)}.${quote(relation)}`;
}

/** SQL for a relation's name as `relationName` writes it, of the catalogue's own columns; `$1` is the schema at hand. */
export function relationSql(schemaColumn: string, nameColumn: string): string {
  return `CASE WHEN ${schemaColumn} = $1 THEN ${nameColumn}::text ELSE '"' || replace(${schemaColumn}, '"', '""') || '"."' || replace(${nameColumn}, '"', '""') || '"' END`;
}
