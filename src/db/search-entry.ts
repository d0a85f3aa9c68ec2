/**
 * The parts of a statement that write what a chart is found by. They stand in the statement that writes the chart, so that
 * neither a way to the server nor a moment lies between the two: docs/adr/0052-search-without-an-extension.md.
 */

/** A word without each of its letters, and the word: the same that `deletesOf` of src/search makes. */
const deletes = `array(select given.word union select overlay(given.word placing '' from place for 1) from generate_series(1, length(given.word)) as place where length(given.word) > 3)`;

/**
 * Words that are not there yet; `words` is a parameter of type text with blanks between them, `when` says whether the chart was written.
 * A list of text[] would be estimated anew with every call, so that no plan were ever kept (0.5 ms of each registration, measured);
 * the subquery of one row is never joined, so that the table is never read whole.
 */
export function wordsClause(words: string, when: string): string {
  return `insert into patient_search_words ("word", "writer", "deletes") select given.word, pg_backend_pid(), ${deletes} from string_to_table(${words}::text, ' ') as given(word) where ${when} and (select true from patient_search_words as known where known."word" = given.word limit 1) is null on conflict do nothing`;
}

/** The entry of a new chart, which the part named `chart` has written. */
export function newEntryClauses({ terms, version, words }: { terms: string; version: number; words: string }): string {
  return `,
  entry as (insert into patient_search_entries ("patientId", "terms", "termsVersion") select chart."id", ${terms}::tsvector, ${version} from chart),
  words as (${wordsClause(words, 'exists (select from chart)')})`;
}

/** What a change of a chart adds to its entry and takes from it. A chart without an entry gets none: a rebuild makes it whole. */
export function changedEntryClauses({ removed, added, words }: { removed: string; added: string; words: string }): string {
  return `,
  entry as (update patient_search_entries as entry set "terms" = ts_delete(entry."terms", tsvector_to_array(${removed}::tsvector)) || ${added}::tsvector from chart where entry."patientId" = chart."id"),
  words as (${wordsClause(words, 'exists (select from chart)')})`;
}
